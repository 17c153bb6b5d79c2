"""The words of searches, gathered in memory and written aside."""

import logging
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app.recent_words import RecentWords
from indexer.catalog import recent_queries
from indexer.catalog.session import Database
from indexer.library import Library
from tests.service import open_service, search


def stored(database: Database) -> list[str]:
    with database.reading() as session:
        return recent_queries.latest(session, 10)


def test_words_are_kept_when_the_service_ends_each_once_and_pages_pictures_and_cues_are_not(
    tmp_path: Path,
) -> None:
    with open_service(tmp_path / "home") as service:
        clip = service.clips_of(service.add_video(["a cat", "a dog"]))[0]
        page = search(service, q="a  cat", limit=1, merge=False, collapse=False)
        search(
            service, q="a cat", limit=1, merge=False, collapse=False, cursor=page["page_info"]["next_cursor"]
        )
        search(service, q="a dog")
        search(service, q="a word", mode="text")
        service.client.post("/search", json={"like": [{"clip_id": clip.id}]})
        assert stored(service.library.database) == []
    with open_service(tmp_path / "home") as service:
        assert stored(service.library.database) == ["a dog", "a cat"]


def test_none_are_kept_when_nobody_wants_them(tmp_path: Path) -> None:
    with open_service(tmp_path / "home", recent_queries=0) as service:
        search(service, q="a cat")
        service.services.recent_words.write()
        assert stored(service.library.database) == []


def test_only_the_latest_are_held_in_memory(library: Library) -> None:
    words = RecentWords(library.database, keep=2)
    for text in ("one", "two", "one", "three"):
        words.note(text)
    words.close()
    assert stored(library.database) == ["three", "two"]


def test_what_could_not_be_written_is_written_the_next_time(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", {}, Exception("server restarts"))

    words = RecentWords(library.database, keep=2)
    words.note("one")
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        broken.setattr("indexer.catalog.recent_queries.remember", fail)
        words.write()
    assert "were not written" in caplog.text
    words.note("two")
    words.write()
    assert sorted(stored(library.database)) == ["one", "two"]
