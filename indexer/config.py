"""Settings that every process of an installation shares, read from REELSEEK_* variables and ``.env``."""

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL

GIB = 1024**3


class Settings(BaseSettings):
    """Where the library lies and how it is encoded; built in entry points only, never at import."""

    model_config = SettingsConfigDict(
        env_prefix="REELSEEK_", env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    home: Path = Path("reelseek-data")
    """The one folder that holds database, media, thumbnails and index snapshots."""
    database_url: str | None = None
    """``sqlite:///…`` or ``postgresql+psycopg://…``; a SQLite file in ``home`` when not set."""
    model: str = "tiny"
    """Preset of the encoders."""
    reduction: str = "auto"
    """Token reduction in the video encoder, as in ``centerclip:B6-4,49``; ``auto`` reduces where it can."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1`` …; ``auto`` takes a GPU when there is one."""
    max_video_bytes: int = Field(default=20 * GIB, gt=0)
    """A larger file is refused."""

    @property
    def home_folder(self) -> Path:
        """Return ``home`` as an absolute path, ``~`` expanded."""
        return self.home.expanduser().absolute()

    @property
    def catalog_url(self) -> str:
        """Return the URL of the database to open."""
        if self.database_url is not None:
            return self.database_url
        return URL.create("sqlite", database=str(self.home_folder / "reelseek.db")).render_as_string()


def describe_invalid(error: ValidationError) -> str:
    """Return a line for each wrong setting, naming its variable and its value."""
    return "\n".join(
        f"REELSEEK_{'__'.join(map(str, found['loc'])).upper()} is {found['input']!r}: {found['msg']}"
        for found in error.errors()
    )
