"""POST /videos: what arrives, what is refused, and that a refusal leaves nothing behind."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response

from app.errors import UploadConflict
from indexer.catalog.tables import Job, Video
from tests.service import Service, open_service
from tests.upload_forms import CONTENT, FILE, form, post_in_pieces, send, upload


def assert_refused(service: Service, response: Response, status: int, name: str) -> None:
    """The answer is this problem, and neither file nor row is left."""
    assert (response.status_code, response.json()["type"]) == (status, f"/problems/{name}"), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert service.media_files() == []
    with service.library.database.reading() as session:
        assert session.query(Video).count() == session.query(Job).count() == 0


def test_an_upload_is_stored_under_its_hash_and_queued(service: Service) -> None:
    response = upload(service)
    receipt = response.json()
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert response.status_code == 202
    assert response.headers["location"] == receipt["job_url"] == f"/jobs/{receipt['job_id']}"
    assert (receipt["sha256"], receipt["state"], receipt["is_new"]) == (sha256, "pending", True)
    assert [path.name for path in service.media_files()] == [f"{sha256}.mp4"]
    assert service.media_files()[0].read_bytes() == CONTENT
    assert service.client.get(receipt["job_url"]).json()["state"] == "queued"
    assert service.client.get(receipt["video_url"]).json()["title"] == "film"


def test_fields_before_and_after_the_file_are_kept(service: Service) -> None:
    body = form(
        ('name="title"', "Ein schöner Tag".encode()),
        ('name="file"; filename="film.mp4"', CONTENT),
        ('name="collection"', b"holidays"),
        ('name="recorded_at"', b"2026-05-17T09:30:00+02:00"),
        ('name="metadata"', b'{"camera": {"name": "left"}}'),
    )
    video = service.client.get(send(service, body).json()["video_url"]).json()
    assert video["title"] == "Ein schöner Tag"
    assert video["collection"] == "holidays"
    assert video["recorded_at"] == "2026-05-17T07:30:00Z"
    assert video["metadata"] == {"camera": {"name": "left"}}


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("/etc/cron.d/job.mp4", "job.mp4"),
        ("..\\..\\windows\\film.mp4", "film.mp4"),
        ("..", "video"),
        ("the %22best%22%0D%0A.mp4", 'the "best".mp4'),
        ("", "video"),
        ("film\u202e4pm.exe", "film4pm.exe"),
        ("<img src=x onerror=alert(1)>.mp4", "<img src=x onerror=alert(1)>.mp4"),
        ("x" * 300 + ".mp4", "x" * 251 + ".mp4"),
    ],
)
def test_a_hostile_name_is_only_ever_shown(service: Service, hostile: str, shown: str) -> None:
    body = form((f'name="file"; filename="{hostile}"', CONTENT))
    video = service.client.get(send(service, body).json()["video_url"]).json()
    assert video["filename"] == shown
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    (stored,) = service.media_files()
    assert stored.parent == service.library.media.root / sha256[:2]
    assert stored.stem == sha256


def test_an_empty_file_is_refused(service: Service) -> None:
    assert_refused(service, upload(service, content=b""), 422, "empty-file")


@pytest.fixture
def strict_service(tmp_path: Path) -> Iterator[Service]:
    """Yield a service that takes files of at most 100,000 bytes."""
    with open_service(tmp_path / "home", max_upload_bytes=100_000) as service:
        yield service


def test_a_file_as_large_as_allowed_is_taken(strict_service: Service) -> None:
    assert upload(strict_service, content=b"x" * 100_000).status_code == 202


def test_a_file_over_the_limit_is_refused(strict_service: Service) -> None:
    assert_refused(strict_service, upload(strict_service, content=b"x" * 100_001), 413, "upload-too-large")


def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read(strict_service: Service) -> None:
    answer = post_in_pieces(strict_service, iter([]), **{"content-length": "2000000"})
    assert answer[0]["status"] == 413
    assert "2000000 bytes and 100000 are allowed" in json.loads(answer[1]["body"])["detail"]


def test_a_body_without_a_declared_length_is_refused_as_soon_as_it_passes_the_limit(
    strict_service: Service,
) -> None:
    taken = 0

    def endless() -> Iterator[dict[str, object]]:
        nonlocal taken
        yield {"type": "http.request", "body": form(FILE, end="")[:-2], "more_body": True}
        while True:
            taken += 30_000
            yield {"type": "http.request", "body": b"x" * 30_000, "more_body": True}

    answer = post_in_pieces(strict_service, endless())
    assert answer[0]["status"] == 413
    assert taken <= 120_000
    assert strict_service.media_files() == []


def test_a_declared_length_that_is_too_small_opens_no_gate(strict_service: Service) -> None:
    body = form(('name="file"; filename="film.mp4"', b"x" * 200_000))
    assert_refused(
        strict_service, send(strict_service, body, **{"Content-Length": "10"}), 413, "upload-too-large"
    )


def test_an_upload_that_would_fill_the_disk_is_refused(tmp_path: Path) -> None:
    with open_service(tmp_path / "home", min_free_bytes=2**62) as service:
        response = upload(service)
        assert_refused(service, response, 507, "storage-full")
        assert "REELSEEK_MIN_FREE_BYTES" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (form(FILE, end=""), "malformed-upload"),
        (form(FILE)[:5000], "malformed-upload"),
        (b"", "malformed-upload"),
        (b"nothing like a form", "malformed-upload"),
        (form(('filename="film.mp4"', CONTENT)), "malformed-upload"),
        (form(('name="title"', b"\xff\xfe"), FILE), "malformed-upload"),
        (form(('name="title"', b"x" * 70_000), FILE), "malformed-upload"),
        (form(*[(f'name="field{number}"', b"") for number in range(30)], FILE), "malformed-upload"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(service: Service, body: bytes, problem: str) -> None:
    assert_refused(service, send(service, body), 400, problem)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ([], "file"),
        ([('name="file"', b"as a field")], "file"),
        ([('name="video"; filename="film.mp4"', CONTENT)], "video"),
        ([FILE, FILE], "file"),
        ([FILE, ('name="poster"; filename="film.jpg"', b"picture")], "poster"),
        ([FILE, ('name="colour"', b"red")], "colour"),
        ([FILE, ('name="title"', b"one"), ('name="title"', b"two")], "title"),
        ([FILE, ('name="title"', b"x" * 501)], "title"),
        ([FILE, ('name="collection"', b"x" * 201)], "collection"),
        ([FILE, ('name="recorded_at"', b"yesterday")], "recorded_at"),
        ([FILE, ('name="recorded_at"', b"2026-05-17T09:30:00")], "recorded_at"),
        ([FILE, ('name="recorded_at"', b"1")], "recorded_at"),
        ([FILE, ('name="recorded_at"', b"0001-01-01T00:00:00+14:00")], "recorded_at"),
        ([FILE, ('name="recorded_at"', b"9999-12-31T23:59:59-14:00")], "recorded_at"),
        ([FILE, ('name="metadata"', b"[1, 2]")], "metadata"),
        ([FILE, ('name="metadata"', b"{broken")], "metadata"),
        ([FILE, ('name="metadata"', b'{"a": NaN}')], "metadata"),
        ([FILE, ('name="metadata"', b'{"a": "\\ud800"}')], "metadata"),
    ],
)
def test_a_wrong_field_is_named_and_the_file_not_kept(
    service: Service, parts: list[tuple[str, bytes]], name: str
) -> None:
    response = send(service, form(*parts))
    assert_refused(service, response, 422, "invalid-parameter")
    assert response.json()["errors"][0]["parameter"] == name
    assert response.json()["errors"][0]["location"] == "body"


def test_a_body_of_another_type_is_refused(service: Service) -> None:
    for content_type in ("application/json", "multipart/form-data", "video/mp4", ""):
        response = service.client.post("/videos", content=CONTENT, headers={"Content-Type": content_type})
        assert_refused(service, response, 415, "not-multipart")  # type: ignore[arg-type]


def test_fields_without_visible_characters_count_as_not_given(service: Service) -> None:
    video = service.client.get(upload(service, title="\0\u202e", collection="").json()["video_url"]).json()
    assert (video["title"], video["collection"]) == ("film", None)


def test_a_client_that_goes_away_leaves_nothing_behind(service: Service) -> None:
    beginning = form(FILE, end="")[:-2]
    pieces: list[dict[str, object]] = [
        {"type": "http.request", "body": beginning, "more_body": True},
        {"type": "http.request", "body": CONTENT, "more_body": True},
        {"type": "http.disconnect"},
    ]
    answer = post_in_pieces(service, iter(pieces))
    assert answer[0]["status"] == 400
    assert json.loads(answer[1]["body"])["type"] == "/problems/upload-interrupted"
    assert service.media_files() == []


def test_a_client_that_stops_sending_is_let_go(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.uploading.body.STALLED_AFTER_S", 0.05)
    pieces: list[dict[str, object]] = [
        {"type": "http.request", "body": form(FILE, end="")[:-2], "more_body": True}
    ]
    answer = post_in_pieces(service, iter(pieces))
    assert answer[0]["status"] == 408
    assert service.media_files() == []


def test_the_file_goes_when_its_row_cannot_be_written(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("no job today")

    monkeypatch.setattr("app.uploading.acceptance.jobs.enqueue", refuse)
    monkeypatch.setattr("app.request_envelope.log.exception", lambda *_, **__: None)
    response = upload(service)
    assert_refused(service, response, 500, "internal-error")
    assert "no job today" not in response.text


def test_a_database_that_goes_away_does_not_hide_what_went_wrong_first(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def delete_and_go_away(*_: object, **__: object) -> None:
        monkeypatch.setattr("app.uploading.acceptance.videos.find_by_sha256", lambda *_: 1 / 0)
        raise UploadConflict("deleted meanwhile")

    monkeypatch.setattr("app.uploading.acceptance.jobs.enqueue", delete_and_go_away)
    assert upload(service).json()["type"] == "/problems/upload-conflict"
    assert "the file of a failed upload was left" in caplog.text


def test_the_file_stays_when_the_row_was_there_before(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(service)
    monkeypatch.setattr("app.uploading.acceptance.jobs.latest", lambda *_: 1 / 0)
    monkeypatch.setattr("app.request_envelope.log.exception", lambda *_, **__: None)
    assert upload(service).status_code == 500
    assert len(service.media_files()) == 1
