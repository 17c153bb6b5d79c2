"""Settings of the service, beside those that every process of an installation shares."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import Field, field_validator

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
    max_previews_bytes: int = Field(default=2 * GIB, ge=0)
    """Previews that nobody has asked for for longest are deleted when all together take more than this."""
    upload_expiry_h: float = Field(default=24, gt=0)
    """Hours after which a resumable upload that nobody goes on with is deleted."""
    import_roots: str = ""
    """Folders that ``POST /imports`` may take files from, parted by ``:`` as in PATH; none when empty."""

    webhook_private_targets: str = ""
    """Networks that webhooks may be sent to though they are not public, parted by ``,``; none when empty."""

    @field_validator("webhook_private_targets")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        _networks(text)
        return text

    @property
    def webhook_private_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the networks beside the public internet that webhooks may be sent to."""
        return _networks(self.webhook_private_targets)

    recent_queries: int = Field(default=200, ge=0)
    """Words searched for lately that are kept, to compare generations by; 0 keeps none."""

    @property
    def upload_limit_bytes(self) -> int:
        """Return the size of the largest upload accepted."""
        return min(self.max_upload_bytes, self.max_video_bytes)

    @property
    def import_folders(self) -> list[Path]:
        """Return the folders that may be imported from, links resolved."""
        return [Path(root).expanduser().resolve() for root in self.import_roots.split(os.pathsep) if root]


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
