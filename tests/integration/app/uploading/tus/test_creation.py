"""Beginning a tus upload: lengths told and deferred, metadata, first bytes, and room for the rest."""

from pathlib import Path

import pytest

from tests.service import Service, open_service
from tests.tus_client import PIECE, VERSION, begin, head, metadata, patch, problem, send
from tests.upload_forms import CONTENT

HALF = len(CONTENT) // 2


@pytest.mark.parametrize(
    "length",
    [
        {},
        {"Upload_Length": "-1"},
        {"Upload_Length": "many"},
        {"Upload_Defer_Length": "2"},
        {"Upload_Length": "5", "Upload_Defer_Length": "1"},
        {"Upload_Length": "5", "Upload_Concat": "partial"},
    ],
)
def test_a_length_that_cannot_be_meant_is_refused(service: Service, length: dict[str, str]) -> None:
    answer = send(service, "POST", "/uploads", b"", **VERSION, **length)
    assert problem(answer) == (400, "invalid-upload-request")


def test_a_file_that_is_too_large_or_empty_is_refused_at_once(service: Service) -> None:
    limit = service.services.settings.upload_limit_bytes
    answer = send(service, "POST", "/uploads", b"", **VERSION, Upload_Length=str(limit + 1))
    assert problem(answer) == (413, "upload-too-large")
    assert problem(send(service, "POST", "/uploads", b"", **VERSION, Upload_Length="0")) == (
        422,
        "empty-file",
    )


@pytest.mark.parametrize(
    "said",
    [
        "filename !!!",
        "filename ZmlsbQ",
        "a b c",
        "filename ZmlsbQ==,filename ZmlsbQ==",
        "filename /w==",
        "a,,b",
    ],
)
def test_metadata_that_cannot_be_read_is_refused(service: Service, said: str) -> None:
    answer = send(service, "POST", "/uploads", b"", **VERSION, Upload_Length="5", Upload_Metadata=said)
    assert problem(answer) == (400, "invalid-upload-request")


@pytest.mark.parametrize(
    ("name", "value"),
    [("title", "x" * 501), ("recorded_at", "yesterday"), ("metadata", "[1]"), ("metadata", '{"a": NaN}')],
)
def test_a_wrong_field_is_named_before_a_byte_is_sent(service: Service, name: str, value: str) -> None:
    said = metadata(**{name: value})
    answer = send(service, "POST", "/uploads", b"", **VERSION, Upload_Length="5", Upload_Metadata=said)
    assert problem(answer) == (422, "invalid-parameter")
    assert answer.json()["errors"][0]["parameter"] == name


def test_what_was_said_of_the_video_is_kept(service: Service) -> None:
    said = metadata(
        filename="../../etc/film.mp4",
        title="Ein schöner Tag",
        collection="holidays",
        recorded_at="2026-05-17T09:30:00+02:00",
        metadata='{"camera": 2}',
        relativePath="null",
    )
    url = begin(service, len(CONTENT), Upload_Metadata=said)
    video = service.client.get(patch(service, url, 0, CONTENT).headers["reelseek-video"]).json()
    assert (video["filename"], video["title"]) == ("film.mp4", "Ein schöner Tag")
    assert (video["collection"], video["recorded_at"]) == ("holidays", "2026-05-17T07:30:00Z")
    assert video["metadata"] == {"camera": 2}


def test_the_first_bytes_may_come_with_the_creation(service: Service) -> None:
    answer = send(service, "POST", "/uploads", CONTENT[:7], **PIECE, Upload_Length=str(len(CONTENT)))
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "7")
    url = answer.headers["location"]
    assert patch(service, url, 7, CONTENT[7:]).status_code == 204
    whole = send(service, "POST", "/uploads", CONTENT, **PIECE, Upload_Length=str(len(CONTENT)))
    assert whole.headers["location"].startswith("/uploads/")
    assert "reelseek-job" in whole.headers
    wrong = send(service, "POST", "/uploads", b"x", **VERSION, Upload_Length="5", Content_Type="text/plain")
    assert problem(wrong) == (415, "not-offset-stream")


def test_the_length_may_be_told_later_and_only_once(service: Service) -> None:
    answer = send(service, "POST", "/uploads", b"", **VERSION, Upload_Defer_Length="1")
    url = answer.headers["location"]
    assert head(service, url).headers["upload-defer-length"] == "1"
    assert "upload-length" not in head(service, url).headers
    patch(service, url, 0, CONTENT[:HALF])
    assert problem(patch(service, url, HALF, b"", Upload_Length="3")) == (400, "invalid-upload-request")
    assert patch(service, url, HALF, CONTENT[HALF:-1], Upload_Length=str(len(CONTENT))).status_code == 204
    assert head(service, url).headers["upload-length"] == str(len(CONTENT))
    wrong = patch(service, url, len(CONTENT) - 1, b"", Upload_Length="70000")
    assert problem(wrong) == (400, "invalid-upload-request")
    assert "reelseek-job" in patch(service, url, len(CONTENT) - 1, CONTENT[-1:]).headers


def test_an_upload_that_would_not_fit_beside_the_others_is_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.uploading.disk_space._free", lambda _: 1000)
    url = begin(service, 600)
    refused = send(service, "POST", "/uploads", b"", **VERSION, Upload_Length="600")
    assert problem(refused) == (507, "storage-full")
    assert "may take 600 of them" in refused.json()["detail"]
    form = service.client.post("/videos", files={"file": ("film.mp4", b"x" * 500)})
    assert form.status_code == 507
    patch(service, url, 0, b"x" * 400)
    begin(service, 700)  # 200 of the first upload are still to come; the disk of this test stays at 1000
    assert len(list(service.library.uploads.root.iterdir())) == 2


def test_a_service_without_room_for_it_refuses_a_large_deferred_upload(tmp_path: Path) -> None:
    with open_service(tmp_path / "home", max_upload_bytes=100) as service:
        url = send(service, "POST", "/uploads", b"", **VERSION, Upload_Defer_Length="1").headers["location"]
        assert problem(patch(service, url, 0, b"x" * 101)) == (413, "upload-too-large")
        assert problem(patch(service, url, 0, b"", Upload_Length="101")) == (413, "upload-too-large")
        assert patch(service, url, 0, b"x" * 100, Upload_Length="100").status_code == 204
