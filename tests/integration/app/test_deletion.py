"""Deleting a video: the receipt, what is gone, what stays, and searches that are under way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer.catalog.client_tables import IdempotencyKey, Upload
from indexer.catalog.tables import Embedding, Tombstone, Video
from tests.deleting import CONTENT, SHA256, files_below, row_counts, upload
from tests.service import Service, search

CUES = "1\n00:00:01,000 --> 00:00:02,000\nwalrus\n"


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
        session.add(IdempotencyKey(key="one", request_digest="0" * 64, video_id=video_id, job_id="0" * 32))
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
