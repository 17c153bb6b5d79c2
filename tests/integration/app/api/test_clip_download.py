"""Downloading a moment."""

import time
from fractions import Fraction
from pathlib import Path

import anyio
import pytest
from anyio import CapacityLimiter
from starlette.types import Message

from app.export.clip_download import ClipDownload, WantedCut
from indexer.catalog.tables import Video
from indexer.clip_cutting import Cutting
from indexer.errors import DecoderCrashed, DiskFull
from tests.counted_film import numbers_shown, steady, write_film
from tests.service import Service
from tests.synthetic_video import write_not_a_video, write_plain


def filmed(service: Service, tmp_path: Path, seconds: float = 8.0) -> Video:
    """Return a video of 10 frames a second with clips of four seconds."""
    path = write_film(tmp_path / "film.mp4", steady(Fraction(10), seconds))
    return service.add_video(
        ["a cat", "a dog"], media_path=str(path), is_managed=False, title="Été: one", duration_s=seconds
    )


def left_over(service: Service) -> list[Path]:
    folder = service.library.settings.home_folder / "cuts"
    return list(folder.iterdir()) if folder.exists() else []


def test_a_clip_is_downloaded_to_the_frame(service: Service, tmp_path: Path) -> None:
    clip = service.clips_of(filmed(service, tmp_path))[1]
    response = service.client.get(f"/clips/{clip.id}/download")
    assert response.status_code == 200
    assert response.headers["content-type"] == "video/mp4"
    assert int(response.headers["content-length"]) == len(response.content)
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="Ete one 00.00.04-00.00.08.mp4"')
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(response.content)
    assert [number for _, number in numbers_shown(copy)] == list(range(40, 80))
    assert left_over(service) == []


def test_start_and_end_may_lie_outside_the_clip(service: Service, tmp_path: Path) -> None:
    clip = service.clips_of(filmed(service, tmp_path))[1]
    response = service.client.get(
        f"/clips/{clip.id}/download?start=2.5&end=7", headers={"Range": "bytes=0-9"}
    )
    assert response.status_code == 200
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(response.content)
    assert [number for _, number in numbers_shown(copy)] == list(range(25, 70))


@pytest.mark.parametrize(
    ("span", "named"),
    [
        ("start=-1", "start"),
        ("start=nan", "start"),
        ("start=inf", "start"),
        ("start=x", "start"),
        ("end=nan", "end"),
        ("start=5&end=5", "end"),
        ("start=6&end=5", "end"),
        ("end=8.1", "end"),
        ("start=8", "start"),
        ("end=3", "end"),
    ],
)
def test_a_span_that_the_video_does_not_have_is_a_problem(
    service: Service, tmp_path: Path, span: str, named: str
) -> None:
    clip = service.clips_of(filmed(service, tmp_path))[1]
    response = service.client.get(f"/clips/{clip.id}/download?{span}")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-parameter")
    assert [error["parameter"] for error in response.json()["errors"]] == [named]


def test_a_download_has_a_longest_length(service: Service) -> None:
    clip = service.clips_of(service.add_video(["a cat"], duration_s=3600.0))[0]
    response = service.client.get(f"/clips/{clip.id}/download?start=0&end=600.5")
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (422, "end")


def test_an_unknown_clip_and_a_file_that_has_gone_are_problems(service: Service) -> None:
    response = service.client.get("/clips/nothing/download")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-clip")
    clip = service.clips_of(service.add_video(["a cat"]))[0]
    response = service.client.get(f"/clips/{clip.id}/download")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/media-missing")


def test_a_video_that_cannot_be_cut_is_a_problem_that_names_no_folder(
    service: Service, tmp_path: Path
) -> None:
    path = write_not_a_video(tmp_path / "text.mp4")
    video = service.add_video(["a cat"], media_path=str(path), is_managed=False)
    response = service.client.get(f"/clips/{service.clips_of(video)[0].id}/download")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/cannot-cut")
    assert "text.mp4 is not a video" in response.json()["detail"]
    assert str(tmp_path) not in response.text
    assert left_over(service) == []


def test_a_client_does_not_hear_what_a_dying_process_said(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(cut: Cutting) -> Path:
        raise DecoderCrashed(f"it said: {tmp_path}")

    monkeypatch.setattr(Cutting, "wait", die)
    clip = service.clips_of(filmed(service, tmp_path))[0]
    response = service.client.get(f"/clips/{clip.id}/download")
    assert (response.status_code, response.json()["type"]) == (422, "/problems/cannot-cut")
    assert "died or took too long" in response.json()["detail"]
    assert str(tmp_path) not in response.text


def test_a_full_disk_is_a_problem(tmp_path: Path, service: Service) -> None:
    clip = service.clips_of(filmed(service, tmp_path))[0]
    service.services.settings.__dict__["min_free_bytes"] = 1 << 62
    response = service.client.get(f"/clips/{clip.id}/download")
    assert (response.status_code, response.json()["type"]) == (507, "/problems/storage-full")


def test_a_disk_that_becomes_full_meanwhile_is_a_problem(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(cut: Cutting) -> Path:
        raise DiskFull(f"no room in {tmp_path}")

    monkeypatch.setattr(Cutting, "wait", run_out)
    clip = service.clips_of(filmed(service, tmp_path))[0]
    response = service.client.get(f"/clips/{clip.id}/download")
    assert (response.status_code, response.json()["type"]) == (507, "/problems/storage-full")
    assert str(tmp_path) not in response.text
    assert left_over(service) == []


def wanted_cut(tmp_path: Path, seconds: float = 300.0) -> WantedCut:
    film = write_plain(tmp_path / "film.mp4", duration_s=seconds)
    return WantedCut(film, 0.0, seconds, tmp_path / "cuts", 1 << 30, "film")


def test_a_client_that_goes_away_ends_the_cutting(tmp_path: Path) -> None:
    wanted = wanted_cut(tmp_path)
    sent: list[Message] = []

    async def receive() -> Message:
        while not any((tmp_path / "cuts").glob("*")):
            await anyio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def download() -> None:
        await ClipDownload(wanted, CapacityLimiter(1))({"type": "http"}, receive, send)

    started = time.monotonic()
    anyio.run(download)
    assert (sent, list((tmp_path / "cuts").iterdir())) == ([], [])
    assert time.monotonic() - started < 20


def test_a_service_that_is_stopped_ends_the_cutting(tmp_path: Path) -> None:
    wanted = wanted_cut(tmp_path)

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    async def download() -> None:
        with anyio.move_on_after(30) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(ClipDownload(wanted, CapacityLimiter(1)), {"type": "http"}, receive, send)
                while not any((tmp_path / "cuts").glob("*")):
                    await anyio.sleep(0.01)
                group.cancel_scope.cancel()
        assert not scope.cancelled_caught

    anyio.run(download)
    assert list((tmp_path / "cuts").iterdir()) == []
