"""``/imports``: files that lie on the server already."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from app.api.json_body import read_json
from app.api.search_body import whole_body
from app.dependencies import ServicesDependency
from app.errors import InvalidCursor, UploadStalled
from app.opaque_cursor import Cursor, decode_cursor, encode_cursor
from app.problem_responses import problem_docs
from app.schemas import PageInfo
from app.upload_errors import ImportNotAllowed, ImportPathMissing
from app.uploading.fields import Metadata, VideoFields
from app.uploading.path_import import ImportedFiles, ImportRequest, Taken, import_path
from app.urls import job_url, video_url
from indexer.catalog.videos import Said
from indexer.errors import UploadTooLarge
from indexer.folders.intake import QueuedFile

router = APIRouter(tags=["uploads"])

MAX_FILES = 1000


class NewImport(VideoFields):
    """A file or folder on the server, and what is said of each of its videos."""

    path: Annotated[
        str,
        Field(min_length=1, max_length=4096, description="From the root, in one of REELSEEK_IMPORT_ROOTS"),
    ]
    metadata: Annotated[
        Metadata | None, Field(description="A JSON object of your own, given back with each hit")
    ] = None
    limit: Annotated[int, Field(ge=1, le=MAX_FILES, description="Most files of one answer")] = 100
    cursor: Annotated[str | None, Field(description="`next_cursor` of the answer before")] = None


class ImportedFile(BaseModel):
    """A file that is a video now."""

    path: str = Field(description="Links resolved; the file stays there")
    video_id: str
    job_id: str | None = Field(description="Null when a search finds it already")
    video_url: str
    job_url: str | None


class RefusedFile(BaseModel):
    """A file that is none, and why."""

    path: str
    code: str = Field(description="Stable name of the reason")
    message: str = Field(description="The reason and the way out")


class ImportReceipt(BaseModel):
    """What became of the files so far."""

    data: list[ImportedFile]
    refused: list[RefusedFile]
    page_info: PageInfo


class ImportCursor(Cursor):
    """The last file of an answer."""

    path: str
    after: str


@router.post(
    "/imports",
    status_code=202,
    summary="Import files from the server",
    response_model=ImportReceipt,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewImport"}}},
        }
    },
    responses={
        200: {"model": ImportReceipt, "description": "All of them are indexed already"},
        **problem_docs(
            InvalidCursor,
            ClientDisconnect,
            ImportNotAllowed,
            ImportPathMissing,
            UploadStalled,
            UploadTooLarge,
            RequestValidationError,
        ),
    },
)
async def import_files(
    services: ServicesDependency, response: Response, body: Annotated[bytes, Depends(whole_body)]
) -> ImportReceipt:
    """Index a file, or a folder's videos, in place; go on with `next_cursor` until it is null."""
    new = read_json(NewImport, body)
    imported = await to_thread.run_sync(
        import_path,
        services.library,
        services.settings,
        services.generation_id,
        _request(new),
        limiter=services.upload_threads,
    )
    if not any(isinstance(file, QueuedFile) for file in imported.taken):
        response.status_code = 200
    return _receipt(new, imported)


def _request(new: NewImport) -> ImportRequest:
    after = None
    if new.cursor is not None:
        place = decode_cursor(new.cursor, ImportCursor)
        if place.path != new.path:
            raise InvalidCursor(f"the cursor is of an import of {place.path!r}: leave it out to begin anew")
        after = place.after
    said = Said(new.title, new.collection, new.recorded_at, new.metadata or {})
    return ImportRequest(new.path, new.limit, after, said)


def _receipt(new: NewImport, imported: ImportedFiles) -> ImportReceipt:
    cursor = None
    if imported.next_after is not None:
        cursor = encode_cursor(ImportCursor(path=new.path, after=imported.next_after))
    return ImportReceipt(
        data=[_describe(file) for file in imported.taken],
        refused=[
            RefusedFile(path=str(one.path), code=one.code, message=one.reason) for one in imported.refusals
        ],
        page_info=PageInfo(limit=new.limit, next_cursor=cursor),
    )


def _describe(file: Taken) -> ImportedFile:
    job_id = file.job_id if isinstance(file, QueuedFile) else None
    return ImportedFile(
        path=str(file.path),
        video_id=file.video_id,
        job_id=job_id,
        video_url=video_url(file.video_id),
        job_url=job_url(job_id) if job_id else None,
    )
