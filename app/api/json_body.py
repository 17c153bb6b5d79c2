"""Bodies of JSON that are read by hand, so that each wrong field is told with its way out."""

from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from app.api.search_options import name_the_nearest

Read = TypeVar("Read", bound=BaseModel)


def read_json(model: type[Read], body: bytes) -> Read:
    """Return what ``body`` says; raises RequestValidationError, which names the nearest field."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        known = list(model.model_fields)
        raise RequestValidationError(name_the_nearest(error.errors(include_url=False), known)) from error
