"""What an answer makes of the clips it found: moments, copies, videos, dates, words said."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.confidence import QueryLevel
from indexer.catalog import cues
from indexer.catalog.states import CueSource
from indexer.catalog.tables import Video
from indexer.cue_text import NewCue
from tests.service import Service, search


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [hit["video_id"] for hit in answer["data"]]


def test_neighbouring_hits_are_one_moment_that_scores_as_its_best_clip(service: Service) -> None:
    video = service.add_video(["a cat", "a cat", "a dog"])
    hit, other = search(service, q="a cat")["data"]
    assert (hit["start"], hit["end"]) == (0.0, 8.0)
    assert hit["clips"] == [clip.id for clip in service.clips_of(video)[:2]]
    assert hit["score"] == pytest.approx(1, abs=1e-3)
    assert other["start"] == 8.0
    assert len(search(service, q="a cat", merge=False)["data"]) == 3


def test_copies_in_other_files_stand_behind_the_best_of_them(service: Service) -> None:
    for _ in range(7):
        service.add_video(["a cat"])
    (hit,) = search(service, q="a cat")["data"]
    assert hit["similar"]["count"] == len(hit["similar"]["hits"]) == 6
    assert hit["video_id"] not in {one["video_id"] for one in hit["similar"]["hits"]}
    assert len(search(service, q="a cat", collapse=False)["data"]) == 7


def test_a_video_is_one_hit_with_its_moments_when_grouped(service: Service) -> None:
    best = service.add_video(["a dog", "a bird", "a cat"])
    other = service.add_video(["a fish", "a horse"])
    answer = search(service, q="a cat", group_by="video")
    assert ids_of(answer) == [best.id, other.id]
    hit = answer["data"][0]
    assert (hit["start"], hit["score"]) == (8.0, pytest.approx(1, abs=1e-3))
    scores = [moment["score"] for moment in hit["moments"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == hit["score"]


def test_dates_order_what_is_relevant_newest_first_and_unknown_ones_last(service: Service) -> None:
    old, new = (
        service.add_video(["a cat"], recorded_at=datetime(year, 1, 1, tzinfo=UTC)) for year in (2001, 2020)
    )
    undated = service.add_video(["a cat"])
    service.add_video(["a dog"], recorded_at=datetime(2022, 1, 1, tzinfo=UTC))
    parameters = {"q": "a cat", "min_score": 0.9, "collapse": False}
    answer = search(service, **parameters, sort="recorded_at", limit=2)
    assert ids_of(answer) == [new.id, old.id]
    following = search(
        service, **parameters, sort="recorded_at", limit=2, cursor=answer["page_info"]["next_cursor"]
    )
    assert ids_of(following) == [undated.id]
    assert ids_of(search(service, **parameters, sort="added_at")) == [undated.id, new.id, old.id]


def test_a_hit_is_explained_by_its_segments_when_asked_for(service: Service) -> None:
    service.add_video(["a cat"])
    (hit,) = search(service, q="a cat", explain=True)["data"]
    parts = hit["explanation"]["segments"]
    assert [(part["start"], part["end"]) for part in parts] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert max(parts, key=lambda part: part["score"])["start"] == hit["tight_start"] == 2.0


def test_an_empty_library_holds_nothing_of_the_kind(service: Service) -> None:
    assert search(service, q="a cat")["nothing_found"] is True


def test_later_pages_repeat_whether_the_library_holds_anything_of_the_kind(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.add_video(["a cat", "a dog"])
    service.add_video(["a cat", "a fish"])
    monkeypatch.setattr(QueryLevel, "is_nothing", lambda _level, best: best < 0.9)
    first = search(service, q="a cat then a dog", limit=1)
    second = search(service, q="a cat then a dog", limit=1, cursor=first["page_info"]["next_cursor"])
    assert len(second["data"]) == 1
    assert (first["nothing_found"], second["nothing_found"]) == (False, False)


def say(service: Service, video: Video, start_s: float, end_s: float, text: str) -> None:
    """Store a cue of a video."""
    with service.library.database.writing() as session:
        cues.replace(session, video.id, CueSource.UPLOAD, [NewCue(start_s, end_s, text)])


@pytest.fixture
def spoken(service: Service) -> Video:
    """Return a video in whose second clip something is said that is not seen."""
    service.add_video(["a dog", "a bird"])
    video = service.add_video(["a fish", "a horse"])
    say(service, video, 5.0, 7.0, "The volcano will erupt tonight.")
    return video


def test_words_said_bring_a_moment_up_that_nothing_is_seen_of(service: Service, spoken: Video) -> None:
    hit = search(service, q="volcano")["data"][0]
    assert (hit["video_id"], hit["start"]) == (spoken.id, 4.0)
    assert hit["said"] == {"text": "The volcano will erupt tonight.", "start": 5.0, "end": 7.0}


def test_text_alone_finds_words_said_and_nothing_else(service: Service, spoken: Video) -> None:
    answer = search(service, q="volcano", mode="text")
    assert ids_of(answer) == [spoken.id]
    assert answer["nothing_found"] is False
    nothing = search(service, q="glacier", mode="text")
    assert (nothing["data"], nothing["nothing_found"]) == ([], True)


def test_without_the_words_being_said_both_together_are_as_pictures_alone(
    service: Service, spoken: Video
) -> None:
    seen, both = (search(service, q="a bird", mode=mode)["data"] for mode in ("visual", "hybrid"))
    assert seen == both


def test_text_alone_needs_no_model(service: Service, spoken: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_words: str) -> None:
        raise AssertionError("words were encoded")

    monkeypatch.setattr(service.services.queries, "encode", refuse)
    (hit,) = search(service, q="volcano", mode="text")["data"]
    assert (hit["video_id"], hit["score"]) == (spoken.id, 0)
    assert (hit["tight_start"], hit["best_at"], hit["tight_end"]) == (5.0, 6.0, 7.0)


def test_text_alone_tells_of_examples_that_change_nothing(service: Service, spoken: Video) -> None:
    clip_id = service.clips_of(spoken)[0].id
    answer = search(service, q="volcano", mode="text", like_clip=clip_id)
    assert ids_of(answer) == [spoken.id]
    assert any("change nothing" in notice for notice in answer["notices"])


def test_hits_that_are_not_sure_enough_are_left_out(service: Service) -> None:
    service.add_video([f"thing {number}" for number in range(30)])
    service.services.calibrator.prepare()
    parameters = {"q": "thing 3", "merge": False, "limit": 50}
    sure = [hit["confidence"] for hit in search(service, **parameters)["data"]]
    assert {"high", "low"} <= set(sure)
    for least, passing in {"high": {"high"}, "medium": {"high", "medium"}}.items():
        found = search(service, **parameters, min_confidence=least)["data"]
        assert [hit["confidence"] for hit in found] == [one for one in sure if one in passing]
