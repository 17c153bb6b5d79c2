"""GET /search over a real catalog and index."""

import dataclasses
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import ShortSightedEncoder, fake_encoders
from tests.service import Service, open_service


def search(service: Service, **parameters: Any) -> dict[str, Any]:
    """Return the answer, which must be one."""
    response = service.client.get("/search", params=parameters)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


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
        "score": pytest.approx(1, abs=1e-3),
        "confidence": None,
        "thumbnail_url": f"/clips/{clip.id}/thumbnail",
        "preview_url": None,
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
        assert "index it again with python -m indexer.batch" in notice
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
    hits = search(service, q="thing 0.0", collection="pets", limit=2)["data"]
    assert len(hits) == 2


@pytest.mark.parametrize("collection", ["", " ", "\0"])
def test_an_empty_collection_filters_nothing(service: Service, collection: str) -> None:
    service.add_video(["a cat"], collection="pets")
    service.add_video(["a cat"])
    assert len(search(service, q="a cat", collection=collection)["data"]) == 2


def test_video_id_can_be_repeated(service: Service) -> None:
    first, second, _ = (service.add_video(["a cat"]) for _ in range(3))
    hits = search(service, q="a cat", video_id=[first.id, second.id])["data"]
    assert {hit["video_id"] for hit in hits} == {first.id, second.id}


def test_min_score_cuts_the_tail(service: Service) -> None:
    service.add_video(["a cat", "a dog", "a bird"])
    hits = search(service, q="a cat", min_score=0.99)["data"]
    assert [round(hit["score"], 2) for hit in hits] == [1.0]


def test_pages_hold_every_hit_once(service: Service) -> None:
    service.add_video([f"thing {number}" for number in range(25)])
    whole = search(service, q="thing 3", limit=100)["data"]
    paged: list[Any] = []
    following: dict[str, Any] | None = {}
    while following is not None:
        answer = search(service, q="thing 3", limit=7, **following)
        paged += answer["data"]
        cursor = answer["page_info"]["next_cursor"]
        following = {"cursor": cursor} if cursor else None
    assert paged == whole


def test_pages_neither_repeat_nor_skip_when_the_library_changes_between_them(service: Service) -> None:
    videos = [service.add_video([f"thing {number}"]) for number in range(12)]
    expected = [hit["clip_id"] for hit in search(service, q="thing 3", limit=12)["data"]]
    first = search(service, q="thing 3", limit=5)
    for _ in range(20):
        service.add_video(["thing 3"])  # all of them better than what is to come
    gone = next(video for video in videos if service.clips_of(video)[0].id == expected[2])
    service.client.delete(f"/videos/{gone.id}")
    second = search(service, q="thing 3", limit=7, cursor=first["page_info"]["next_cursor"])
    assert [hit["clip_id"] for hit in second["data"]] == expected[5:]
    assert [hit["rank"] for hit in second["data"]] == list(range(6, 13))
    assert any("since the first page" in notice for notice in second["notices"])


def test_equal_scores_are_paged_without_loss(service: Service) -> None:
    service.add_video(["black"] * 9)
    seen, cursor = [], None
    for _ in range(5):
        answer = search(service, q="black", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [hit["clip_id"] for hit in answer["data"]]
        cursor = answer["page_info"]["next_cursor"]
    assert len(seen) == len(set(seen)) == 9
    assert cursor is None


@pytest.mark.parametrize("cursor", ["", "nonsense", "é", "e30", "x" * 5000])
def test_a_damaged_cursor_is_a_problem(service: Service, cursor: str) -> None:
    response = service.client.get("/search", params={"q": "a cat", "cursor": cursor})
    assert response.status_code == 400
    assert response.json()["type"] == "/problems/invalid-cursor"


def first_cursor(service: Service) -> str:
    """Return the cursor behind the first of two hits for "a cat"."""
    service.add_video(["a cat", "a dog"])
    cursor: str = search(service, q="a cat", limit=1)["page_info"]["next_cursor"]
    return cursor


@pytest.mark.parametrize(
    "other", [{"q": "a dog"}, {"q": "a cat", "collection": "pets"}, {"q": "a cat", "min_score": 0.5}]
)
def test_a_cursor_of_another_search_is_a_problem(service: Service, other: dict[str, Any]) -> None:
    cursor = first_cursor(service)
    response = service.client.get("/search", params={**other, "cursor": cursor})
    assert response.status_code == 400
    assert "another search" in response.json()["detail"]


def test_a_search_goes_on_however_many_hits_lie_before(service: Service) -> None:
    service.add_video(["a cat", "a dog", "a bird"])
    word = search(service, q="a cat", limit=1)["page_info"]["next_cursor"]
    content = json.loads(urlsafe_b64decode(word + "=" * (-len(word) % 4)))
    far = urlsafe_b64encode(json.dumps({**content, "offset": 1_000_000}).encode()).decode()
    answer = search(service, q="a cat", limit=1, cursor=far)
    assert answer["data"][0]["rank"] == 1_000_001
    assert answer["page_info"]["next_cursor"] is not None


def test_a_cursor_of_another_generation_is_a_problem(service: Service) -> None:
    word = first_cursor(service)
    content = json.loads(urlsafe_b64decode(word + "=" * (-len(word) % 4)))
    forged = urlsafe_b64encode(json.dumps({**content, "generation": 99}).encode()).decode()
    response = service.client.get("/search", params={"q": "a cat", "cursor": forged})
    assert response.status_code == 400
    assert "another model" in response.json()["detail"]


def test_a_cursor_of_the_list_of_videos_is_a_problem_here(service: Service) -> None:
    for _ in range(2):
        service.add_video(["a cat"])
    cursor = service.client.get("/videos", params={"limit": 1}).json()["page_info"]["next_cursor"]
    response = service.client.get("/search", params={"q": "a cat", "cursor": cursor})
    assert response.json()["type"] == "/problems/invalid-cursor"


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
        ({"q": "a", "collection": "x" * 201}, "collection", "x" * 200 + "…"),
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
        assert "REELSEEK_MODEL" in search(service, q="a cat")["notices"][0]
