"""Pages of hits: none twice, none left out, whatever is added or deleted between them."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from tests.service import Service, search


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
    assert [hit["clip_id"] for hit in paged] == [hit["clip_id"] for hit in whole]
    assert [hit["rank"] for hit in paged] == list(range(1, len(whole) + 1))


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
        answer = search(service, q="black", limit=2, merge=False, **({"cursor": cursor} if cursor else {}))
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
    word = search(service, q="a cat", limit=1, merge=False)["page_info"]["next_cursor"]
    content = json.loads(urlsafe_b64decode(word + "=" * (-len(word) % 4)))
    far = urlsafe_b64encode(
        json.dumps({**content, "offset": 1_000_000, "depth": 1_000_000}).encode()
    ).decode()
    answer = search(service, q="a cat", limit=1, merge=False, cursor=far)
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
