"""``/search``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect

from app.api.search_body import NAMES, read_search, search_body_docs, whole_body
from app.api.search_options import parameters_named
from app.api.search_parameters import query_of_parameters
from app.dependencies import ServicesDependency
from app.errors import (
    ImageTooLarge,
    InvalidCursor,
    InvalidImage,
    MalformedUpload,
    NotMultipart,
    UnknownClip,
    UnknownVideo,
    UploadStalled,
)
from app.problem_responses import problem_docs
from app.schemas import SearchAnswer
from app.search.answering.answer_text import search_as_json
from app.search.asking.query import SearchQuery
from indexer.errors import UploadTooLarge

router = APIRouter(tags=["search"])

JSON = "application/json"


@router.get(
    "/search",
    summary="Find moments",
    response_model=SearchAnswer,
    responses=problem_docs(InvalidCursor, UnknownVideo, UnknownClip, RequestValidationError),
)
def find_moments(
    services: ServicesDependency, query: Annotated[SearchQuery, Depends(query_of_parameters)]
) -> Response:
    """Return the moments that fit best, best first; filters never cost hits.

    Besides the parameters listed, `meta.KEY=VALUE`, `meta.KEY.min=` and `meta.KEY.max=` are conditions on the
    videos' own metadata.
    """
    return Response(search_as_json(services, query), media_type=JSON)


@router.post(
    "/search",
    summary="Find moments by weighted examples and images",
    response_model=SearchAnswer,
    openapi_extra={"requestBody": search_body_docs()},
    responses=problem_docs(
        InvalidCursor,
        MalformedUpload,
        ClientDisconnect,
        UnknownVideo,
        UnknownClip,
        UploadStalled,
        UploadTooLarge,
        ImageTooLarge,
        NotMultipart,
        RequestValidationError,
        InvalidImage,
    ),
)
def search_by_examples(
    request: Request, services: ServicesDependency, body: Annotated[bytes, Depends(whole_body)]
) -> Response:
    """Return the moments that fit best; nothing is stored. The next page: the same body with its cursor."""
    query = read_search(request, body)
    with parameters_named(NAMES):
        return Response(search_as_json(services, query), media_type=JSON)
