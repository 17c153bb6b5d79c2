"""The parameters of ``GET /export``: those of a search, or chosen moments.

Apart from the route, so that the command line can be read without loading what answers.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.api.search_options import ClipId
from app.api.search_parameters import SearchParameters

MAX_CHOSEN = 400
"""Clips, and as many moments: what an address can hold, and fewer than an EDL can number."""


class ExportFormat(StrEnum):
    """What the moments are written as."""

    CSV = "csv"
    EDL = "edl"
    OTIO = "otio"


class ExportParameters(SearchParameters):
    """A search, or chosen moments."""

    clip: Annotated[
        list[ClipId],
        Field(
            default_factory=list,
            max_length=MAX_CHOSEN,
            description="Instead of a search: this clip; repeat it for more than one",
        ),
    ]
    moment: Annotated[
        list[str],
        Field(
            default_factory=list,
            max_length=MAX_CHOSEN,
            description="Instead of a search: this part, `VIDEO:START-END` in seconds; repeat it for more",
        ),
    ]
    drop_frame: Annotated[
        bool,
        Field(description="Count 29.97 and 59.94 with drop frame, unless the video's own timecode says how"),
    ] = True

    @property
    def chosen_by(self) -> str | None:
        """Return the parameter that chooses moments, if one does."""
        return "clip" if self.clip else "moment" if self.moment else None

    @property
    def asks_for_a_search(self) -> bool:
        """Return whether a parameter of a search is not as when left out: clients send the defaults too."""
        return any(
            getattr(self, name) != field.get_default(call_default_factory=True)
            for name, field in SearchParameters.model_fields.items()
        )
