"""One ReelSeek with two films for all tests of how the page searches, which leave its library as it is."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import Server, run_server
from tests.synthetic_video import GREEN, flat, write_two_scenes, write_video

INDEX_TIMEOUT_S = 120.0


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run ReelSeek over a film of red and then blue, in which words are said, and a longer one of green."""
    folder = tmp_path_factory.mktemp("films")
    two_scenes = write_two_scenes(folder / "red then blue.mp4", cut_s=3.0, duration_s=6.0)
    green = write_video(folder / "green.mp4", [(index / 10, flat(GREEN)) for index in range(90)])
    evening, night = "2026-05-17T14:00:00Z", "2026-05-17T16:00:00Z"
    with run_server(folder) as running, httpx.Client(base_url=running.url) as client:
        spoken = add(client, two_scenes, {"collection": "two colours", "recorded_at": evening})
        other = add(client, green, {"collection": "one colour", "recorded_at": night})
        for video_id in (spoken, other):
            wait_until_indexed(client, video_id)
        cue = "1\n00:00:04,000 --> 00:00:05,000\nGood morning, sea.\n"
        client.put(f"/videos/{spoken}/subtitles?language=en", content=cue).raise_for_status()
        yield running


def add(client: httpx.Client, film: Path, said_of_it: dict[str, str]) -> str:
    """Upload a film and return its id."""
    files = {"file": (film.name, film.read_bytes(), "video/mp4")}
    return str(client.post("/videos", files=files, data=said_of_it).json()["video_id"])


def wait_until_indexed(client: httpx.Client, video_id: str) -> None:
    """Return once a video can be searched."""
    deadline = time.monotonic() + INDEX_TIMEOUT_S
    while client.get(f"/videos/{video_id}").json()["state"] != "ready":
        if time.monotonic() > deadline:
            pytest.fail(f"video {video_id} was not indexed in time")
        time.sleep(0.1)
