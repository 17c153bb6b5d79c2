"""Judgements: whether a moment is what a query asks for, as a person says. Functions never commit.

A judgement is of a span of a video. Clips come and go with indexing, so the clip that it speaks of is found
anew each time: the one that shares with the span more than half of what both cover together (intersection
over union). Where clips do not overlap, no two can.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select, tuple_
from sqlalchemy.orm import Session

from indexer.catalog.chunking import in_chunks
from indexer.catalog.columns import now
from indexer.catalog.tables import Clip, Judgement, Video


@dataclass(frozen=True)
class JudgedClip:
    """A judgement and the clip that lies where it was made."""

    query: str
    query_key: str
    clip_id: str | None
    """None: the video is cut otherwise now, and no clip is that moment."""
    is_relevant: bool


def query_key(query: str) -> str:
    """Return what is the same for queries that differ by nothing but case and white space."""
    folded = unicodedata.normalize("NFC", " ".join(query.split())).casefold()
    return hashlib.sha256(folded.encode()).hexdigest()


def judge(session: Session, query: str, clip_id: str, *, is_relevant: bool) -> tuple[Judgement, bool] | None:
    """Return the judgement of a clip and whether it is new; None when there is no such clip.

    One of the same query and moment that was made before is replaced.
    """
    video_id = session.scalar(select(Clip.video_id).where(Clip.id == clip_id))
    session.execute(select(Video.id).where(Video.id == video_id).with_for_update())  # judge one at a time
    clip = session.get(Clip, clip_id, populate_existing=True)  # the clips may have been replaced meanwhile
    if clip is None:
        return None
    known = _of_moment(session, query_key(query), clip)
    for doubled in known[1:]:
        session.delete(doubled)
    session.flush()
    moment = known[0] if known else Judgement(query_key=query_key(query), video_id=clip.video_id)
    moment.query, moment.is_relevant, moment.updated_at = query, is_relevant, now()
    moment.start_s, moment.end_s = clip.start_s, clip.end_s
    session.add(moment)
    session.flush()
    return moment, not known


def delete(session: Session, judgement_id: str) -> bool:
    """Delete a judgement; False when there is none."""
    found = session.get(Judgement, judgement_id)
    if found is not None:
        session.delete(found)
    return found is not None


def list_page(
    session: Session, *, limit: int, key: str | None = None, after: tuple[datetime, str] | None = None
) -> list[Judgement]:
    """Return at most ``limit`` judgements, newest first, that follow the one made at ``after`` (time, id).

    With a ``key`` only those of that query.
    """
    statement = select(Judgement).order_by(Judgement.created_at.desc(), Judgement.id.desc()).limit(limit)
    if key is not None:
        statement = statement.where(Judgement.query_key == key)
    if after is not None:
        statement = statement.where(tuple_(Judgement.created_at, Judgement.id) < tuple_(*after))
    return list(session.scalars(statement))


def judged_clips(session: Session, key: str | None = None) -> list[JudgedClip]:
    """Return every judgement, or those of one query, the latest last; of a clip judged twice, the latest."""
    statement = select(Judgement).order_by(Judgement.updated_at, Judgement.id)
    found = session.scalars(statement if key is None else statement.where(Judgement.query_key == key)).all()
    clip_ids = clips_of(session, [one.id for one in found])
    judged: dict[tuple[str, str], JudgedClip] = {}
    for one in found:
        clip_id = clip_ids.get(one.id)
        place = (one.query_key, clip_id or one.id)
        judged.pop(place, None)
        judged[place] = JudgedClip(one.query, one.query_key, clip_id, one.is_relevant)
    return list(judged.values())


def clips_of(session: Session, judgement_ids: Sequence[str]) -> dict[str, str]:
    """Return the id of the clip that each judgement speaks of, where there is one."""
    found: dict[str, str] = {}
    for chunk in in_chunks(judgement_ids):
        overlapping = session.execute(
            select(Judgement.id, Clip.id, Judgement.start_s, Judgement.end_s, Clip.start_s, Clip.end_s)
            .join(
                Clip,
                and_(
                    Clip.video_id == Judgement.video_id,
                    Clip.start_s < Judgement.end_s,
                    Clip.end_s > Judgement.start_s,
                ),
            )
            .where(Judgement.id.in_(chunk))
        )
        found.update((row[0], row[1]) for row in overlapping if is_same_moment(row[2:4], row[4:6]))
    return found


def is_same_moment(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether two spans (start, end) share more than half of what both cover together."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return 3 * shared > (one[1] - one[0]) + (other[1] - other[0])


def _of_moment(session: Session, key: str, clip: Clip) -> list[Judgement]:
    """Return the judgements of a query that speak of the moment of ``clip``, the very same span first."""
    of_query: Iterable[Judgement] = session.scalars(
        select(Judgement)
        .where(Judgement.query_key == key, Judgement.video_id == clip.video_id)
        .order_by(Judgement.created_at, Judgement.id)
    )
    span = clip.start_s, clip.end_s
    known = [one for one in of_query if is_same_moment((one.start_s, one.end_s), span)]
    return sorted(known, key=lambda one: (one.start_s, one.end_s) != span)
