"""Times from outside that every part of the service can hold and show."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

EARLIEST_YEAR, LATEST_YEAR = 2, 9998
"""A year away from either end of the calendar, so that no time zone leads out of it."""


def _in_calendar(time: datetime) -> datetime:
    if not EARLIEST_YEAR <= time.year <= LATEST_YEAR:
        raise PydanticCustomError(
            "year_out_of_range",
            "the year must lie between {earliest} and {latest}",
            {"earliest": EARLIEST_YEAR, "latest": LATEST_YEAR},
        )
    return time


CalendarTime = Annotated[AwareDatetime, AfterValidator(_in_calendar)]
"""A time with its zone, in a year that can be written in any other zone."""
