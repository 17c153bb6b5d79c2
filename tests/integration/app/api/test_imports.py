"""POST /imports: videos that lie on the server, from the allowed folders and nowhere else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from indexer.catalog.tables import Job, Video
from tests.service import Service, open_service
from tests.upload_forms import upload

BYTES = b"the bytes of a film, number %d"


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Return a folder with three videos, one of them in a folder below."""
    folder = tmp_path / "footage"
    (folder / "b").mkdir(parents=True)
    for number, name in enumerate(("a.mp4", "b/inner.mov", "c.mkv")):
        (folder / name).write_bytes(BYTES % number)
    (folder / "notes.txt").write_text("no film")
    return folder


@pytest.fixture
def service(tmp_path: Path, footage: Path) -> Iterator[Service]:
    """Yield a service that may import from that folder."""
    with open_service(tmp_path / "home", import_roots=f"{footage}:{tmp_path / 'none'}") as service:
        yield service


def ask(service: Service, path: object, **fields: object) -> Response:
    """Return the answer to an import."""
    response: Any = service.client.post("/imports", json={"path": str(path), **fields})
    return response  # type: ignore[no-any-return]


def test_a_folder_is_indexed_in_place_with_what_was_said_of_it(service: Service, footage: Path) -> None:
    answer = ask(service, footage, collection="news", metadata={"desk": 3})
    assert answer.status_code == 202
    files = answer.json()["data"]
    assert [Path(file["path"]).name for file in files] == ["a.mp4", "inner.mov", "c.mkv"]
    assert answer.json()["page_info"]["next_cursor"] is None
    video = service.client.get(files[0]["video_url"]).json()
    assert (video["collection"], video["metadata"], video["state"]) == ("news", {"desk": 3}, "pending")
    assert service.client.get(files[0]["job_url"]).json()["state"] == "queued"
    assert service.client.get(video["stream_url"]).content == BYTES % 0
    assert service.media_files() == []
    assert (footage / "a.mp4").read_bytes() == BYTES % 0


def test_one_file_may_be_imported_and_again(service: Service, footage: Path) -> None:
    first = ask(service, footage / "a.mp4", title="The first").json()["data"]
    assert ask(service, footage / "a.mp4").json()["data"] == first
    service.finish_indexing(first[0]["video_id"])
    again = ask(service, footage / "a.mp4")
    assert (again.status_code, again.json()["data"][0]["job_id"]) == (200, None)


def test_a_large_folder_is_imported_in_several_answers(
    service: Service, footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, cursor = [], None
    for limit in (1, 100, 100):
        answer = ask(service, footage, limit=limit, cursor=cursor).json()
        names += [Path(file["path"]).name for file in answer["data"]]
        cursor = answer["page_info"]["next_cursor"]
        monkeypatch.setattr("app.uploading.path_import.TIME_FOR_ONE_REQUEST_S", 0.0)
    assert (names, cursor) == (["a.mp4", "inner.mov", "c.mkv"], None)


def test_an_upload_of_the_same_bytes_is_the_same_video(service: Service, footage: Path) -> None:
    (imported,) = ask(service, footage / "a.mp4").json()["data"]
    uploaded = upload(service, content=BYTES % 0).json()
    assert (uploaded["video_id"], uploaded["job_id"]) == (imported["video_id"], imported["job_id"])
    assert service.media_files() == []


@pytest.mark.parametrize(
    "path",
    ["a.mp4", "../footage/a.mp4", "{root}/../footage/a.mp4", "{root}/b/../a.mp4", "/a\0b", "", "\ud800"],
)
def test_a_path_that_cannot_be_meant_is_refused(service: Service, footage: Path, path: str) -> None:
    body = json.dumps({"path": path.replace("{root}", str(footage))})
    answer = service.client.post("/imports", content=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")


@pytest.mark.parametrize("path", ["/etc/passwd", "/", "/nowhere/at/all", "{root}x", "{home}", "{home}/media"])
def test_nothing_is_told_of_what_lies_outside(
    service: Service, footage: Path, tmp_path: Path, path: str
) -> None:
    answer = ask(service, path.replace("{root}", str(footage)).replace("{home}", str(tmp_path / "home")))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/import-not-allowed")


def test_links_that_lead_out_are_not_followed(service: Service, footage: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "film.mp4").write_bytes(b"a secret film")
    (footage / "out").symlink_to(secret)
    (footage / "out.mp4").symlink_to(secret / "film.mp4")
    (footage / "in.mp4").symlink_to(footage / "a.mp4")
    answer = ask(service, footage).json()
    assert {Path(file["path"]).name for file in answer["data"]} == {"a.mp4", "inner.mov", "c.mkv"}
    assert {Path(file["path"]).name for file in answer["refused"]} == {"out", "out.mp4"}
    assert ask(service, footage / "out.mp4").status_code == 403
    assert ask(service, footage / "out" / "film.mp4").status_code == 403


def test_a_link_is_no_reason_to_pass_over_the_files_behind_it(service: Service, footage: Path) -> None:
    (footage / "aa.mp4").symlink_to(footage / "c.mkv")
    pages: list[str] = []
    answer = ask(service, footage, limit=2).json()
    while cursor := answer["page_info"]["next_cursor"]:
        pages += [Path(file["path"]).name for file in answer["data"]]
        answer = ask(service, footage, limit=2, cursor=cursor).json()
    pages += [Path(file["path"]).name for file in answer["data"]]
    assert pages == ["a.mp4", "c.mkv", "inner.mov", "c.mkv"]


def test_links_that_lead_in_a_circle_are_no_fault_of_ours(service: Service, footage: Path) -> None:
    (footage / "circle.mp4").symlink_to(footage / "circle.mp4")
    answer = ask(service, footage)
    assert (answer.status_code, len(answer.json()["data"])) == (202, 3)
    for path in (footage / "circle.mp4", footage / "circle.mp4" / "below.mp4"):
        assert ask(service, path).status_code < 500, path


def test_what_is_not_there_or_no_video_is_said(service: Service, footage: Path) -> None:
    missing = ask(service, footage / "gone.mp4")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/import-path-missing")
    assert ask(service, footage / "notes.txt").status_code == 422
    (footage / "empty.mp4").touch()
    (refused,) = ask(service, footage / "empty.mp4").json()["refused"]
    assert refused["code"] == "empty-file"
    with service.library.database.reading() as session:
        assert session.query(Video).count() == session.query(Job).count() == 0


def test_without_folders_in_the_settings_nothing_is_imported(tmp_path: Path, footage: Path) -> None:
    with open_service(tmp_path / "other") as service:
        answer = ask(service, footage)
        assert answer.status_code == 403
        assert "REELSEEK_IMPORT_ROOTS" in answer.json()["detail"]


def test_a_wrong_field_is_named(service: Service, footage: Path) -> None:
    for field in (
        {"limit": 0},
        {"limit": 10_000},
        {"metadata": [1]},
        {"title": 2},
        {"recorded_at": "soon"},
        {"colour": 1},
    ):
        answer = ask(service, footage, **field)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == next(iter(field))
    assert ask(service, footage, cursor="nonsense").json()["type"] == "/problems/invalid-cursor"
