"""``PUT`` and ``DELETE /videos/{id}/subtitles``: what is said in a video, as a person knows it."""

from pydantic import BaseModel, Field

from app.errors import UnknownVideo
from app.uploading.body import UploadBody
from app.uploading.form import take_subtitles
from indexer.catalog import cues, videos
from indexer.errors import NotSubtitles
from indexer.library import Library
from indexer.subtitle_file import parse_subtitles, subtitle_warning


class SubtitlesReceipt(BaseModel):
    """What became of a video's subtitles."""

    video_id: str
    cue_count: int = Field(description="Pieces of what is said that are searchable from now on")
    replaced: int = Field(description="Those there were before, whoever gave them")
    warning: str | None = Field(description="What in the file was left out or guessed")


def replace_subtitles(
    library: Library, video_id: str, language: str | None, body: UploadBody
) -> SubtitlesReceipt:
    """Make the uploaded SubRip or WebVTT file all that is said in a video, until another one is given.

    Raises UnknownVideo, NotSubtitles, and UploadStalled or ClientDisconnect while the body arrives.
    """
    with library.database.reading() as session:
        if videos.get(session, video_id) is None:
            raise UnknownVideo(video_id)
    if body.content_type.startswith("multipart/"):
        raise NotSubtitles(
            "the body is a form: send the file itself as the body (curl --upload-file film.srt)"
        )
    found = parse_subtitles(take_subtitles(body.chunks()), language)
    warning = subtitle_warning([found.note] if found.note else [])
    with library.database.writing() as session:
        try:
            replaced = cues.replace_all(session, video_id, found.cues, warning)
        except LookupError as error:
            raise UnknownVideo(video_id) from error
    return SubtitlesReceipt(video_id=video_id, cue_count=len(found.cues), replaced=replaced, warning=warning)


def remove_subtitles(library: Library, video_id: str) -> SubtitlesReceipt:
    """Forget what is said in a video; raises UnknownVideo. Indexed again, it has its own again."""
    with library.database.writing() as session:
        try:
            replaced = cues.replace_all(session, video_id, [], None)
        except LookupError as error:
            raise UnknownVideo(video_id) from error
    return SubtitlesReceipt(video_id=video_id, cue_count=0, replaced=replaced, warning=None)
