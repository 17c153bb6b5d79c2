"""Searching the words said: FTS5 with bm25 on SQLite, tsvector with cover density on Postgres.

Cues in which all the words are said come first, then those with any of them. Within each the database's own
rank decides; that of Postgres knows nothing of how rare a word is (bm25 does), so we add it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.catalog.said_query import SaidQuery, Unit, parse

ALL_WORDS_BONUS = 1000.0
"""Added to the score where all the words are said: more than any rank of the databases."""

RANKED_CUES = 2_000
"""Of what is said more often the newest cues are ranked, so that no word takes longer than a few more."""

FEW_CUES = 20_000
"""Fewer cues of the wanted videos are listed at once; else each match is asked whether it is of them."""

Counts = Mapping[Unit, int]
"""In how many cues units are said, counted up to RANKED_CUES."""

SQLITE_SEARCH = """
    SELECT cues.id, cues.video_id, cues.start_s, cues.end_s, cues.text, -best.rank
    FROM (
        SELECT id, rank FROM (
            SELECT cue_words.rowid AS id, bm25(cue_words) AS rank FROM cue_words {of_videos}
            ORDER BY cue_words.rowid DESC LIMIT :ranked
        )
        ORDER BY rank, id LIMIT :limit
    ) AS best JOIN cues ON cues.id = best.id
    ORDER BY best.rank, cues.id
"""
SQLITE_OF_ALL = "WHERE cue_words MATCH :match"
# The plus keeps SQLite from asking the full text index anew for every cue of the videos.
SQLITE_OF_FEW = """
    WHERE cue_words MATCH :match
    AND +cue_words.rowid IN (SELECT id FROM cues WHERE video_id IN (SELECT value FROM json_each(:video_ids)))
"""
SQLITE_OF_MANY = """
    CROSS JOIN cues AS said ON said.id = cue_words.rowid WHERE cue_words MATCH :match
    AND +said.video_id IN (SELECT value FROM json_each(:video_ids))
"""
SQLITE_COUNT_OF_VIDEOS = """
    SELECT count(*) FROM (
        SELECT 1 FROM cues WHERE video_id IN (SELECT value FROM json_each(:video_ids)) LIMIT :few
    )
"""
SQLITE_COUNT = """
    SELECT count(*) FROM (SELECT 1 FROM cue_words WHERE cue_words MATCH :unit LIMIT :ranked)
"""
POSTGRES_SEARCH = """
    SELECT id, video_id, start_s, end_s, text,
           ts_rank_cd(words, CAST(:match AS tsquery)) + {rarity} AS score
    FROM (
        SELECT * FROM cues WHERE words @@ CAST(:match AS tsquery) {of_videos}
        ORDER BY id DESC LIMIT :ranked
    ) AS said
    ORDER BY score DESC, id LIMIT :limit
"""
POSTGRES_OF_VIDEOS = "AND video_id = ANY(:video_ids)"
POSTGRES_RARITY = """
    CASE WHEN words @@ CAST(:unit_{place} AS tsquery) THEN CAST(:rarity_{place} AS float) ELSE 0 END
"""
POSTGRES_COUNT = """
    SELECT count(*) FROM (SELECT 1 FROM cues WHERE words @@ CAST(:unit AS tsquery) LIMIT :ranked) AS counted
"""


@dataclass(frozen=True)
class SaidHit:
    """A cue that was found; a higher score is better, and the scores of two searches do not compare."""

    video_id: str
    start_s: float
    end_s: float
    text: str
    score: float


def search(
    session: Session,
    words: str,
    excluded: Sequence[str] = (),
    limit: int = 100,
    video_ids: Sequence[str] | None = None,
    *,
    needs_all: bool = False,
) -> list[SaidHit]:
    """Return at most ``limit`` cues in which ``words`` are said, best first; only of ``video_ids``, if given.

    ``words`` may be any text: "quoted words" are a phrase, and nothing else in it is an operator. A cue with
    one of ``excluded`` (each a word, or several that must all be there) is left out, and where it
    ``needs_all`` the words, one in which only some of them are said.
    """
    query = parse(words, excluded)
    if query is None or limit < 1:
        return []
    found = _best(session, query, None, limit, video_ids)
    hits = [replace(hit, score=hit.score + ALL_WORDS_BONUS) for hit in found.values()]
    if len(hits) < limit and len(query.units) > 1 and not needs_all:
        counts = {unit: _count(session, unit) for unit in query.units}
        partly = _best(session, _telling(query, counts), counts, limit, video_ids)
        hits += [hit for cue_id, hit in partly.items() if cue_id not in found]
    return hits[:limit]


def has_any(session: Session) -> bool:
    """Return whether anything was ever said in the library."""
    return bool(session.scalar(text("SELECT EXISTS (SELECT 1 FROM cues)")))


def _telling(query: SaidQuery, counts: Counts) -> SaidQuery:
    """Return ``query`` with its rarer units only, if it has any: alone, the others tell nothing."""
    telling = tuple(unit for unit in query.units if 0 < counts[unit] < RANKED_CUES)
    return replace(query, units=telling or query.units)


def _count(session: Session, unit: Unit) -> int:
    """Return in how many cues ``unit`` is said, counting up to RANKED_CUES."""
    is_sqlite = _is_sqlite(session)
    values = {"unit": _fts5(unit) if is_sqlite else _lexemes(unit), "ranked": RANKED_CUES}
    return session.scalar(text(SQLITE_COUNT if is_sqlite else POSTGRES_COUNT), values) or 0


def _best(
    session: Session, query: SaidQuery, counts: Counts | None, limit: int, video_ids: Sequence[str] | None
) -> dict[int, SaidHit]:
    """Return the best cues by their ids, in order, with all of the units or, given their ``counts``, any."""
    is_sqlite = _is_sqlite(session)
    statement, values = (_sqlite_search if is_sqlite else _postgres_search)(query, counts)
    of_videos = SQLITE_OF_ALL if is_sqlite else ""
    if video_ids is not None:
        values["video_ids"] = json.dumps(list(video_ids)) if is_sqlite else list(video_ids)
        of_videos = _sqlite_of(session, values["video_ids"]) if is_sqlite else POSTGRES_OF_VIDEOS
    values |= {"limit": limit, "ranked": max(limit, RANKED_CUES)}
    rows = session.execute(text(statement.replace("{of_videos}", of_videos)), values)
    return {cue_id: SaidHit(*columns) for cue_id, *columns in rows}


def _sqlite_of(session: Session, video_ids: str) -> str:
    """Return the cheaper way to keep to the videos of a JSON list."""
    count = session.scalar(text(SQLITE_COUNT_OF_VIDEOS), {"video_ids": video_ids, "few": FEW_CUES}) or 0
    return SQLITE_OF_FEW if count < FEW_CUES else SQLITE_OF_MANY


def _sqlite_search(query: SaidQuery, counts: Counts | None) -> tuple[str, dict[str, Any]]:
    match = _joined([_fts5(unit) for unit in query.units], " AND " if counts is None else " OR ")
    for units in query.excluded:
        match += f" NOT {_joined([_fts5(unit) for unit in units], ' AND ')}"
    return SQLITE_SEARCH, {"match": match}


def _postgres_search(query: SaidQuery, counts: Counts | None) -> tuple[str, dict[str, Any]]:
    units = [_lexemes(unit) for unit in query.units]
    match = _joined(units, " & " if counts is None else " | ")
    for excluded in query.excluded:
        match += f" & !{_joined([_lexemes(unit) for unit in excluded], ' & ')}"
    values: dict[str, Any] = {"match": match}
    terms = ["0"]
    rarities = [1 + math.log(RANKED_CUES / max(counts[unit], 1)) for unit in query.units] if counts else []
    for place, rarity in enumerate(rarities):
        terms.append(POSTGRES_RARITY.replace("{place}", str(place)))
        values |= {f"unit_{place}": units[place], f"rarity_{place}": rarity}
    return POSTGRES_SEARCH.replace("{rarity}", " + ".join(terms)), values


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _joined(parts: Sequence[str], operator: str) -> str:
    return f"({operator.join(parts)})"


def _fts5(unit: Unit) -> str:
    """Return a phrase of FTS5; words hold letters, marks and digits only, so no quote ends it early."""
    return f'"{" ".join(unit)}"'


def _lexemes(unit: Unit) -> str:
    """Return a phrase of a tsquery; no quote or backslash can be in a word."""
    return "(" + " <-> ".join(f"'{word}'" for word in unit) + ")"
