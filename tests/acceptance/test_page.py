"""The page in a real browser, against a real server and its worker: upload, wait, search, watch, delete."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.long_video import write_long
from tests.synthetic_video import BLUE, flat, write_not_a_video, write_two_scenes, write_video

INDEX_TIMEOUT_MS = 120_000
PLAY_TIMEOUT_S = 20.0
CUT_S = 4.0
CURRENT_TIME = "document.querySelector('video').currentTime"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_an_uploaded_video_is_found_by_words_and_plays_at_the_moment(page: Page, tmp_path: Path) -> None:
    upload(page, write_two_scenes(tmp_path / "red then blue.mp4", cut_s=CUT_S, duration_s=12.0))
    expect(tray_row(page, "red then blue.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    expect(library_row(page, "red then blue")).to_have_attribute("data-state", "ready")

    expect(page.locator("#search-input")).to_be_focused()
    page.keyboard.type("something blue")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/?q=something+blue")
    clip_id, best_at = last_moment(page, "something blue", "red then blue")
    assert CUT_S < best_at < 12.0
    second_scene = page.locator(f"a[data-clip-id='{clip_id}']")
    expect(second_scene).to_contain_text("00:04–00:12")
    expect(second_scene.locator(".thumbnail")).to_have_class("thumbnail is-loaded")
    second_scene.click()

    reached = wait_until_played_past(page, best_at + 0.2)
    assert reached < best_at + 3.0
    red, _, blue = colour_on_screen(page)
    assert blue > 150 and red < 100  # red is what the file begins with

    page.keyboard.press("Escape")
    expect(page.locator("#player")).to_be_hidden()
    assert page.evaluate("document.querySelector('video').paused") is True
    expect(second_scene).to_be_focused()


def test_the_arrow_keys_step_from_moment_to_moment(page: Page, tmp_path: Path) -> None:
    upload(page, write_two_scenes(tmp_path / "two steps.mp4", cut_s=3.0, duration_s=7.0))
    expect(tray_row(page, "two steps.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    page.goto("/?q=red")
    page.locator(".hit").first.click()
    position = page.locator("#player-position")
    expect(position).to_contain_text("Moment 1 of")
    page.keyboard.press("ArrowRight")
    expect(position).to_contain_text("Moment 2 of")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(position).to_contain_text("Moment 1 of")


def test_back_and_forward_walk_through_the_queries(page: Page) -> None:
    for query in ("first words", "second words"):
        page.locator("#search-input").fill(query)
        page.keyboard.press("Enter")
        expect(page.locator("#results-title")).to_have_text(f"Moments for “{query}”")
    page.go_back()
    expect(page.locator("#results-title")).to_have_text("Moments for “first words”")
    expect(page.locator("#search-input")).to_have_value("first words")
    page.go_back()
    expect(page.get_by_role("heading", name="Your library")).to_be_visible()
    page.go_forward()
    expect(page.locator("#results-title")).to_have_text("Moments for “first words”")


def test_a_refused_query_is_explained_in_the_server_s_words(page: Page) -> None:
    words = "word " * 3000
    answer = page.request.get("/search", params={"q": words.strip()})
    page.goto(f"/?q={words.strip().replace(' ', '+')}")
    problem = page.locator("#results-message [role=alert]")
    expect(problem).to_contain_text(answer.json()["title"])
    expect(problem).to_contain_text(answer.json()["detail"])


def test_a_query_longer_than_the_model_reads_is_searched_and_says_how_far(page: Page, tmp_path: Path) -> None:
    upload(page, write_two_scenes(tmp_path / "read in part.mp4", cut_s=2.0, duration_s=4.0))
    expect(tray_row(page, "read in part.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    page.locator("#search-input").fill("red " * 500)
    page.keyboard.press("Enter")
    expect(page.locator("#results-notices")).to_contain_text(re.compile(r"only the first \d+ of 500 words"))
    expect(page.locator("#results-notices")).to_contain_text("up to “…red red red red”")
    expect(page.locator(".hit").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_videos_that_only_another_model_has_read_are_not_called_searchable(
    page: Page, tmp_path: Path
) -> None:
    upload(page, write_two_scenes(tmp_path / "of another model.mp4", cut_s=2.0, duration_s=3.0))
    expect(tray_row(page, "of another model.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    page.route("**/videos?*", lambda route: answer_with(route, tell_unread))
    page.route("**/search?*", lambda route: answer_with(route, find_nothing_but_unread))
    page.goto("/")
    expect(library_row(page, "of another model").locator(".row-state")).to_have_text("Not searchable")
    expect(library_row(page, "of another model")).to_contain_text("once it is indexed again")
    page.goto("/?q=red")
    expect(page.locator("#results-coverage")).to_contain_text(
        "0 of 2 videos searched, 2 indexed with another"
    )
    expect(page.locator("#results-message")).to_contain_text("Your videos wait for this model")


def test_a_file_that_is_no_video_fails_with_its_reason_and_its_name_stays_text(
    page: Page, tmp_path: Path
) -> None:
    name = "<img src=x onerror=alert(1)>.mp4"
    upload(page, write_not_a_video(tmp_path / name))
    expect(tray_row(page, name)).to_have_attribute("data-state", "failed", timeout=INDEX_TIMEOUT_MS)
    row = library_row(page, "<img src=x")
    expect(row).to_have_attribute("data-state", "failed")
    expect(row.locator(".row-error")).not_to_be_empty()
    assert page.locator("img[src=x]").count() == 0


def test_indexing_shows_how_long_it_takes_and_is_cancelled_and_tried_again(
    page: Page, tmp_path: Path
) -> None:
    upload(page, write_long(tmp_path / "long film.mp4", hours=2))
    row, entry = tray_row(page, "long film.mp4"), library_row(page, "long film")
    progress = re.compile(r"Indexing · \d+ % · .* left")
    expect(row).to_contain_text(progress, timeout=INDEX_TIMEOUT_MS)
    expect(entry).to_contain_text(progress, timeout=INDEX_TIMEOUT_MS)
    row.get_by_role("button", name="Cancel long film.mp4").click()
    expect(row).to_contain_text("Cancelled")
    expect(entry).to_contain_text("Cancelled")
    expect(entry).to_contain_text("Retry the job")
    entry.get_by_role("button", name="Retry long film").click()
    expect(entry).to_have_attribute("data-state", "indexing")
    entry.get_by_role("button", name="Cancel indexing long film").click()
    expect(entry).to_contain_text("Cancelled")
    row.get_by_role("button", name="Try long film.mp4 again").click()
    expect(row).to_contain_text(progress, timeout=INDEX_TIMEOUT_MS)
    entry.get_by_role("button", name="Delete long film").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_contain_text("The video was deleted")


def test_a_video_the_browser_cannot_play_says_so_and_offers_the_file(page: Page, tmp_path: Path) -> None:
    pictures = [(index / 10, flat(BLUE)) for index in range(30)]
    upload(page, write_video(tmp_path / "archive master.mkv", pictures, codec="ffv1"))
    expect(tray_row(page, "archive master.mkv")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    page.get_by_role("button", name="Play archive master.mkv").click()
    problem = page.locator("#player-problem")
    expect(problem).to_contain_text("This browser cannot play this file")
    expect(problem).to_contain_text("FFV1")
    with page.expect_download() as download:
        problem.get_by_role("link", name="Download the file").click()
    assert download.value.suggested_filename == "archive master.mkv"


def test_a_deleted_video_is_asked_about_and_then_gone(page: Page, tmp_path: Path) -> None:
    upload(page, write_two_scenes(tmp_path / "unwanted.mp4", cut_s=2.5, duration_s=5.0))
    row = library_row(page, "unwanted")
    expect(row).to_have_attribute("data-state", "ready", timeout=INDEX_TIMEOUT_MS)
    row.get_by_role("button", name="Delete unwanted").click()
    page.get_by_role("button", name="Keep it").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Delete unwanted").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_have_count(0)
    page.goto("/?q=anything")
    expect(page.locator("#results-coverage")).to_contain_text("searched")
    expect(page.get_by_role("link", name="unwanted")).to_have_count(0)


def test_nothing_is_wider_than_a_small_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for path in ("/", "/?q=something+blue"):
        page.goto(path)
        expect(page.locator("#library, #results").locator("visible=true")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def answer_with(route: Route, change: Callable[[dict[str, Any]], None]) -> None:
    """Answer a request as the server does, changed as it would be for another model."""
    content = route.fetch().json()
    change(content)
    route.fulfill(json=content)


def tell_unread(answer: dict[str, Any]) -> None:
    """Make every indexed video of a list one that the model in use has not read."""
    for video in answer["data"]:
        video["is_searchable"] = False


def find_nothing_but_unread(answer: dict[str, Any]) -> None:
    """Make the answer to a search that of a library of two videos that the model in use has not read."""
    answer["data"] = []
    answer["coverage"] = dict.fromkeys(answer["coverage"], 0) | {"videos_of_other_models": 2}


def upload(page: Page, video: Path) -> None:
    """Choose a file as the "Add videos" button does."""
    page.locator("#upload-input").set_input_files(video)


def tray_row(page: Page, filename: str) -> Locator:
    """Return the line of an upload in the corner of the page."""
    return page.locator(".tray-row", has_text=filename)


def library_row(page: Page, title: str) -> Locator:
    """Return the line of a video in the library."""
    return page.locator(".row", has_text=title)


def last_moment(page: Page, query: str, title: str) -> tuple[str, float]:
    """Return the clip id and best second of the hit that lies last in the video of this title."""
    hits = page.request.get("/search", params={"q": query}).json()["data"]
    hit = max((hit for hit in hits if title in hit["video"]["title"]), key=lambda hit: float(hit["start"]))
    return str(hit["clip_id"]), float(hit["best_at"])


def wait_until_played_past(page: Page, second: float) -> float:
    """Return the first position seen behind `second`; fails when the video never comes there by playing."""
    earliest = float(page.evaluate(CURRENT_TIME))
    deadline = time.monotonic() + PLAY_TIMEOUT_S
    while time.monotonic() < deadline:
        position = float(page.evaluate(CURRENT_TIME))
        if position > second and position > earliest:
            return position
        page.wait_for_timeout(50)
    state = page.evaluate("document.querySelector('video').error?.message")
    pytest.fail(f"the video stands at {position} s and never passed {second} s ({state})")


def colour_on_screen(page: Page) -> list[int]:
    """Return red, green and blue of the middle of the picture that the player shows."""
    script = """() => {
        const video = document.querySelector('video');
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 1;
        const context = canvas.getContext('2d');
        context.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    }"""
    return [int(value) for value in page.evaluate(script)]
