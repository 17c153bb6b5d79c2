"""The answers of the HTTP interface. Times inside a video are seconds from its first frame, as floats."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.confidence import Confidence
from indexer.catalog.states import VideoState


class InvalidParameter(BaseModel):
    """What is wrong with one parameter."""

    location: str = Field(description="`query`, `path`, `header` or `body`")
    parameter: str = Field(description="Name of the parameter")
    message: str = Field(description="What is wrong with it")
    value: str | None = Field(description="What was sent, shortened; null when nothing was")


class Problem(BaseModel):
    """An error (RFC 9457, application/problem+json)."""

    type: str = Field(description="Stable name of the kind of problem: compare this, never the texts")
    title: str = Field(description="The kind of problem in words")
    status: int = Field(description="HTTP status")
    detail: str = Field(description="What went wrong this time, and the way out")
    instance: str = Field(description="Path of the request")
    request_id: str = Field(description="Also in the X-Request-ID header and in the service's log")
    errors: list[InvalidParameter] = Field(default=[], description="For invalid parameters: each of them")


class PageInfo(BaseModel):
    """Where a list goes on."""

    limit: int = Field(description="Most entries on this page")
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last one")


class Failure(BaseModel):
    """Why something could not be indexed."""

    code: str = Field(description="Stable name of the reason")
    message: str = Field(description="The reason, of this file")
    advice: str = Field(description="What to do about it")


class VideoDetails(BaseModel):
    """A video of the library."""

    id: str
    title: str
    filename: str = Field(description="As it was when the video came; only for showing")
    state: VideoState = Field(description="`ready` is indexed, though maybe not with this model")
    is_searchable: bool = Field(description="Whether a search with this model can find it")
    duration: float | None = Field(description="Seconds that decode; null until known")
    width: int | None = Field(description="Pixels, upright, as shown")
    height: int | None = Field(description="Pixels, upright, as shown")
    codec: str | None
    size_bytes: int
    sha256: str = Field(description="Of the file's bytes; the same bytes are the same video")
    collection: str | None
    recorded_at: datetime | None
    added_at: datetime
    metadata: dict[str, object] = Field(description="As given with the upload")
    clip_count: int
    cue_count: int = Field(description="Pieces of what is said in it, of subtitles; see mode=text")
    error: Failure | None
    warning: str | None = Field(description="What was odd with a file that was indexed all the same")
    job_id: str | None = Field(description="The latest job that indexed it or will")
    stream_url: str
    thumbnail_url: str | None = Field(description="Picture of its first clip; null until indexed")


class VideoList(BaseModel):
    """A page of the library, newest first."""

    data: list[VideoDetails]
    page_info: PageInfo


class CollectionDetails(BaseModel):
    """A collection, which exists as long as a video has it."""

    name: str = Field(description="As the filter `collection` takes it")
    video_count: int
    ready_count: int = Field(description="Videos of it that are indexed")


class CollectionList(BaseModel):
    """A page of the collections, by name."""

    data: list[CollectionDetails]
    page_info: PageInfo


class UploadReceipt(BaseModel):
    """What became of an upload."""

    video_id: str
    job_id: str = Field(description="Follow it at /jobs/{id}")
    state: VideoState
    sha256: str
    is_new: bool = Field(description="False when the library had the same bytes already")
    video_url: str
    job_url: str


class DeletedRows(BaseModel):
    """Rows of the catalog that went with a video."""

    videos: int
    clips: int
    embeddings: int = Field(description="Vectors of clips and of their segments, of every model")
    cues: int = Field(description="Pieces of what is said in it")
    judgements: int
    jobs: int
    uploads: int = Field(description="Resumable uploads that became it")
    idempotency_keys: int
    deliveries: int = Field(description="Messages to webhooks that told of it")


class DeletedFiles(BaseModel):
    """Files that went with a video."""

    media: int
    thumbnails: int
    previews: int
    uploads: int
    snapshots: int = Field(description="Copies of the index that held its vectors; they are made anew")


class DeletionReceipt(BaseModel):
    """What was deleted with a video; the same whenever it is asked for."""

    video_id: str
    sha256: str = Field(description="Of the video's bytes")
    deleted_at: datetime
    media: Literal["deleted", "in-place", "missing", "uploaded-again"] = Field(
        description="What became of the file: `in-place` stays, as it was indexed where it lies; "
        "`uploaded-again` belongs to an upload of the same bytes that came in this moment"
    )
    rows: DeletedRows
    files: DeletedFiles


class HitVideo(BaseModel):
    """The video that a hit lies in."""

    title: str
    filename: str
    duration: float | None = Field(description="Seconds")
    recorded_at: datetime | None
    metadata: dict[str, object]


class WordsSaid(BaseModel):
    """Where in a hit the words are said."""

    text: str = Field(description="What is said, as in the subtitles")
    start: float = Field(description="Seconds into the video")
    end: float = Field(description="Seconds into the video")


class ShortHit(BaseModel):
    """A moment that stands behind a hit: one that looks like it, another one of its video, or a step."""

    clip_id: str
    video_id: str
    title: str
    start: float = Field(description="Seconds into the video")
    end: float = Field(description="Seconds into the video")
    score: float
    confidence: Confidence | None
    thumbnail_url: str
    stream_url: str


class SimilarHits(BaseModel):
    """Moments of other videos that look nearly the same."""

    count: int = Field(description='How many there are: "+6 similar"')
    hits: list[ShortHit] = Field(description="The best of them")


class SegmentScore(BaseModel):
    """How well a part of a hit fits."""

    start: float = Field(description="Seconds into the video")
    end: float = Field(description="Seconds into the video")
    score: float = Field(description="As the hit's score")


class Explanation(BaseModel):
    """Why a hit fits."""

    segments: list[SegmentScore] = Field(
        description="Its parts in time order; of a long moment those around the best clip"
    )
    heatmap_url: str | None = Field(
        description="Picture of what in the best clip fits the words; null when more than the words of one "
        "`q` was looked for"
    )


class Hit(BaseModel):
    """A moment that fits what was looked for."""

    rank: int = Field(description="1 is the best; counts on over pages")
    clip_id: str = Field(description="The clip of the moment that fits best")
    video_id: str
    start: float = Field(description="Second at which the moment begins: all its neighbouring clips")
    end: float = Field(description="Second at which the moment ends")
    best_at: float = Field(description="Second at which it fits best, between start and end")
    tight_start: float = Field(description="Second from which it fits nearly as well as at its best")
    tight_end: float = Field(description="Second up to which it does")
    score: float = Field(
        description="Cosine of what is looked for and the best clip, -1 to 1; of a sequence the mean over "
        "its steps, each in units of chance; 0 with mode=text. Comparable within one answer only"
    )
    confidence: Confidence | None = Field(
        description="How sure it is that this is what was described, measured against the library; null "
        "where that cannot be told"
    )
    clips: list[str] = Field(description="Ids of the clips that make up the moment, in time order")
    similar: SimilarHits
    moments: list[ShortHit] = Field(description="With group_by=video: the best moments of the video")
    steps: list[ShortHit] = Field(description="Of a sequence: where each step is seen")
    said: WordsSaid | None = Field(description="Where the words are said in it, as far as subtitles tell")
    explanation: Explanation | None = Field(description="With explain=true: what in it fits, and how well")
    thumbnail_url: str
    preview_url: str = Field(
        description="The moment as an mp4 that plays in any browser, made when it is first asked for; of a "
        "long one the minute around best_at. It begins at its `start`"
    )
    stream_url: str = Field(description="The video, with the moment as media fragment `#t=start,end`")
    video: HitVideo


class CoverageDetails(BaseModel):
    """How much of the library was searched."""

    videos: int = Field(description="Searched")
    clips: int = Field(description="Searched")
    videos_pending: int = Field(description="Waiting or being indexed: not searched yet")
    videos_failed: int = Field(description="Could not be indexed: never searched")
    videos_of_other_models: int = Field(description="Not searched until they are indexed with this model too")


class SearchModel(BaseModel):
    """What compared words and pictures."""

    preset: str
    generation: int


class SearchTiming(BaseModel):
    """Where the time went, in milliseconds."""

    embed: float = Field(description="Words to vector; near 0 when cached")
    search: float = Field(description="Following the catalog and comparing vectors")
    rows: float = Field(description="Reading clips, videos and best moments")
    total: float


class SearchAnswer(BaseModel):
    """Moments that fit what was looked for, best first."""

    query: str = Field(description="As it was typed")
    data: list[Hit]
    nothing_found: bool = Field(
        description="Whether the library seems to hold nothing of the kind: what is in `data` is then a guess"
    )
    page_info: PageInfo
    coverage: CoverageDetails
    model: SearchModel
    notices: list[str] = Field(description="What a person should know about this answer")
    timing_ms: SearchTiming


class Health(BaseModel):
    """The process answers."""

    status: str
    version: str


class Readiness(BaseModel):
    """Searching works."""

    status: str
    model: SearchModel
    revision: int = Field(description="State of the catalog that the index has")
    clips: int = Field(description="Vectors in the index")
