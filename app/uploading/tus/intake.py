"""Where resumable uploads go: what every step of one works with."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.config import ServiceSettings
from indexer.catalog.columns import now
from indexer.library import Library


@dataclass(frozen=True)
class Intake:
    """A library that takes uploads, and its limits."""

    library: Library
    settings: ServiceSettings
    generation_id: int
    """Whose searches must find a video for it to count as indexed."""

    def expires_at(self) -> datetime:
        """Return when an upload expires that is gone on with now."""
        return now() + timedelta(hours=self.settings.upload_expiry_h)
