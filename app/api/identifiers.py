"""Ids in paths."""

from typing import Annotated

from pydantic import BeforeValidator

from app.display_name import visible_text

Identifier = Annotated[str, BeforeValidator(visible_text)]
"""Without NUL and other controls, which Postgres refuses to compare: such an id is unknown, not a fault."""
