"""Cues: the words said in a video, storing, replacing and counting them. Functions never commit."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from indexer.catalog.chunking import in_chunks
from indexer.catalog.spoken_words import words_of
from indexer.catalog.states import CueSource
from indexer.catalog.tables import Cue, Video
from indexer.cue_text import NewCue


def replace(session: Session, video_id: str, source: CueSource, cues: Iterable[NewCue]) -> int:
    """Make ``cues`` all that is stored of a video from ``source``; return how many they are."""
    delete(session, video_id, [source])
    rows = [
        {
            "video_id": video_id,
            "start_s": cue.start_s,
            "end_s": cue.end_s,
            "text": cue.text,
            "words": words_of(cue.text),
            "source": source,
            "language": cue.language,
        }
        for cue in cues
    ]
    if rows:
        session.execute(insert(Cue), rows)
    return len(rows)


def replace_found(
    session: Session, video_id: str, found: Mapping[CueSource, Iterable[NewCue]], warning: str | None
) -> bool:
    """Make what was ``found`` all that is stored from these sources, and tell what was wrong with it.

    Returns False, nothing stored, when the video is gone or a person has uploaded what is said: that stands.
    """
    video = session.get(Video, video_id, with_for_update=True)
    if video is None or has_any_of(session, video_id, CueSource.UPLOAD):
        return False
    video.subtitle_warning = warning
    for source, cues in found.items():
        replace(session, video_id, source, cues)
    return True


def replace_all(session: Session, video_id: str, uploaded: Iterable[NewCue], warning: str | None) -> int:
    """Make ``uploaded`` all that is said in a video; return how many cues it had before.

    Raises LookupError when there is no such video.
    """
    video = session.get(Video, video_id, with_for_update=True)
    if video is None:
        raise LookupError(f"video {video_id} was deleted: its subtitles are not stored")
    video.subtitle_warning = warning
    count = delete(session, video_id)
    replace(session, video_id, CueSource.UPLOAD, uploaded)
    return count


def delete(session: Session, video_id: str, sources: Sequence[CueSource] = tuple(CueSource)) -> int:
    """Delete the cues of a video that come from ``sources``; return how many they were."""
    of_video = select(func.count()).where(Cue.video_id == video_id, Cue.source.in_(sources))
    count = session.scalar(of_video) or 0
    if count:
        session.execute(
            delete_rows(Cue).where(Cue.video_id == video_id, Cue.source.in_(sources)),
            execution_options={"synchronize_session": False},
        )
    return count


def stored(session: Session, video_id: str, source: CueSource) -> list[NewCue]:
    """Return the cues of a video that come from ``source``, in the order they were stored."""
    rows = session.execute(
        select(Cue.start_s, Cue.end_s, Cue.text, Cue.language)
        .where(Cue.video_id == video_id, Cue.source == source)
        .order_by(Cue.id)
    )
    return [NewCue(*row) for row in rows]


def has_any_of(session: Session, video_id: str, source: CueSource) -> bool:
    """Return whether a video has cues from ``source``."""
    of_video = select(Cue.id).where(Cue.video_id == video_id, Cue.source == source)
    return session.scalar(of_video.limit(1)) is not None


def counts(session: Session, video_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of cues of each video that has any."""
    found: dict[str, int] = {}
    for chunk in in_chunks(video_ids):
        rows = session.execute(
            select(Cue.video_id, func.count()).where(Cue.video_id.in_(chunk)).group_by(Cue.video_id)
        )
        found.update((video_id, count) for video_id, count in rows)
    return found
