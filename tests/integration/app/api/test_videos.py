"""Listing, reading, playing and deleting videos."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from indexer.catalog.states import VideoState
from tests.service import Service

CONTENT = bytes(range(256)) * 40


def add_file(service: Service, tmp_path: Path, **fields: object) -> str:
    """Return the id of a searchable video whose file lies beside the library."""
    path = tmp_path / "film.mp4"
    path.write_bytes(CONTENT)
    fields = {"media_path": str(path), "filename": "a film.mp4", "container": "mov,mp4,m4a", **fields}
    return service.add_video(["a cat"], **fields).id


def test_the_list_goes_newest_first_and_page_by_page(service: Service) -> None:
    ids = [service.add_video(["a cat"]).id for _ in range(5)]
    seen, parameters = [], {"limit": "2"}
    while True:
        page = service.client.get("/videos", params=parameters).json()
        seen += [video["id"] for video in page["data"]]
        assert page["page_info"]["limit"] == 2
        if page["page_info"]["next_cursor"] is None:
            break
        parameters = {"limit": "2", "cursor": page["page_info"]["next_cursor"]}
    assert seen == ids[::-1]


def test_a_video_is_described_with_its_clips_and_job(service: Service) -> None:
    video = service.add_video(["a cat", "a dog"], collection="pets", codec="h264", width=640, height=360)
    described = service.client.get(f"/videos/{video.id}").json()
    job_id = described.pop("job_id")
    assert service.client.get(f"/jobs/{job_id}").json()["video_id"] == video.id
    assert described.pop("added_at").endswith("Z")
    assert described == {
        "id": video.id,
        "title": video.title,
        "filename": video.filename,
        "state": "ready",
        "is_searchable": True,
        "duration": 8.0,
        "width": 640,
        "height": 360,
        "codec": "h264",
        "size_bytes": video.size_bytes,
        "sha256": video.sha256,
        "collection": "pets",
        "recorded_at": None,
        "metadata": {},
        "clip_count": 2,
        "cue_count": 0,
        "error": None,
        "warning": None,
        "stream_url": f"/videos/{video.id}/stream",
        "thumbnail_url": f"/clips/{service.clips_of(video)[0].id}/thumbnail",
    }


def test_a_failed_video_says_why(service: Service) -> None:
    video = service.add_video([], state=VideoState.FAILED, error_code="no-frames", error_message="no frame")
    described = service.client.get(f"/videos/{video.id}").json()
    advice = described["error"].pop("advice")
    assert described["error"] == {"code": "no-frames", "message": "no frame"}
    assert "convert it" in advice
    assert described["clip_count"] == 0
    assert described["thumbnail_url"] is None


@pytest.mark.parametrize("cursor", ["", "nonsense", "e30"])
def test_a_damaged_cursor_is_a_problem(service: Service, cursor: str) -> None:
    response = service.client.get("/videos", params={"cursor": cursor})
    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")


@pytest.mark.parametrize(
    ("added_at", "video_id"),
    [
        ("2026-05-17T09:30:00", "0" * 32),
        ("0001-01-01T00:00:00+14:00", "0" * 32),
        ("2026-05-17T09:30:00Z", "\0"),
    ],
)
def test_a_cursor_that_this_service_never_gave_is_a_problem(
    service: Service, added_at: str, video_id: str
) -> None:
    forged = urlsafe_b64encode(json.dumps({"added_at": added_at, "video_id": video_id}).encode()).decode()
    response = service.client.get("/videos", params={"cursor": forged})
    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")


@pytest.mark.parametrize("call", ["GET /videos/{}", "DELETE /videos/{}", "GET /videos/{}/stream"])
@pytest.mark.parametrize("video_id", ["0" * 32, "..%2f..", "%00", "' OR 1=1"])
def test_an_unknown_video_is_a_problem(service: Service, call: str, video_id: str) -> None:
    method, path = call.format(video_id).split(" ", 1)
    response = service.client.request(method, path)
    assert response.status_code == 404
    assert response.json()["type"] in {"/problems/unknown-video", "/problems/not-found"}


def test_the_stream_gives_the_whole_file(service: Service, tmp_path: Path) -> None:
    response = service.client.get(f"/videos/{add_file(service, tmp_path)}/stream")
    assert response.status_code == 200
    assert response.content == CONTENT
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-disposition"] == "inline; filename*=utf-8''a%20film.mp4"


@pytest.mark.parametrize(
    ("asked", "given", "content"),
    [
        ("bytes=0-9", "bytes 0-9/10240", CONTENT[:10]),
        ("bytes=10000-", "bytes 10000-10239/10240", CONTENT[10000:]),
        ("bytes=-5", "bytes 10235-10239/10240", CONTENT[-5:]),
    ],
)
def test_the_stream_gives_the_range_asked_for(
    service: Service, tmp_path: Path, asked: str, given: str, content: bytes
) -> None:
    response = service.client.get(f"/videos/{add_file(service, tmp_path)}/stream", headers={"Range": asked})
    assert response.status_code == 206
    assert response.headers["content-range"] == given
    assert response.content == content


def test_a_range_behind_the_end_is_a_problem_that_tells_the_size(service: Service, tmp_path: Path) -> None:
    response = service.client.get(
        f"/videos/{add_file(service, tmp_path)}/stream", headers={"Range": "bytes=99999-"}
    )
    assert response.status_code == 416
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-range"].endswith("*/10240")
    assert response.json()["type"] == "/problems/range-not-satisfiable"


def test_a_range_that_cannot_be_read_is_a_problem(service: Service, tmp_path: Path) -> None:
    video_id = add_file(service, tmp_path)
    for asked in ("bytes=9-5", "bytes=abc"):
        response = service.client.get(f"/videos/{video_id}/stream", headers={"Range": asked})
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"
        assert f"the header Range is {asked!r}" in response.json()["detail"]


def test_a_range_of_another_unit_is_ignored(service: Service, tmp_path: Path) -> None:
    video_id = add_file(service, tmp_path)
    for asked in ("chars=0-5", "9-5"):
        response = service.client.get(f"/videos/{video_id}/stream", headers={"Range": asked})
        assert (response.status_code, response.content) == (200, CONTENT)


def test_the_head_of_a_stream_has_its_length_and_no_body(service: Service, tmp_path: Path) -> None:
    response = service.client.head(f"/videos/{add_file(service, tmp_path)}/stream")
    assert (response.status_code, response.headers["content-length"]) == (200, "10240")
    assert response.content == b""


def test_a_file_that_has_gone_is_a_problem(service: Service, tmp_path: Path) -> None:
    video_id = add_file(service, tmp_path)
    (tmp_path / "film.mp4").unlink()
    response = service.client.get(f"/videos/{video_id}/stream")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/media-missing")
    assert "a film.mp4" in response.json()["detail"]
