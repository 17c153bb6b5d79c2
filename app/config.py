"""Settings of the service, beside those that every process of an installation shares."""

from pydantic import Field

from indexer.config import GIB, Settings


class ServiceSettings(Settings):
    """How the service listens, what it accepts and how many workers it starts."""

    host: str = "127.0.0.1"
    """Address to listen on; ``0.0.0.0`` lets other machines in, and nobody asks them for a password."""
    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port to listen on."""
    workers: int = Field(default=1, ge=0)
    """Indexing processes that ``reelseek serve`` starts; 0 when they run elsewhere."""
    max_upload_bytes: int = Field(default=20 * GIB, gt=0)
    """A larger upload is refused; so is one above ``max_video_bytes``, which no worker would index."""
    min_free_bytes: int = Field(default=GIB, ge=0)
    """An upload that would leave less free space than this on the disk is refused."""

    @property
    def upload_limit_bytes(self) -> int:
        """Return the size of the largest upload accepted."""
        return min(self.max_upload_bytes, self.max_video_bytes)
