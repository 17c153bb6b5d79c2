"""POST /videos with bytes that the library has already."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Job, Video
from tests.fakes import fake_encoders
from tests.service import Service, open_service
from tests.upload_forms import CONTENT, upload


def test_the_same_bytes_are_the_same_video_while_it_waits(service: Service) -> None:
    first, second = upload(service).json(), upload(service, name="copy.mov", title="Another").json()
    assert second == {**first, "is_new": False}
    assert len(service.media_files()) == 1


def test_what_is_said_with_the_same_bytes_fills_what_was_not_said_before(service: Service) -> None:
    url = upload(service).json()["video_url"]
    said: dict[str, Any] = {"title": "A day", "collection": "family", "recorded_at": "2026-05-17T07:30:00Z"}
    upload(service, metadata='{"camera": 2}', **said)
    described = service.client.get(url).json()
    assert {name: described[name] for name in said} == said
    assert described["metadata"] == {"camera": 2}


def test_what_was_said_before_outlives_the_same_bytes(service: Service) -> None:
    said: dict[str, Any] = {"title": "A day", "collection": "family", "recorded_at": "2026-05-17T07:30:00Z"}
    url = upload(service, metadata='{"camera": 2}', **said).json()["video_url"]
    before = service.client.get(url).json()
    upload(service, title="x", collection="x", recorded_at="2001-01-01T00:00:00Z", metadata='{"x": 1}')
    assert service.client.get(url).json() == before


def test_the_same_bytes_are_answered_with_200_once_they_are_indexed(service: Service) -> None:
    video_id = upload(service).json()["video_id"]
    service.finish_indexing(video_id)
    again = upload(service)
    assert again.status_code == 200
    assert (again.json()["video_id"], again.json()["state"]) == (video_id, "ready")
    assert service.client.get(again.json()["job_url"]).json()["state"] == "done"


def test_a_video_that_failed_is_tried_again_when_it_is_uploaded_again(service: Service) -> None:
    first = upload(service).json()
    with service.library.database.writing() as session:
        session.get_one(Video, first["video_id"]).state = VideoState.FAILED
        session.get_one(Job, first["job_id"]).state = JobState.FAILED
    again = upload(service)
    assert again.status_code == 202
    assert again.json()["video_id"] == first["video_id"]
    assert again.json()["job_id"] != first["job_id"]


def test_a_video_that_another_model_indexed_is_indexed_when_it_is_uploaded_again(tmp_path: Path) -> None:
    fake = fake_encoders()
    other = dataclasses.replace(fake, settings=dataclasses.replace(fake.settings, architecture="other"))
    with open_service(tmp_path) as service:
        first = upload(service).json()
        service.finish_indexing(first["video_id"])
    with open_service(tmp_path, other) as service:
        again = upload(service)
        assert (again.status_code, again.json()["state"]) == (202, "pending")
        assert again.json()["video_id"] == first["video_id"]
        assert again.json()["job_id"] != first["job_id"]
        service.finish_indexing(first["video_id"])
        assert upload(service).status_code == 200


def test_a_copy_of_a_file_indexed_in_place_is_not_kept(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "original.mp4"
    path.write_bytes(CONTENT)
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    video = service.add_video(["a cat"], sha256=sha256, media_path=str(path))
    assert upload(service).json()["video_id"] == video.id
    assert service.media_files() == []


def test_an_upload_replaces_a_file_that_was_indexed_in_place_and_is_gone(service: Service) -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    video = service.add_video(["a cat"], sha256=sha256, media_path="/nowhere/original.mp4")
    assert service.client.get(f"/videos/{video.id}/stream").status_code == 404
    upload(service)
    assert service.client.get(f"/videos/{video.id}/stream").content == CONTENT
