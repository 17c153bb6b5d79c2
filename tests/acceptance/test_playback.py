"""Videos of every kind in a real browser: the file itself where it plays, else a copy of the moment."""

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect

from indexer.decoding.orientation import Orientation
from tests.odd_video import CORNERS, write_four_colours, write_numbered, write_turned
from tests.synthetic_video import BLUE, RED, flat, write_video

INDEX_TIMEOUT_S = 120.0
CUT_S = 4.0

SHOWN_AT = """async ([url, second]) => {
    const video = document.createElement('video');
    video.muted = true;
    video.src = url;
    await new Promise((done, failed) => {
        video.onloadeddata = done;
        video.onerror = () => failed(new Error(video.error.message));
    });
    await new Promise((done) => { video.onseeked = done; video.currentTime = second; });
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    let rows;
    do {  // just after the seek there may be no picture yet: nothing is drawn, the canvas stays clear
        await new Promise((done) => setTimeout(done, 20));
        context.drawImage(video, 0, 0);
        rows = [...context.getImageData(0, 0, canvas.width, canvas.height).data];
    } while (rows[3] === 0);
    return { width: canvas.width, height: canvas.height, duration: video.duration, rows };
}"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def add(page: Page, film: Path) -> dict[str, Any]:
    """Upload a file and return the video once it is indexed."""
    content = FilePayload(name=film.name, mimeType="video/mp4", buffer=film.read_bytes())
    receipt = page.request.post("/videos", multipart={"file": content}).json()
    deadline = time.monotonic() + INDEX_TIMEOUT_S
    while time.monotonic() < deadline:
        video: dict[str, Any] = page.request.get(f"/videos/{receipt['video_id']}").json()
        if video["state"] in ("ready", "failed"):
            assert video["state"] == "ready", video
            return video
        page.wait_for_timeout(100)
    pytest.fail(f"{film.name} was not indexed in time")


def shown_at(page: Page, url: str, second: float) -> tuple[np.ndarray[Any, Any], float]:
    """Return the picture that the browser shows at a second, and how long it takes the video to be."""
    shown = page.evaluate(SHOWN_AT, [url, second])
    picture = np.array(shown["rows"], np.uint8).reshape(shown["height"], shown["width"], 4)
    return picture[..., :3], shown["duration"]


def corners(picture: np.ndarray[Any, Any]) -> list[list[int]]:
    height, width, _ = picture.shape
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [picture[row, column].tolist() for row in rows for column in columns]


@pytest.mark.parametrize(
    "orientation",
    [Orientation(0), Orientation(90), Orientation(180), Orientation(270), Orientation(90, True)],
)
def test_stream_and_preview_are_upright(page: Page, tmp_path: Path, orientation: Orientation) -> None:
    video = add(page, write_turned(tmp_path / "turned.mp4", orientation))
    [clip] = clips_of(page, video)
    for url in (video["stream_url"], f"/clips/{clip}/preview"):
        picture, _ = shown_at(page, url, 0.5)
        assert picture.shape == (96, 160, 3)
        np.testing.assert_allclose(corners(picture), CORNERS, atol=24, err_msg=url)


def test_stream_and_preview_have_square_pixels(page: Page, tmp_path: Path) -> None:
    video = add(page, write_four_colours(tmp_path / "wide.mp4", "libx264", "yuv420p", Fraction(2)))
    [clip] = clips_of(page, video)
    for url in (video["stream_url"], f"/clips/{clip}/preview"):
        assert shown_at(page, url, 0.5)[0].shape == (96, 320, 3)


def number_on(picture: np.ndarray[Any, Any]) -> int:
    row = picture[picture.shape[0] // 4].mean(axis=1)
    return sum(1 << bit for bit in range(10) if row[16 * bit + 8] > 127)


def test_the_player_s_seconds_are_ours_when_the_picture_comes_after_the_sound(
    page: Page, tmp_path: Path
) -> None:
    video = add(page, write_numbered(tmp_path / "late.mp4", 75, start_s=Fraction(1), has_sound=True))
    assert video["duration"] == pytest.approx(4.0, abs=0.01)
    [clip] = clips_of(page, video)
    for second in (0.5, 1.5, 2.5, 3.9):
        frame = max(0, int((second - 1) * 25))
        for url, start_s in ((video["stream_url"], 0.0), (f"/clips/{clip}/preview?start=0.2&end=4", 0.2)):
            picture, _ = shown_at(page, url, second - start_s)
            assert number_on(picture) == frame, (url, second)


def test_a_moment_of_a_file_that_the_browser_cannot_play_plays_as_a_copy(page: Page, tmp_path: Path) -> None:
    pictures = [(index / 10, flat(RED if index < 10 * CUT_S else BLUE)) for index in range(90)]
    video = add(page, write_video(tmp_path / "archive master.mkv", pictures, codec="ffv1"))
    page.goto("/?q=something+blue")
    hits = page.request.get("/search", params={"q": "something blue"}).json()["data"]
    hit = next(hit for hit in hits if hit["video_id"] == video["id"])
    page.locator(f"a[data-clip-id='{hit['clip_id']}']").click()
    expect(page.locator("#player-note")).to_be_visible()
    page.wait_for_function(
        "([url, second]) => { const video = document.querySelector('#player-video');"
        " return video.currentSrc.includes(url) && video.currentTime > second; }",
        arg=["/preview?", hit["best_at"] - hit["start"]],
        timeout=30_000,
    )
    expect(page.locator("#player-problem")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#player-note")).to_be_hidden()


def clips_of(page: Page, video: dict[str, Any]) -> list[str]:
    """Return the ids of a video's clips, all of which any search finds in it."""
    answer = page.request.get("/search", params={"q": "colours", "video_id": video["id"], "limit": 50})
    return [clip for hit in answer.json()["data"] for clip in hit["clips"]]
