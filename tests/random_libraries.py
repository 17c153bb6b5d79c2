"""Libraries and filters drawn by chance, and which videos pass, worked out in Python from the rows."""

import re
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from indexer.catalog.clip_filters import ClipFilters
from indexer.catalog.metadata_conditions import MetadataCondition, Reading
from indexer.catalog.tables import Generation, Video
from tests.factories import make_new_clip, store_video

NOON = datetime(2025, 5, 1, 12, tzinfo=UTC)
COLLECTIONS = ("pets", "trips", "Pets")
FOLDERS = ("/videos", "/videos/a_b", "/videos/a_b/c", "/videos/aXb", "/VIDEOS/a_b", "/videos/100%")
TIMES = [NOON + timedelta(hours=12 * step) for step in range(-3, 4)]
DURATIONS = (2.0, 4.5, 8.0)
VALUES: dict[str, list[Any]] = {
    "take": [*range(-2, 5), 2.5, "3", "-1.5", "2", "three", None, True, [1, "4"], {"a": 1}],
    "day": ["2025-04-30", "2025-05-01", "2025-05-01T09:30", "2025-05-01 18:00", "2025-05", "May", 2025],
    "camera": ["A", "B", "a", "AB", "", "50%", "Ä", ["A", "C"], []],
    "is_day": [True, False, "true", 1],
}
BOUNDS: dict[str, list[tuple[str | None, str | None]]] = {
    "take": [("-2", "2"), ("2", None), (None, "2.5"), ("three", None), ("1", "1")],
    "day": [("2025-05-01", "2025-05-01"), ("2025", "2025"), ("2025-05-01T10:00", None), (None, "2025-04")],
    "camera": [("A", "B"), ("B", None), (None, "a"), ("Z", "z")],
    "is_day": [("0", "1"), ("a", None)],
}


def store_random_video(session: Session, generation: Generation, chance: Random) -> Video:
    """Write a video with up to four clips and return it; half of the fields are left empty."""
    keys = [key for key in VALUES if chance.random() < 0.7]
    clips = [
        make_new_clip(chance.randrange(1000), start_s=4.0 * place, dimension=generation.dimension, segments=1)
        for place in range(chance.randrange(5))
    ]
    folder = chance.choice(FOLDERS)
    return store_video(
        session,
        generation,
        *clips,
        collection=chance.choice([None, *COLLECTIONS]),
        recorded_at=chance.choice([None, *TIMES]),
        added_at=chance.choice(TIMES),
        duration_s=chance.choice([None, *DURATIONS]),
        extra={key: chance.choice(VALUES[key]) for key in keys},
        is_managed=chance.random() < 0.2,
        media_path=f"{folder}/{chance.randrange(10**9)}.mp4",
    )


def random_filters(chance: Random, video_ids: list[str]) -> ClipFilters:
    """Return filters of which most fields demand nothing."""

    def maybe(value: Any, share: float = 0.2) -> Any:
        return value if chance.random() < share else None

    some_ids = chance.sample(video_ids, min(len(video_ids), 3))
    conditions = [_random_condition(chance, key) for key in VALUES if chance.random() < 0.2]
    return ClipFilters(
        collections=tuple(chance.sample(COLLECTIONS, chance.randrange(1, 3))) if maybe(1) else (),
        video_ids=(*some_ids, "nowhere") if maybe(1, 0.1) else (),
        recorded_after=maybe(chance.choice(TIMES)),
        recorded_before=maybe(chance.choice(TIMES)),
        added_after=maybe(chance.choice(TIMES)),
        added_before=maybe(chance.choice(TIMES), 0.1),
        min_duration_s=maybe(chance.choice(DURATIONS)),
        max_duration_s=maybe(chance.choice(DURATIONS)),
        path_prefix=maybe(chance.choice(FOLDERS)),
        metadata=tuple(conditions),
    )


def _random_condition(chance: Random, key: str) -> MetadataCondition:
    scalars = [str(value).lower() if value is True else str(value) for value in VALUES[key]]
    values = tuple(chance.sample(scalars, chance.randrange(1, 3)))
    least, most = chance.choice(BOUNDS[key])
    kind = chance.randrange(3)
    if kind == 0:
        return MetadataCondition(key, values)
    return MetadataCondition(key, values if kind == 1 else (), least, most)


def passes(video: Video, filters: ClipFilters) -> bool:
    """Return whether a row meets ``filters``, as a person would say."""
    path = filters.path_prefix
    return (
        (not filters.collections or video.collection in filters.collections)
        and (not filters.video_ids or video.id in filters.video_ids)
        and _in_span(video.recorded_at, filters.recorded_after, filters.recorded_before)
        and _in_span(video.added_at, filters.added_after, filters.added_before)
        and _between(video.duration_s, filters.min_duration_s, filters.max_duration_s)
        and (path is None or (not video.is_managed and video.media_path.startswith(path + "/")))
        and all(_meets(video.extra.get(one.key), one) for one in filters.metadata)
    )


def _in_span(time: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    if after is None and before is None:
        return True
    return time is not None and (after is None or after <= time) and (before is None or time < before)


def _between(value: Any, least: Any, most: Any) -> bool:
    if least is None and most is None:
        return True
    return value is not None and (least is None or least <= value) and (most is None or value <= most)


def _meets(value: object, condition: MetadataCondition) -> bool:
    entries = value if isinstance(value, list) else [value]
    return any(_equals(entry, condition) and _within(entry, condition) for entry in entries)


def _equals(entry: object, condition: MetadataCondition) -> bool:
    if not condition.values:
        return True
    if isinstance(entry, bool):
        return str(entry).lower() in [value.lower() for value in condition.values]
    if isinstance(entry, int | float):
        return entry in [_number(value) for value in condition.values]
    return entry in condition.values


def _within(entry: object, condition: MetadataCondition) -> bool:
    if not condition.bounds:
        return True
    least, most = condition.least, condition.most
    found = []
    if Reading.NUMBER in condition.readings and (number := _number(entry)) is not None:
        found.append(_between(number, _number(least), _number(most)))
    if Reading.DATE in condition.readings and re.match(r"\d{4}-\d\d", str(entry)):
        written = str(entry).replace(" ", "T")
        found.append(_between(written, least, None) and _between(written[: len(most or "")], None, most))
    if Reading.TEXT in condition.readings and isinstance(entry, str):
        found.append(_between(entry, least, most))
    return any(found)


def _number(value: object) -> float | None:
    is_number = not isinstance(value, bool) and re.fullmatch(r"-?\d+(\.\d+)?", str(value))
    return float(str(value)) if is_number else None
