"""The body of ``POST /search``: JSON, or a form of image files with that JSON in a part of its own."""

from typing import Any

import anyio
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.api.search_models import SearchBody, SearchFilters, SearchTerm
from app.api.search_options import name_the_nearest, parameters_named
from app.errors import InvalidSearch, UploadStalled
from app.search.asking.query import SearchQuery
from app.still_picture import MAX_IMAGE_BYTES
from app.uploading.multipart import MultipartReader
from indexer.errors import UploadTooLarge

MAX_JSON_BYTES = 1024 * 1024

MAX_BODY_BYTES = 2 * MAX_IMAGE_BYTES + MAX_JSON_BYTES
"""It is held in memory: two of the largest images, or more of an ordinary size."""

STALLED_AFTER_S = 30.0

IMAGE_PART, SEARCH_PART = "image", "search"

NAMES = {
    "like_clip": "terms.clip",
    "like_video": "terms.video",
    "like_start": "terms.start",
    "like_end": "terms.end",
}
"""What a body calls the parameters of GET /search."""

KNOWN = sorted({name for model in (SearchBody, SearchTerm, SearchFilters) for name in model.model_fields})


def search_body_docs() -> dict[str, Any]:
    """Return the OpenAPI ``requestBody`` of both forms, which FastAPI cannot derive as it never sees them."""
    search = {"$ref": "#/components/schemas/SearchBody"}
    image = {"type": "string", "format": "binary", "description": f"At most {MAX_IMAGE_BYTES:,} bytes"}
    images = {
        "type": "array",
        "items": image,
        "description": "JPEG, PNG, WebP, GIF (its first frame) or BMP; one that no term names is a term.",
    }
    form = {"title": "SearchForm", "type": "object", "properties": {IMAGE_PART: images, SEARCH_PART: search}}
    return {
        "required": True,
        "content": {"application/json": {"schema": search}, "multipart/form-data": {"schema": form}},
    }


async def whole_body(request: Request) -> bytes:
    """Return the body; raises UploadTooLarge, UploadStalled and ClientDisconnect."""
    most = MAX_BODY_BYTES if _is_form(request) else MAX_JSON_BYTES
    body = bytearray()
    try:
        with anyio.fail_after(STALLED_AFTER_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise UploadTooLarge(
                        f"the body has more than {most:,} bytes: send a shorter text, fewer or smaller images"
                    )
    except TimeoutError as error:
        raise UploadStalled(f"the body did not come within {STALLED_AFTER_S:.0f} s: send it again") from error
    return bytes(body)


def read_search(request: Request, body: bytes) -> SearchQuery:
    """Return the search in ``body``; raises RequestValidationError, InvalidSearch and MalformedUpload."""
    text, images = (body, []) if not _is_form(request) else _read_form(request, body)
    try:
        search = SearchBody.model_validate_json(text)
    except ValidationError as error:
        raise RequestValidationError(name_the_nearest(error.errors(include_url=False), KNOWN)) from error
    with parameters_named(NAMES):
        return search.to_query(images)


def _read_form(request: Request, body: bytes) -> tuple[bytes, list[bytes]]:
    """Return the JSON of the form (an empty object when it has none) and its images."""
    text, images = b"{}", []
    for part in MultipartReader(request.headers["content-type"], [body]).parts():
        if part.name == IMAGE_PART:
            images.append(b"".join(part.data))
        elif part.name == SEARCH_PART:
            text = part.text(MAX_JSON_BYTES).encode()
        else:
            raise InvalidSearch(part.name, f"the form's parts are {IMAGE_PART!r} and {SEARCH_PART!r}")
    return text, images


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/")
