"""``GET /search``."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from app.api.identifiers import VideoId
from app.dependencies import ServicesDependency
from app.display_name import visible_text
from app.errors import InvalidCursor
from app.problem_responses import problem_docs
from app.schemas import SearchAnswer
from app.search.answer import search_videos
from app.search.query import DEFAULT_LIMIT, MAX_LIMIT, MAX_WORDS_CHARACTERS, SearchQuery
from app.search.query_words import read_terms
from indexer.catalog.clip_filters import ClipFilters

router = APIRouter(tags=["search"])

MAX_VIDEO_IDS = 100


def _has_words(words: str) -> str:
    if not words.strip():
        raise PydanticCustomError("blank", "describe in words what is to be seen")
    return words


def _visible_or_none(name: str) -> str | None:
    return visible_text(name) or None


Words = Annotated[
    str,
    Query(max_length=MAX_WORDS_CHARACTERS, description="What is to be seen, in words"),
    AfterValidator(_has_words),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most hits on a page")]
CursorWord = Annotated[str | None, Query(description="`next_cursor` of the page before")]
Collection = Annotated[
    str | None,
    Query(max_length=200, description="Only videos of this collection; of all, when empty"),
    BeforeValidator(_visible_or_none),
]
VideoIds = Annotated[
    list[VideoId],
    Query(max_length=MAX_VIDEO_IDS, description="Only these videos; repeat it for more than one"),
]
MinScore = Annotated[
    float | None, Query(ge=-1, le=1, allow_inf_nan=False, description="Only hits with this cosine or more")
]


@router.get(
    "/search",
    summary="Find moments by words",
    response_model=SearchAnswer,
    responses=problem_docs(InvalidCursor, RequestValidationError),
)
def search(  # noqa: PLR0913 - one argument a query parameter
    services: ServicesDependency,
    q: Words,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorWord = None,
    collection: Collection = None,
    video_id: VideoIds = [],  # noqa: B006 - FastAPI copies defaults
    min_score: MinScore = None,
) -> SearchAnswer:
    """Return the clips nearest to the words, best first; filters never cost hits."""
    filters = ClipFilters(collection=collection, video_ids=tuple(video_id))
    query = SearchQuery(
        terms=read_terms(q), limit=limit, cursor=cursor, filters=filters, min_score=min_score, text=q
    )
    return search_videos(services, query)
