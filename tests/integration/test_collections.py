"""Collections: counted by name from the videos that have them, on either database."""

from indexer.catalog import collections, videos
from indexer.catalog.collections import Collection
from indexer.catalog.session import Database
from indexer.catalog.states import VideoState
from tests.factories import make_video


def test_collections_are_counted_by_name_as_long_as_a_video_has_them(database: Database) -> None:
    pets = [make_video(collection="pets", state=state) for state in (VideoState.READY, VideoState.FAILED)]
    trip = make_video(collection="a trip", state=VideoState.READY)
    with database.writing() as session:
        session.add_all([*pets, trip, make_video(collection=None), make_video(collection="")])
    with database.reading() as session:
        assert collections.list_page(session, limit=9) == [
            Collection("a trip", video_count=1, ready_count=1),
            Collection("pets", video_count=2, ready_count=1),
        ]

    with database.writing() as session:
        videos.delete(session, trip.id)
    with database.reading() as session:
        assert [one.name for one in collections.list_page(session, limit=9)] == ["pets"]


def test_pages_of_collections_neither_repeat_nor_skip(database: Database) -> None:
    names = ["Zoo", "a trip", "a  trip", "été", "zoo", "東京", "'; --", "100 %"]
    with database.writing() as session:
        session.add_all(make_video(collection=name) for name in names)
    with database.reading() as session:
        whole = [one.name for one in collections.list_page(session, limit=99)]
        after, paged = None, []
        while page := collections.list_page(session, limit=3, after=after):
            paged += [one.name for one in page]
            after = paged[-1]
    assert paged == whole
    assert sorted(whole) == sorted(names)
