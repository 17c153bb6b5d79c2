"""Searches that are under way while a video is deleted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.search.answering import answer
from app.search.paging.page import PageMaker
from tests.deleting import held, is_deleted
from tests.service import Service, search


def test_a_deletion_is_not_answered_before_a_search_that_has_read_the_video(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = service.add_video(["a cat"])
    order: list[str] = []

    def look() -> list[str]:
        found = [hit["video_id"] for hit in search(service, q="a cat")["data"]]
        order.append("search")
        return found

    def delete() -> int:
        status = service.client.delete(f"/videos/{video.id}").status_code
        order.append("deletion")
        return status

    with ThreadPoolExecutor(2) as threads, held(monkeypatch, answer, "read_hits") as (has_read, may_go):
        searching = threads.submit(look)
        assert has_read.wait(20)
        deleting = threads.submit(delete)
        deadline = threading.Event()
        while not is_deleted(service, video.id):  # committed, and not answered
            deadline.wait(0.01)
        deadline.wait(0.2)
        assert order == []
        may_go.set()
        assert (searching.result(), deleting.result()) == ([video.id], 200)
    assert order == ["search", "deletion"]
    assert look() == []


def test_a_search_that_has_found_the_video_and_not_read_it_leaves_it_out(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = service.add_video(["a dog"]), service.add_video(["a cat"])

    with ThreadPoolExecutor(2) as threads, held(monkeypatch, PageMaker, "make") as (has_found, may_go):
        searching = threads.submit(search, service, q="a cat")
        assert has_found.wait(20)
        deleting = threads.submit(service.client.delete, f"/videos/{gone.id}")
        while not is_deleted(service, gone.id):
            threading.Event().wait(0.01)
        may_go.set()
        assert [hit["video_id"] for hit in searching.result()["data"]] == [kept.id]
        assert deleting.result().status_code == 200


def test_a_search_that_does_not_end_is_told_and_the_deletion_stands(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = service.add_video(["a cat"])
    monkeypatch.setattr("app.deletion.PATIENCE_S", 0.05)
    number = service.services.searches.begin()
    response = service.client.delete(f"/videos/{video.id}")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/deletion-unfinished")
    assert is_deleted(service, video.id)
    service.services.searches.end(number)
    assert service.client.delete(f"/videos/{video.id}").json()["video_id"] == video.id
