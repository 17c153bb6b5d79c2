"""Ids in paths."""

from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from app.display_name import visible_text

Identifier = Annotated[str, BeforeValidator(visible_text)]
"""Without NUL and other controls, which Postgres refuses to compare: such an id is unknown, not a fault."""

VideoId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
"""As this service makes them; any other one is a mistake of whoever wrote it."""
