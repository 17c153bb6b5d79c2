"""Listing collections."""

import pytest

from app.api.videos import ListCursor
from app.opaque_cursor import Cursor, encode_cursor
from indexer.catalog.states import VideoState
from tests.service import Service


class ForgedCursor(Cursor):
    """What a cursor of this list would be, but for what it holds."""

    name: str


def test_the_list_goes_by_name_and_page_by_page(service: Service) -> None:
    for name in ("pets", "trips", "pets", None, "family"):
        service.add_video(collection=name)
    service.add_video(collection="trips", state=VideoState.FAILED)
    first = service.client.get("/collections", params={"limit": 2}).json()
    assert first["data"] == [
        {"name": "family", "video_count": 1, "ready_count": 1},
        {"name": "pets", "video_count": 2, "ready_count": 2},
    ]
    assert first["page_info"]["limit"] == 2
    place = {"limit": 2, "cursor": first["page_info"]["next_cursor"]}
    second = service.client.get("/collections", params=place).json()
    assert second["data"] == [{"name": "trips", "video_count": 2, "ready_count": 1}]
    assert second["page_info"]["next_cursor"] is None


def test_a_collection_goes_with_its_last_video(service: Service) -> None:
    video = service.add_video(collection="pets")
    service.client.delete(f"/videos/{video.id}")
    assert service.client.get("/collections").json()["data"] == []


@pytest.mark.parametrize("name", ["", "a\0b", "a" * 201])
def test_a_cursor_that_this_service_never_gave_is_a_problem(service: Service, name: str) -> None:
    response = service.client.get("/collections", params={"cursor": encode_cursor(ForgedCursor(name=name))})
    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")


def test_a_cursor_of_another_list_is_a_problem(service: Service) -> None:
    video = service.add_video(collection="pets")
    cursor = encode_cursor(ListCursor(added_at=video.added_at, video_id=video.id))
    response = service.client.get("/collections", params={"cursor": cursor})
    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")
