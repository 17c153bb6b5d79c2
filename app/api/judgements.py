"""``/judgements``: saying which hits are right, for evaluation and for searches that learn from it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.requests import ClientDisconnect

from app.api.identifiers import Identifier
from app.api.json_body import read_json
from app.api.search_body import whole_body
from app.api.search_options import ClipId, Description, parameters_named
from app.calendar_time import CalendarTime
from app.dependencies import ServicesDependency
from app.errors import InvalidCursor, UnknownClip, UnknownJudgement, UploadStalled
from app.opaque_cursor import WAY_OUT, Cursor, decode_cursor, page_info
from app.problem_responses import problem_docs
from app.schemas import PageInfo
from app.search.asking.query import SearchQuery
from app.search.asking.query_words import read_terms
from indexer.catalog import judgements
from indexer.catalog.tables import Judgement
from indexer.errors import UploadTooLarge

router = APIRouter(tags=["judgements"])

MAX_PAGE = 200


class NewJudgement(BaseModel):
    """What a person says of a hit."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[Description, Field(description="What was searched for, as in `q`")]
    clip_id: Annotated[ClipId, Field(description="The clip of the hit")]
    is_relevant: Annotated[StrictBool, Field(description="Whether it shows what was searched for")]


class JudgementDetails(BaseModel):
    """A judgement. It is of a span of a video, and stands when the video is indexed again."""

    id: str
    query: str = Field(description="As it was typed last; case and white space make no other query")
    video_id: str
    start: float = Field(description="Seconds into the video")
    end: float = Field(description="Seconds into the video")
    clip_id: str | None = Field(description="The clip that lies there now; null when others were cut")
    is_relevant: bool
    created_at: datetime
    updated_at: datetime = Field(description="When it was judged last")


class JudgementList(BaseModel):
    """A page of judgements, newest first."""

    data: list[JudgementDetails]
    page_info: PageInfo


class JudgementCursor(Cursor):
    """The last judgement of a page."""

    created_at: CalendarTime
    judgement_id: str = Field(pattern="^[0-9a-f]{32}$")
    key: str | None
    """Of the query that was asked for."""


@router.post(
    "/judgements",
    status_code=201,
    summary="Judge a hit",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewJudgement"}}},
        }
    },
    responses={
        200: {"model": JudgementDetails, "description": "It was judged before: this judgement stands now"},
        **problem_docs(ClientDisconnect, UnknownClip, UploadStalled, UploadTooLarge, RequestValidationError),
    },
)
def add_judgement(
    services: ServicesDependency, response: Response, body: Annotated[bytes, Depends(whole_body)]
) -> JudgementDetails:
    """Keep whether a clip is what a query asks for; judging the same again replaces it."""
    new = read_json(NewJudgement, body)
    query = " ".join(new.query.replace("\0", " ").split())
    with parameters_named({"q": "query"}):
        SearchQuery(terms=read_terms(query))  # only what can be searched for can be judged
    with services.library.database.writing() as session:
        judged = judgements.judge(session, query, new.clip_id, is_relevant=new.is_relevant)
    if judged is None:
        raise UnknownClip(new.clip_id, "clip_id")
    judgement, is_new = judged
    response.status_code = 201 if is_new else 200
    return _describe(judgement, new.clip_id)


@router.get(
    "/judgements",
    summary="List judgements",
    responses=problem_docs(InvalidCursor, RequestValidationError),
)
def list_judgements(
    services: ServicesDependency,
    q: Annotated[Description | None, Query(description="Only those of this query")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most judgements on a page")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> JudgementList:
    """Return what was judged, newest first."""
    key = judgements.query_key(q) if q is not None else None
    place = decode_cursor(cursor, JudgementCursor) if cursor is not None else None
    if place is not None and place.key != key:
        raise InvalidCursor(f"cursor {str(cursor)[:100]!r} is of a list for another q: {WAY_OUT}")
    after = (place.created_at, place.judgement_id) if place else None
    with services.library.database.reading() as session:
        found = judgements.list_page(session, limit=limit + 1, key=key, after=after)
        clip_ids = judgements.clips_of(session, [one.id for one in found])
    return JudgementList(
        data=[_describe(one, clip_ids.get(one.id)) for one in found[:limit]],
        page_info=page_info(
            found,
            limit,
            lambda one: JudgementCursor(created_at=one.created_at, judgement_id=one.id, key=key),
        ),
    )


@router.delete(
    "/judgements/{judgement_id}",
    status_code=204,
    summary="Delete a judgement",
    responses=problem_docs(UnknownJudgement),
)
def delete_judgement(services: ServicesDependency, judgement_id: Identifier) -> None:
    """Take a judgement back; repeated, it answers 404."""
    with services.library.database.writing() as session:
        if not judgements.delete(session, judgement_id):
            raise UnknownJudgement(judgement_id)


def _describe(judgement: Judgement, clip_id: str | None) -> JudgementDetails:
    return JudgementDetails(
        id=judgement.id,
        query=judgement.query,
        video_id=judgement.video_id,
        start=judgement.start_s,
        end=judgement.end_s,
        clip_id=clip_id,
        is_relevant=judgement.is_relevant,
        created_at=judgement.created_at,
        updated_at=judgement.updated_at,
    )
