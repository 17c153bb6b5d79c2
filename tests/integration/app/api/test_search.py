"""GET /search over a real catalog and index."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import ShortSightedEncoder, fake_encoders
from tests.service import Service, open_service, search


def test_a_hit_has_the_documented_shape(service: Service) -> None:
    video = service.add_video(["a dog", "a cat"], extra={"camera": 2})
    hit = search(service, q="a cat")["data"][0]
    clip = service.clips_of(video)[1]
    assert hit == {
        "rank": 1,
        "clip_id": clip.id,
        "video_id": video.id,
        "start": 4.0,
        "end": 8.0,
        "best_at": 6.5,  # the third of the clip's four segments is the nearest
        "tight_start": 6.0,
        "tight_end": 7.0,
        "score": pytest.approx(1, abs=1e-3),
        "confidence": None,
        "clips": [clip.id],
        "similar": {"count": 0, "hits": []},
        "moments": [],
        "steps": [],
        "said": None,
        "explanation": None,
        "thumbnail_url": f"/clips/{clip.id}/thumbnail",
        "preview_url": f"/clips/{clip.id}/preview?start=4&end=8",
        "stream_url": f"/videos/{video.id}/stream#t=4,8",
        "video": {
            "title": video.title,
            "filename": video.filename,
            "duration": 8.0,
            "recorded_at": None,
            "metadata": {"camera": 2},
        },
    }


def test_the_answer_says_what_was_searched_and_with_what(service: Service) -> None:
    service.add_video(["a dog", "a cat"])
    service.add_video([], state="pending")
    service.add_video([], state="failed")
    answer = search(service, q="a  cat")
    assert answer["query"] == "a  cat"
    assert answer["coverage"] == {
        "videos": 1,
        "clips": 2,
        "videos_pending": 1,
        "videos_failed": 1,
        "videos_of_other_models": 0,
    }
    assert answer["model"] == {"preset": "fake", "generation": service.services.generation_id}
    assert answer["page_info"] == {"limit": 20, "next_cursor": None}
    assert answer["notices"] == []
    assert set(answer["timing_ms"]) == {"embed", "search", "rows", "total"}


def test_an_empty_library_gives_no_hits_and_says_how_to_fill_it(service: Service) -> None:
    answer = search(service, q="a cat")
    assert answer["data"] == []
    assert "python -m indexer.batch" in answer["notices"][0]


def test_a_library_that_is_still_being_indexed_says_so(service: Service) -> None:
    service.add_video([], state="pending")
    assert "still waiting or being indexed" in search(service, q="a cat")["notices"][0]


def test_videos_that_only_another_model_has_read_are_counted(tmp_path: Path) -> None:
    fake = fake_encoders()
    other = dataclasses.replace(fake, settings=dataclasses.replace(fake.settings, architecture="other"))
    with open_service(tmp_path) as service:
        service.add_video(["a cat"])
        service.add_video(["a dog"])
    with open_service(tmp_path, other) as service:
        service.add_video(["a bird"])
    with open_service(tmp_path) as service:
        (notice,) = search(service, q="a cat")["notices"]
        assert notice.startswith("1 video was indexed with another model")
        assert "reelseek reindex reads it with it" in notice
    with open_service(tmp_path, other) as service:
        answer = search(service, q="a cat")
        (notice,) = answer["notices"]
        assert notice.startswith("2 videos were indexed with another model")
        assert (answer["coverage"]["videos"], answer["coverage"]["videos_of_other_models"]) == (1, 2)
        listed = service.client.get("/videos").json()["data"]
        assert [(video["state"], video["is_searchable"]) for video in listed] == [
            ("ready", True),
            ("ready", False),
            ("ready", False),
        ]


def test_hits_come_best_first_with_ranks_from_one(service: Service) -> None:
    service.add_video([f"thing {number}" for number in range(30)])
    hits = search(service, q="thing 7", limit=10)["data"]
    assert [hit["rank"] for hit in hits] == list(range(1, 11))
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_a_video_is_found_as_soon_as_it_is_committed_and_never_after_its_deletion(service: Service) -> None:
    assert search(service, q="a cat")["data"] == []
    video = service.add_video(["a cat"])
    assert len(search(service, q="a cat")["data"]) == 1
    assert service.client.delete(f"/videos/{video.id}").status_code == 200
    assert search(service, q="a cat")["data"] == []


def test_filters_still_give_as_many_hits_as_there_are(service: Service) -> None:
    for number in range(5):
        service.add_video([f"thing {number}.{clip}" for clip in range(5)], collection="others")
    service.add_video(["a cat", "a dog"], collection="pets")
    hits = search(service, q="thing 0.0", collection="pets", limit=2, merge=False)["data"]
    assert len(hits) == 2


@pytest.mark.parametrize("collection", ["", " ", "\0"])
def test_an_empty_collection_filters_nothing(service: Service, collection: str) -> None:
    service.add_video(["a cat"], collection="pets")
    service.add_video(["a cat"])
    assert len(search(service, q="a cat", collection=collection, collapse=False)["data"]) == 2


def test_video_id_can_be_repeated(service: Service) -> None:
    first, second, _ = (service.add_video(["a cat"]) for _ in range(3))
    hits = search(service, q="a cat", video_id=[first.id, second.id], collapse=False)["data"]
    assert {hit["video_id"] for hit in hits} == {first.id, second.id}


def test_min_score_cuts_the_tail(service: Service) -> None:
    service.add_video(["a cat", "a dog", "a bird"])
    hits = search(service, q="a cat", min_score=0.99)["data"]
    assert [round(hit["score"], 2) for hit in hits] == [1.0]


@pytest.mark.parametrize(
    ("parameters", "name", "value"),
    [
        ({}, "q", None),
        ({"q": ""}, "q", ""),
        ({"q": " \t\n"}, "q", " \t\n"),
        ({"q": "x" * 10_001}, "q", "x" * 200 + "…"),
        ({"q": "a", "limit": 0}, "limit", "0"),
        ({"q": "a", "limit": 101}, "limit", "101"),
        ({"q": "a", "limit": "many"}, "limit", "many"),
        ({"q": "a", "min_score": "nan"}, "min_score", "nan"),
        ({"q": "a", "video_id": "../etc"}, "video_id.0", "../etc"),
        ({"q": "a", "collection": "x" * 201}, "collection.0", "x" * 200 + "…"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value(
    service: Service, parameters: dict[str, Any], name: str, value: str | None
) -> None:
    response = service.client.get("/search", params=parameters)
    problem = response.json()
    assert response.status_code == problem["status"] == 422
    assert problem["type"] == "/problems/invalid-parameter"
    assert [(error["parameter"], error["value"]) for error in problem["errors"]] == [(name, value)]
    assert name in problem["detail"]


def test_nul_characters_find_nothing_and_break_nothing(service: Service) -> None:
    service.add_video(["a cat"])
    assert search(service, q="a\0cat", collection="pets\0")["data"] == []


@pytest.fixture
def short_sighted(tmp_path: Path) -> Iterator[Service]:
    encoders = dataclasses.replace(fake_encoders(), text=ShortSightedEncoder())
    with open_service(tmp_path, encoders) as service:
        service.add_video(["a cat"])
        yield service


@pytest.mark.parametrize(
    ("words", "account"),
    [
        (
            "a  black cat sleeps on the\nsofa",
            "the first 5 of 7 words were searched for, up to “…black cat sleeps on”",
        ),
        ("猫" * 40, f"the first 30 of 40 characters were searched for, up to “…{'猫' * 20}”"),
        ("a cat " * 1500, "the first 5 of 3,000 words were searched for, up to “…cat a cat a”"),
    ],
)
def test_words_beyond_what_the_model_reads_are_no_error_and_it_is_said_how_many_were_read(
    short_sighted: Service, words: str, account: str
) -> None:
    answer = search(short_sighted, q=words)
    (notice,) = answer["notices"]
    assert account in notice
    assert len(answer["data"]) == 1


def test_words_that_are_read_to_their_end_need_no_notice(short_sighted: Service) -> None:
    assert search(short_sighted, q=" a cat sleeps  on it ")["notices"] == []


def test_the_small_bundled_model_is_named_as_such(tmp_path: Path) -> None:
    fake = fake_encoders()
    encoders = dataclasses.replace(fake, settings=dataclasses.replace(fake.settings, preset="tiny"))
    with open_service(tmp_path, encoders) as service:
        service.add_video(["a cat"])
        assert "reelseek reindex --preset fast" in search(service, q="a cat")["notices"][0]
