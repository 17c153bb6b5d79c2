"""``/collections``: listing the names that videos were given to be searched together."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import Field

from app.dependencies import ServicesDependency
from app.errors import InvalidCursor
from app.opaque_cursor import Cursor, decode_cursor, page_info
from app.problem_responses import problem_docs
from app.schemas import CollectionDetails, CollectionList
from indexer.catalog import collections

router = APIRouter(tags=["collections"])

MAX_PAGE = 200


class CollectionCursor(Cursor):
    """The last collection of a page of the list."""

    name: str = Field(max_length=200, pattern=r"^[^\x00]+$")  # Postgres compares no text with a NUL in it


@router.get(
    "/collections", summary="List collections", responses=problem_docs(InvalidCursor, RequestValidationError)
)
def list_collections(
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most collections on a page")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> CollectionList:
    """Return the collections by name. One exists exactly as long as a video has it."""
    after = decode_cursor(cursor, CollectionCursor).name if cursor is not None else None
    with services.library.database.reading() as session:
        found = collections.list_page(session, limit=limit + 1, after=after)
    return CollectionList(
        data=[
            CollectionDetails(name=one.name, video_count=one.video_count, ready_count=one.ready_count)
            for one in found[:limit]
        ],
        page_info=page_info(found, limit, lambda last: CollectionCursor(name=last.name)),
    )
