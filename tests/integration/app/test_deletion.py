"""Deleting a video: the receipt, what is gone, what stays, and searches that are under way."""

import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.search import answer
from indexer.catalog.client_tables import IdempotencyKey, Upload
from indexer.catalog.session import Database
from indexer.catalog.tables import Base, Embedding, Tombstone, Video
from tests.service import Service, open_service, search

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CUES = "1\n00:00:01,000 --> 00:00:02,000\nwalrus\n"


def upload(service: Service, content: bytes = CONTENT) -> str:
    """Return the id of a video uploaded and indexed, with everything a video can have."""
    form = {"file": ("film.mp4", content)}
    video_id: str = service.client.post("/videos", files=form).json()["video_id"]
    service.finish_indexing(video_id)
    return video_id


def files_below(home: Path) -> list[str]:
    """Return the files of a library apart from its database."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.name.startswith("reelseek.db")]
    return sorted(str(path.relative_to(home)) for path in found)


def row_counts(database: Database, video_id: str) -> dict[str, int]:
    """Return how many rows name a video, by table."""
    counts = {}
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for name in ("video_id", "id"):
                if name in table.c and (table.name == "videos" or name == "video_id"):
                    where = table.c[name] == video_id
                    counts[table.name] = session.scalar(select(func.count()).select_from(table).where(where))
    return {name: count for name, count in counts.items() if count}


def test_the_receipt_lists_all_that_went_and_the_files_hash(service: Service) -> None:
    video_id = upload(service)
    with service.library.database.reading() as session:
        clip_id = session.get_one(Video, video_id).clips[0].id
    service.client.put(f"/videos/{video_id}/subtitles", content=CUES)
    judged = {"query": "a cat", "clip_id": clip_id, "is_relevant": True}
    assert service.client.post("/judgements", json=judged).status_code == 201
    add_requests(service, video_id)
    preview = service.library.previews_root / SHA256[:2] / SHA256 / "clip.mp4"
    preview.parent.mkdir(parents=True)
    preview.write_bytes(b"film")
    service.services.follower.catch_up()
    service.services.follower.save_snapshot()
    response = service.client.delete(f"/videos/{video_id}")
    assert response.status_code == 200
    receipt = response.json()
    assert receipt.pop("deleted_at").startswith(datetime.now(UTC).strftime("%Y"))
    assert receipt == {
        "video_id": video_id,
        "sha256": SHA256,
        "media": "deleted",
        "rows": {
            "videos": 1,
            "clips": 1,
            "embeddings": 5,
            "cues": 1,
            "judgements": 1,
            "jobs": 1,
            "uploads": 1,
            "idempotency_keys": 1,
            "deliveries": 0,
        },
        "files": {"media": 1, "thumbnails": 1, "previews": 1, "uploads": 1, "snapshots": 1},
    }
    assert files_below(service.library.settings.home_folder) == []
    assert row_counts(service.library.database, video_id) == {"deletions": 1}
    with service.library.database.reading() as session:
        assert session.query(Tombstone).count() == 1
        assert session.query(Embedding).count() == 0
    assert search(service, q="walrus", mode="text")["data"] == []
    assert service.client.get(f"/clips/{clip_id}/thumbnail").status_code == 404


def add_requests(service: Service, video_id: str) -> None:
    """Write what clients began for a video: a finished upload with a file left, and a key."""
    later = datetime.now(UTC) + timedelta(days=1)
    with service.library.database.writing() as session:
        session.add(Upload(id="a" * 32, filename="film.mp4", expires_at=later, video_id=video_id))
        session.add(
            IdempotencyKey(key="one", request_digest="0" * 64, video_id=video_id, job_id="0" * 32)
        )
    service.library.uploads.root.mkdir(exist_ok=True)
    (service.library.uploads.root / ("a" * 32)).write_bytes(b"left")


def test_deleting_again_gives_the_same_receipt_and_an_unknown_id_is_a_problem(service: Service) -> None:
    video_id = upload(service)
    first = service.client.delete(f"/videos/{video_id}")
    again = service.client.delete(f"/videos/{video_id}")
    assert (again.status_code, again.json()) == (200, first.json())
    unknown = service.client.delete(f"/videos/{'0' * 32}")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-video")


def test_eight_deletions_at_once_give_one_receipt(service: Service) -> None:
    video_id = upload(service)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: service.client.delete(f"/videos/{video_id}").json(), range(8)))
    assert answers == answers[:1] * 8
    assert answers[0]["files"]["media"] == 1


def test_the_same_bytes_uploaded_afterwards_are_a_new_video(service: Service) -> None:
    video_id = upload(service)
    service.client.delete(f"/videos/{video_id}")
    anew = upload(service)
    assert anew != video_id
    assert service.client.get(f"/videos/{anew}/stream").content == CONTENT
    assert service.client.delete(f"/videos/{video_id}").json()["video_id"] == video_id  # touches nothing
    assert [hit["video_id"] for hit in search(service, q="a cat")["data"]] == [anew]


def test_a_file_indexed_in_place_stays(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(CONTENT)
    video = service.add_video(["a cat"], media_path=str(path))
    receipt = service.client.delete(f"/videos/{video.id}").json()
    assert (receipt["media"], receipt["files"]["media"], receipt["files"]["thumbnails"]) == ("in-place", 0, 1)
    assert path.read_bytes() == CONTENT


def test_a_snapshot_that_held_its_vectors_is_gone_and_none_comes_back(service: Service) -> None:
    kept, gone = service.add_video(["a dog"]), service.add_video(["a cat"])
    follower = service.services.follower
    follower.catch_up()
    follower.save_snapshot()
    path = service.library.snapshot_path(service.services.generation_id)
    assert path.exists()
    service.client.delete(f"/videos/{gone.id}")
    assert not path.exists()
    assert [hit["video_id"] for hit in search(service, q="a cat")["data"]] == [kept.id]


def test_a_snapshot_being_written_while_a_video_is_deleted_is_not_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = service.add_video(["a cat"])
    follower = service.services.follower
    follower.catch_up()
    path = service.library.snapshot_path(service.services.generation_id)
    from indexer.vector_index import snapshot

    write = snapshot.Snapshot.write

    def write_late(taken: snapshot.Snapshot, to: Path) -> None:
        service.client.delete(f"/videos/{video.id}")
        write(taken, to)

    monkeypatch.setattr(snapshot.Snapshot, "write", write_late)
    follower.save_snapshot()
    assert not path.exists()


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Iterator[tuple[threading.Event, ...]]:
    """Yield two events: a call of ``name`` has come to its end; it may return."""
    ended, may_return = threading.Event(), threading.Event()
    work: Callable[..., Any] = getattr(owner, name)

    def wait_at_the_end(*arguments: Any, **named: Any) -> Any:
        result = work(*arguments, **named)
        ended.set()
        assert may_return.wait(20)
        return result

    monkeypatch.setattr(owner, name, wait_at_the_end)
    try:
        yield ended, may_return
    finally:
        may_return.set()


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


def is_deleted(service: Service, video_id: str) -> bool:
    with service.library.database.reading() as session:
        return session.get(Video, video_id) is None


def test_a_search_that_has_found_the_video_and_not_read_it_leaves_it_out(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = service.add_video(["a dog"]), service.add_video(["a cat"])
    from app.search.page import PageMaker

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


def test_files_that_cannot_be_deleted_leave_everything_as_it_was(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_id = upload(service)
    before = files_below(service.library.settings.home_folder)
    rename = Path.rename

    def refuse_thumbnails(path: Path, target: Path) -> Path:
        if "thumbnails" in path.parts and ".deleted" not in path.parts:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse_thumbnails)
        response = service.client.delete(f"/videos/{video_id}")
    problem = response.json()
    assert (response.status_code, problem["type"]) == (503, "/problems/deletion-unfinished")
    assert "Read-only file system" in problem["detail"]
    assert files_below(service.library.settings.home_folder) == before
    assert [hit["video_id"] for hit in search(service, q="a cat")["data"]] == [video_id]
    assert service.client.delete(f"/videos/{video_id}").json()["files"]["thumbnails"] == 1
    assert files_below(service.library.settings.home_folder) == []


def test_files_that_stay_after_the_commit_are_told_and_go_with_the_next_try(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_id = upload(service)
    with monkeypatch.context() as patch:
        patch.setattr("indexer.set_aside.AsideFile.drop", refuse)
        response = service.client.delete(f"/videos/{video_id}")
        again = service.client.delete(f"/videos/{video_id}")
    assert (response.status_code, again.status_code) == (503, 503)
    assert service.client.delete(f"/videos/{video_id}").json()["files"]["media"] == 1
    assert files_below(service.library.settings.home_folder) == []


def refuse(*_arguments: object) -> None:
    raise OSError(errno.EIO, "Input/output error", "film.mp4")


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_deletion_that_died_half_way_is_settled_on_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    died_at = "indexer.video_deletion.list_aside" if is_committed else "indexer.catalog.deletions.record"
    with open_service(tmp_path / "home") as service:
        video_id = upload(service)
        before = files_below(tmp_path / "home")
        with monkeypatch.context() as patch:
            patch.setattr("indexer.library.settle", lambda *_: None)  # the process is gone
            if is_committed:
                patch.setattr("indexer.set_aside.AsideFile.drop", refuse)
            else:
                patch.setattr(died_at, refuse)
            assert service.client.delete(f"/videos/{video_id}").status_code == 503
        assert files_below(tmp_path / "home") != before
    with open_service(tmp_path / "home") as service:
        left = [name for name in files_below(tmp_path / "home") if not name.startswith("index/")]
        assert left == ([] if is_committed else before)
        assert [hit["video_id"] for hit in search(service, q="a cat")["data"]] == (
            [] if is_committed else [video_id]
        )


def test_a_worker_that_dies_after_its_video_was_deleted_leaves_nothing_for_long(tmp_path: Path) -> None:
    with open_service(tmp_path / "home") as service:
        video = service.add_video(["a cat"])
        thumbnail = service.library.thumbnails.path(service.clips_of(video)[0].thumbnail_key)
        service.client.delete(f"/videos/{video.id}")
        thumbnail.parent.mkdir(parents=True)
        thumbnail.write_bytes(b"late")
    with open_service(tmp_path / "home"):
        assert not thumbnail.parent.exists()


def test_bytes_that_are_uploaded_again_in_this_moment_are_left_to_that_upload(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    video_id = upload(service)
    from app import acceptance

    record = acceptance._recorded
    receipts: list[dict[str, Any]] = []

    def delete_first(*arguments: Any) -> Any:  # the file is in its place, the catalog knows the old video
        receipts.append(service.client.delete(f"/videos/{video_id}").json())
        return record(*arguments)

    monkeypatch.setattr(acceptance, "_recorded", delete_first)
    response = service.client.post("/videos", files={"file": ("film.mp4", CONTENT)})
    assert (response.status_code, response.json()["is_new"]) == (202, True)
    assert (receipts[0]["media"], receipts[0]["files"]["media"]) == ("uploaded-again", 0)
    anew = response.json()["video_id"]
    assert anew != video_id
    assert service.client.get(f"/videos/{anew}/stream").content == CONTENT


def test_bytes_of_an_upload_that_was_answered_and_deleted_at_once_do_not_stay(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(service)
    from app import acceptance

    record = acceptance._recorded

    def delete_then(*arguments: Any) -> Any:  # after the commit, before the file is marked as recorded
        accepted = record(*arguments)
        service.client.delete(f"/videos/{accepted.video.id}")
        return accepted

    monkeypatch.setattr(acceptance, "_recorded", delete_then)
    service.client.post("/videos", files={"file": ("film.mp4", CONTENT)})
    assert files_below(service.library.settings.home_folder) == []
