"""Which videos pass conditions: on SQLite and on Postgres alike."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors import InvalidSearch
from app.search.asking.filters import allowed_videos
from indexer.catalog.clip_filters import ClipFilters, video_ids_where
from indexer.catalog.metadata_conditions import MetadataCondition, Reading, metadata_keys
from indexer.catalog.session import Database
from tests.factories import make_video

MAY = datetime(2025, 5, 1, tzinfo=UTC)
CAT: dict[str, Any] = {
    "collection": "pets",
    "recorded_at": MAY,
    "added_at": datetime(2025, 6, 1, tzinfo=UTC),
    "duration_s": 8.0,
    "media_path": "/videos/my_pets/cat.mp4",
    "extra": {
        **{"camera": "A", "take": 3, "speed": 0.1, "is_day": True, "day": "2025-05-01", "lens": "50"},
        **{"at": "2025-05-01 14:30", "tags": ["sea", 7, False, ["deep"]], "größe": "groß 🐈", "of": {"a": 1}},
        **{"serial": 9007199254740993, "note": None, 'a"b.c': "quoted"},
    },
}


def value(key: str, *values: str) -> ClipFilters:
    """Return the filter that lets pass any of ``values``."""
    return ClipFilters(metadata=(MetadataCondition(key, values),))


def between(key: str, least: str | None, most: str | None) -> ClipFilters:
    """Return the filter that lets pass a range."""
    return ClipFilters(metadata=(MetadataCondition(key, least=least, most=most),))


CONDITIONS = [
    (ClipFilters(collections=("pets",)), True),
    (ClipFilters(collections=("Pets",)), False),
    (ClipFilters(collections=("cars", "pets")), True),
    (ClipFilters(recorded_after=MAY), True),
    (ClipFilters(recorded_before=MAY), False),
    (ClipFilters(recorded_before=datetime(2025, 5, 2, tzinfo=UTC)), True),
    (ClipFilters(added_after=datetime(2025, 6, 1, tzinfo=UTC)), True),
    (ClipFilters(added_after=datetime(2025, 6, 2, tzinfo=UTC)), False),
    (ClipFilters(added_before=datetime(2025, 6, 1, tzinfo=UTC)), False),
    (ClipFilters(min_duration_s=8.0, max_duration_s=8.0), True),
    (ClipFilters(min_duration_s=8.1), False),
    (ClipFilters(max_duration_s=7.9), False),
    (ClipFilters(video_ids=("nowhere",)), False),
    (ClipFilters(collections=("pets",), min_duration_s=9.0), False),
]
PATHS = [
    *(("/videos/my_pets", True), ("/videos/my_pets/", True), ("/videos//x/../my_pets/.", True)),
    *(("/videos/my_pets/cat.mp4", True), ("/", True), ("/videos/my", False), ("/videos/myXpets", False)),
    *(("/videos/My_pets", False), ("/videos/my_pets/cat.mp", False), ("/videos/%", False), ("/v", False)),
]
VALUES = [
    *(
        ("camera", "A", True),
        ("camera", "a", False),
        ("lens", "A", False),
        ("camera') OR 1=1 --", "A", False),
    ),
    *(("take", "3", True), ("take", "3.0", True), ("take", "4", False), ("take", "three", False)),
    *(("speed", "0.10", True), ("speed", "1e-1", True), ("is_day", "true", True), ("is_day", "True", True)),
    *(("is_day", "1", False), ("is_day", "false", False), ("lens", "50", True), ("lens", "50.0", False)),
    *(("tags", "sea", True), ("tags", "7", True), ("tags", "false", True), ("tags", "deep", False)),
    *(("tags", "se", False), ("größe", "groß 🐈", True), ("of", "1", False), ("note", "null", False)),
    *(("serial", "9007199254740993", True), ("serial", "9007199254740992", False)),
    *(('a"b.c', "quoted", True), ("take", "9" * 400, False), ("take", "nan", False)),
]
RANGES = [
    *(("take", "3", "3", True), ("take", "3.5", None, False), ("take", None, "2", False)),
    *(("take", "-1e9", "1e9", True), ("lens", "9", "100", True), ("lens", "51", None, False)),
    *(
        ("day", "2025-05-01", "2025-05-01", True),
        ("day", "2025", "2025", True),
        ("day", "2025-06", None, False),
    ),
    *(("day", None, "2025-04", False), ("at", "2025-05-01", "2025-05-01", True)),
    *(("at", "2025-05-01T14:00", "2025-05-01T14:30", True), ("at", None, "2025-05-01 14:29", False)),
    *(("camera", "A", "A", True), ("camera", "B", None, False), ("camera", None, "Z", True)),
    *(("camera", "1", None, False), ("take", "a", None, False), ("is_day", "0", "2", False)),
    *(("tags", "5", "8", True), ("tags", "8", None, False), ("tags", "s", "t", True)),
    *(("größe", "grz", None, False), ("größe", "gro", "gr\U0010ffff", True)),
]


def test_a_video_passes_when_it_meets_each_condition(database: Database) -> None:
    with database.writing() as session:
        session.add_all([cat := make_video(**CAT), make_video(extra={"n\0": "a\0b\ud800"}, is_managed=True)])

    cases = [*CONDITIONS, *((ClipFilters(path_prefix=path), passes) for path, passes in PATHS)]
    cases += [(value(key, wanted), passes) for key, wanted, passes in VALUES]
    cases += [(between(key, least, most), passes) for key, least, most, passes in RANGES]
    for filters, passes in cases:
        with database.reading() as session:
            assert (cat.id in (video_ids_where(session, filters) or [])) is passes, filters


def test_any_of_several_values_and_ids_will_do_and_no_condition_is_none(database: Database) -> None:
    with database.writing() as session:
        session.add_all([one := make_video(extra={"take": 1}), two := make_video(extra={"take": "2"})])
        session.add(make_video(extra={"take": 3}))

    with database.reading() as session:
        found = video_ids_where(session, value("take", "1", "2"))
        assert sorted(found or []) == sorted([one.id, two.id])
        assert video_ids_where(session, ClipFilters(video_ids=(one.id, "nowhere"))) == [one.id]
        assert video_ids_where(session, ClipFilters()) is None


def test_uploads_lie_in_no_folder(database: Database) -> None:
    with database.writing() as session:
        session.add(make_video(is_managed=True, media_path="/videos/a.mp4"))

    with database.reading() as session:
        assert video_ids_where(session, ClipFilters(path_prefix="/")) == []


def test_the_keys_of_all_videos_are_known(database: Database) -> None:
    with database.writing() as session:
        session.add_all([make_video(extra={"take": 1, "é": 2}), make_video(extra={"take": 1}), make_video()])

    with database.reading() as session:
        assert metadata_keys(session) == ["take", "é"]


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ((None, None), "give a value or a bound"),
        (("3", "b"), "cannot be compared"),
        (("2025-05-01", "b"), "cannot be compared"),
        (("10", "9"), "swap them"),
        (("2025-05-02", "2025-05-01"), "swap them"),
        (("b", "a"), "swap them"),
    ],
)
def test_a_condition_that_nothing_can_meet_is_refused(
    bounds: tuple[str | None, str | None], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        MetadataCondition("take", least=bounds[0], most=bounds[1])


def test_a_whole_day_ends_after_its_last_minute() -> None:
    condition = MetadataCondition("at", least="2025-05-01T12:00", most="2025-05-01")
    assert condition.readings == (Reading.DATE,)


def test_a_key_that_no_video_has_is_refused_with_the_nearest_there_are(database: Database) -> None:
    with database.writing() as session:
        session.add_all([make_video(extra={"camera": "A", "note": None}), make_video(extra={"take": 1})])

    with database.reading() as session:
        assert allowed_videos(session, value("camera", "B")) == []
        assert allowed_videos(session, value("note", "B")) == []
        assert len(allowed_videos(session, value("camera", "A")) or []) == 1
        with pytest.raises(InvalidSearch, match=r"key 'camrea'.*'camera'") as refusal:
            allowed_videos(session, value("camrea", "A"))
        with pytest.raises(InvalidSearch, match="there are 'camera', 'note', 'take'"):
            allowed_videos(session, value("lens", "50"))
    assert refusal.value.parameter == "meta.camrea"


def test_where_no_video_has_metadata_the_refusal_says_so(database: Database) -> None:
    with database.reading() as session, pytest.raises(InvalidSearch, match="no video has any metadata"):
        allowed_videos(session, value("lens", "50"))
