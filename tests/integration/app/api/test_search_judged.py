"""Searches that learn from what was judged before."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from indexer.catalog import clips, cues, generations
from indexer.catalog.states import CueSource
from indexer.catalog.tables import Clip, Video
from indexer.cue_text import NewCue
from tests.factories import make_new_clip
from tests.fakes import DIMENSION, fake_encoders, unit_vector
from tests.service import Service, search

ASKED: dict[str, Any] = {"q": "a dog", "merge": False, "collapse": False}
JUDGED = {**ASKED, "use_judgements": True}


def judge(service: Service, clip: Clip, is_relevant: bool, query: str = "a dog") -> None:
    body = {"query": query, "clip_id": clip.id, "is_relevant": is_relevant}
    assert service.client.post("/judgements", json=body).status_code == 201


def shown(service: Service, **parameters: Any) -> list[str]:
    return [hit["clip_id"] for hit in search(service, **parameters)["data"]]


@pytest.fixture
def found(service: Service) -> list[Clip]:
    """Return the clips of a dog, a cat and a bird."""
    return service.clips_of(service.add_video(["a dog", "a cat", "a bird"]))


def test_judged_clips_count_as_if_they_were_named(service: Service, found: list[Clip]) -> None:
    _, cat, bird = found
    judge(service, cat, True)
    judge(service, bird, False)
    judge(service, bird, True, query="a bird")  # of other words
    plain, judged = search(service, **ASKED), search(service, **{**JUDGED, "q": " a  dog"})
    named = search(service, **ASKED, relevant=cat.id, irrelevant=bird.id)
    assert [(hit["clip_id"], hit["score"]) for hit in judged["data"]] == [
        (hit["clip_id"], hit["score"]) for hit in named["data"]
    ]
    assert bird.id not in shown(service, **JUDGED)
    assert bird.id in [hit["clip_id"] for hit in plain["data"]]
    assert "Moved by what was judged for these words: 1 right, 1 wrong." in judged["notices"]
    assert not any("judged" in notice for notice in plain["notices"])


def test_a_body_can_ask_for_it_too(service: Service, found: list[Clip]) -> None:
    judge(service, found[2], False)
    answer = service.client.post("/search", json=JUDGED).json()
    assert found[2].id not in [hit["clip_id"] for hit in answer["data"]]


def test_what_the_search_says_itself_counts_more(service: Service, found: list[Clip]) -> None:
    judge(service, found[1], False)
    assert shown(service, **JUDGED, relevant=found[1].id) == shown(service, **ASKED, relevant=found[1].id)


def test_words_that_nobody_judged_are_searched_as_ever(service: Service, found: list[Clip]) -> None:
    answer = search(service, **JUDGED)
    assert [hit["clip_id"] for hit in answer["data"]] == [
        hit["clip_id"] for hit in search(service, **ASKED)["data"]
    ]
    assert any("Nothing that can be used is judged" in notice for notice in answer["notices"])


def test_judged_clips_that_are_gone_or_of_another_model_are_no_hindrance(
    service: Service, found: list[Clip]
) -> None:
    lost = service.add_video(["a wall"])
    foreign = service.add_video([])
    with service.library.database.writing() as session:
        settings = fake_encoders().settings
        other = generations.ensure(session, dataclasses.replace(settings, architecture="other"))
        made = [make_new_clip(1, dimension=DIMENSION)]
        clips.store(session, video=session.get_one(Video, foreign.id), generation=other, clips=made)
    judge(service, service.clips_of(lost)[0], True)
    judge(service, service.clips_of(foreign)[0], True)
    judge(service, found[2], False)
    with service.library.database.writing() as session:
        generation = generations.get(session, service.services.generation_id)
        made = [make_new_clip(2, start_s=9.0, dimension=DIMENSION)]
        clips.store(session, video=session.get_one(Video, lost.id), generation=generation, clips=made)
    assert (
        "Moved by what was judged for these words: 0 right, 1 wrong." in search(service, **JUDGED)["notices"]
    )


def test_pages_go_on_with_the_judgements_of_the_first(service: Service) -> None:
    words = [f"thing {number}" for number in range(8)]
    words.sort(key=lambda text: -float(np.dot(unit_vector(text), unit_vector("a dog"))))
    found = service.clips_of(service.add_video(words))
    judge(service, found[0], True)
    whole = shown(service, **JUDGED)
    first = search(service, **JUDGED, limit=3)
    judge(service, found[7], True)
    rest = shown(service, **JUDGED, cursor=first["page_info"]["next_cursor"])
    assert [hit["clip_id"] for hit in first["data"]] + rest == whole


def test_words_said_are_searched_without_what_was_judged_wrong(service: Service) -> None:
    videos = [service.add_video(["a wall"]) for _ in range(2)]
    with service.library.database.writing() as session:
        for video in videos:
            cues.replace(session, video.id, CueSource.UPLOAD, [NewCue(0.0, 2.0, "Listen to the volcano.")])
    judge(service, service.clips_of(videos[0])[0], is_relevant=False, query="volcano")
    answer = search(service, q="volcano", mode="text", use_judgements=True)
    assert [hit["video_id"] for hit in answer["data"]] == [videos[1].id]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"q": "a dog", "then": "a cat"}, "sequence"),
        ({"like_clip": "0" * 32}, "describe a moment in q"),
    ],
)
def test_judgements_are_of_words_alone(service: Service, parameters: dict[str, str], message: str) -> None:
    response = service.client.get("/search", params={**parameters, "use_judgements": True})
    assert response.status_code == 422
    (wrong,) = response.json()["errors"]
    assert wrong["parameter"] == "use_judgements"
    assert message in wrong["message"]
