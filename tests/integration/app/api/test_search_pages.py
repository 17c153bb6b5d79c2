"""Pages of hits: none twice, none left out, whatever is added or deleted between them."""

from typing import Any

import pytest

from app.opaque_cursor import decode_cursor, encode_cursor
from app.search.paging.cursor import SearchCursor
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


def forged(word: str, **changes: object) -> str:
    """Return a cursor with other contents than the service gave it."""
    return encode_cursor(decode_cursor(word, SearchCursor).model_copy(update=changes))


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
    answer = search(
        service, q="a cat", limit=1, merge=False, cursor=forged(word, offset=1_000_000, depth=1_000_000)
    )
    assert answer["data"][0]["rank"] == 1_000_001
    assert answer["page_info"]["next_cursor"] is not None


def test_a_cursor_of_another_generation_is_a_problem(service: Service) -> None:
    word = first_cursor(service)
    cursor = forged(word, generation=99)
    response = service.client.get("/search", params={"q": "a cat", "cursor": cursor})
    assert response.status_code == 400
    assert "another model" in response.json()["detail"]


def test_a_cursor_of_the_list_of_videos_is_a_problem_here(service: Service) -> None:
    for _ in range(2):
        service.add_video(["a cat"])
    cursor = service.client.get("/videos", params={"limit": 1}).json()["page_info"]["next_cursor"]
    response = service.client.get("/search", params={"q": "a cat", "cursor": cursor})
    assert response.json()["type"] == "/problems/invalid-cursor"


def test_numbers_that_no_page_gives_are_a_problem(service: Service) -> None:
    word = first_cursor(service)
    for changes in ({"last": [2**70]}, {"until_id": 2**63}, {"ahead": [2**70]}, {"offset": -1}):
        response = service.client.get("/search", params={"q": "a cat", "cursor": forged(word, **changes)})
        assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")


def test_pages_of_a_sequence_neither_repeat_nor_skip_when_the_library_changes(service: Service) -> None:
    videos = [service.add_video(["a cat", f"thing {number}", "a dog"]) for number in range(9)]
    parameters = {"q": "a cat", "then": "a dog", "within": 10, "limit": 3}
    whole = [hit["video_id"] for hit in search(service, **{**parameters, "limit": 50})["data"]]
    assert sorted(whole) == sorted(video.id for video in videos)
    first = search(service, **parameters)
    for _ in range(4):
        service.add_video(["a cat", "a dog"])
    for gone in (whole[1], whole[4]):
        service.client.delete(f"/videos/{gone}")
    second = search(service, **parameters, cursor=first["page_info"]["next_cursor"])
    third = search(service, **parameters, cursor=second["page_info"]["next_cursor"])
    shown = [hit["video_id"] for page in (second, third) for hit in page["data"]]
    assert shown == [video_id for video_id in whole[3:] if video_id != whole[4]]
    assert third["page_info"]["next_cursor"] is None
    assert [hit["rank"] for page in (second, third) for hit in page["data"]] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("other", ["-a dog", "-thing"])
def test_pages_of_a_sum_of_examples_go_by_the_first_pages_spreads(service: Service, other: str) -> None:
    service.add_video([f"thing {number}" for number in range(30)])
    parameters = {"q": f"thing 3 {other}", "merge": False, "collapse": False}
    whole = [hit["clip_id"] for hit in search(service, **parameters, limit=30)["data"]]
    first = search(service, **parameters, limit=10)
    service.add_video([f"something else {number}" for number in range(60)])
    second = search(service, **parameters, limit=20, cursor=first["page_info"]["next_cursor"])
    assert [hit["clip_id"] for hit in (*first["data"], *second["data"])] == whole


def test_hits_of_later_pages_are_judged_as_on_the_first(service: Service) -> None:
    service.add_video([f"thing {number}" for number in range(30)])
    service.services.calibrator.prepare()
    whole = search(service, q="thing 3", limit=30, merge=False)["data"]
    first = search(service, q="thing 3", limit=10, merge=False)
    service.add_video(["thing 3"] * 40)
    second = search(service, q="thing 3", limit=20, merge=False, cursor=first["page_info"]["next_cursor"])
    assert [hit["confidence"] for hit in second["data"]] == [hit["confidence"] for hit in whole[10:]]
    assert whole[0]["confidence"] is not None
