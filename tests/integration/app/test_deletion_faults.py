"""Deletions that cannot be done, or die half-way, and uploads of the same bytes beside them."""

import errno
from pathlib import Path
from typing import Any

import pytest

from app.uploading import acceptance
from tests.deleting import CONTENT, files_below, upload
from tests.service import Service, open_service, search


def refuse(*_arguments: object) -> None:
    raise OSError(errno.EIO, "Input/output error", "film.mp4")


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
    record = acceptance._recorded

    def delete_then(*arguments: Any) -> Any:  # after the commit, before the file is marked as recorded
        accepted = record(*arguments)
        service.client.delete(f"/videos/{accepted.video.id}")
        return accepted

    monkeypatch.setattr(acceptance, "_recorded", delete_then)
    service.client.post("/videos", files={"file": ("film.mp4", CONTENT)})
    assert files_below(service.library.settings.home_folder) == []
