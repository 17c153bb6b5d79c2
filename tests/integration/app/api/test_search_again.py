"""A search asked again: the same answer while nothing has changed, and never an old one."""

from collections.abc import Callable
from typing import Any

import pytest

from indexer.catalog import cues, videos
from indexer.catalog.states import CueSource, VideoState
from indexer.catalog.tables import Video
from indexer.cue_text import NewCue
from tests.service import Service, search


def untimed(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timing_ms"}


def add(service: Service, _video: Video) -> None:
    service.add_video(["a cat", "a bird"])


def delete(service: Service, video: Video) -> None:
    with service.library.database.writing() as session:
        videos.delete(session, video.id)


def rename(service: Service, video: Video) -> None:
    with service.library.database.writing() as session:
        session.get_one(Video, video.id).title = "Another title"


def fail(service: Service, video: Video) -> None:
    with service.library.database.writing() as session:
        session.get_one(Video, video.id).state = VideoState.FAILED


def say(service: Service, video: Video) -> None:
    with service.library.database.writing() as session:
        cues.replace(session, video.id, CueSource.UPLOAD, [NewCue(0.5, 1.0, "a cat")])


def test_the_same_search_has_the_same_answer_without_searching(service: Service) -> None:
    service.add_video(["a cat", "a dog"])
    first, second = search(service, q="a cat"), search(service, q="a cat")
    assert untimed(first) == untimed(second)
    if service.library.database.is_sqlite:
        assert second["timing_ms"]["search"] == 0.0


@pytest.mark.parametrize("change", [add, delete, rename, fail, say])
def test_no_answer_is_older_than_the_library(
    service: Service, change: Callable[[Service, Video], None]
) -> None:
    video = service.add_video(["a cat", "a dog"])
    before = search(service, q="a cat")
    change(service, video)
    after = search(service, q="a cat")
    assert untimed(after) != untimed(before)
    service.services.answers.__init__()  # type: ignore[misc] # nothing is remembered
    assert untimed(search(service, q="a cat")) == untimed(after)


def test_searches_that_differ_in_any_option_are_told_apart(service: Service) -> None:
    service.add_video(["a cat", "a dog"])
    plain = search(service, q="a cat")
    assert search(service, q="a  cat")["query"] == "a  cat"
    assert len(search(service, q="a cat", limit=1)["data"]) == 1
    assert search(service, q="a cat", explain=True)["data"][0]["explanation"]
    assert untimed(search(service, q="a cat")) == untimed(plain)


def test_how_sure_hits_are_is_told_as_soon_as_it_is_known(service: Service) -> None:
    for number in range(30):
        service.add_video([f"scene {number}"])
    assert search(service, q="scene 1")["data"][0]["confidence"] is None
    service.services.calibrator.prepare()
    assert search(service, q="scene 1")["data"][0]["confidence"] is not None
