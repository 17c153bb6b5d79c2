"""What the page asks for beside words: pictures, clips of the library and filters, all in the address."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.acceptance.conftest import Server
from tests.acceptance.test_page import INDEX_TIMEOUT_MS, tray_row
from tests.synthetic_video import BLUE, flat, write_two_scenes

TRANSFER_OF = """([bytes, name, type]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
    return transfer;
}"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_chosen_picture_finds_what_looks_like_it_and_words_beside_it_count(page: Page) -> None:
    page.locator("#picture-input").set_input_files(picture("sea.png"))
    expect(page.locator("#results-title")).to_have_text("Moments like this picture")
    expect(page.locator(".hit").first).to_contain_text("red then blue")
    expect(page.locator(".hit").first).to_contain_text("00:03–00:06")
    expect(page.locator(".example .thumbnail")).to_have_class("thumbnail is-loaded")

    with page.expect_response("**/search") as answer:
        page.locator("#search-input").fill("at night")
        page.keyboard.press("Enter")
    assert answer.value.json()["query"] == "at night"
    expect(page.locator("#results-title")).to_have_text("Moments like this picture, but “at night”")
    page.get_by_role("button", name="Search without the picture “sea.png”").click()
    expect(page.locator("#results-title")).to_have_text("Moments for “at night”")
    expect(page.locator("#search-input")).to_be_focused()
    page.go_back()
    page.go_back()
    expect(page.locator("#results-title")).to_have_text("Moments like this picture")
    expect(page.locator(".hit").first).to_contain_text("00:03–00:06")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_that_is_dropped_or_pasted_is_searched_with(page: Page, way: str) -> None:
    bring(page, way, picture("sea.png"))
    expect(page.locator(".hit").first).to_contain_text("00:03–00:06")
    expect(page.locator("#tray")).to_be_hidden()
    expect(page.locator("#drop-overlay")).to_be_hidden()


def test_a_dropped_video_is_still_added(page: Page, tmp_path: Path) -> None:
    film = write_two_scenes(tmp_path / "dropped.mp4", cut_s=0.5, duration_s=1.0)
    bring(page, "drop", FilePayload(name=film.name, mimeType="video/mp4", buffer=film.read_bytes()))
    expect(tray_row(page, "dropped.mp4")).to_be_visible()
    expect(page.locator("#results")).to_be_hidden()
    expect(tray_row(page, "dropped.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    [dropped] = (one for one in page.request.get("/videos").json()["data"] if one["title"] == "dropped")
    page.request.delete(f"/videos/{dropped['id']}")  # the other tests count hits


def test_words_pasted_with_a_picture_of_them_stay_words(page: Page) -> None:
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["?"], "words.png", { type: "image/png" }));
            transfer.setData("text/plain", "red");
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }));
        }"""
    )
    expect(page.locator("#results")).to_be_hidden()


def test_a_picture_that_is_none_is_refused_in_the_server_s_words(page: Page) -> None:
    with page.expect_response("**/search") as answer:
        page.locator("#picture-input").set_input_files(
            FilePayload(name="torn.png", mimeType="image/png", buffer=b"torn")
        )
    problem = page.locator("#results-message [role=alert]")
    expect(problem).to_contain_text(answer.value.json()["title"])
    expect(problem).to_contain_text(answer.value.json()["detail"])


def test_the_address_of_a_search_with_a_picture_asks_for_the_picture_again(page: Page) -> None:
    page.goto("/?q=at+night&picture=of-another-tab")
    expect(page.locator("#results-message")).to_contain_text("The picture is not here any more")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(picture("sea.png"))
    expect(page.locator("#results-title")).to_have_text("Moments like this picture, but “at night”")
    expect(page.locator(".hit").first).to_be_visible()


def test_more_like_this_is_a_link_that_finds_other_moments(page: Page) -> None:
    page.goto("/?q=something+blue&collection=two+colours")
    card = page.locator("#results-grid > li", has_text="00:03–00:06")
    clip_id = card.locator(".hit").get_attribute("data-clip-id")
    card.get_by_role("link", name="More like this").click()
    expect(page).to_have_url(f"/?like_clip={clip_id}&collection=two+colours")
    expect(page.locator("#results-title")).to_have_text("Moments like this clip")
    expect(page.locator(".hit")).to_have_count(1)  # the other one of the collection, and never the example
    expect(page.locator(".hit")).to_contain_text("00:00–00:03")
    expect(page.locator(".example .thumbnail")).to_have_class("thumbnail is-loaded")
    expect(page.get_by_role("button", name="Fits")).to_have_count(0)  # judgements are of words

    page.goto(f"/?like_clip={clip_id}&q=green")
    expect(page.locator("#results-title")).to_have_text("Moments like this clip, but “green”")
    expect(page.locator(".hit").first).to_contain_text("green")
    page.get_by_role("button", name="Search without the clip").click()
    expect(page).to_have_url("/?q=green")


def test_filters_are_chips_that_live_in_the_address(page: Page) -> None:
    page.goto("/?q=colours")
    expect(page.locator("#filters")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.locator("#filters-collections option")).to_have_count(2)
    page.get_by_label("Collection").fill("one colour")
    page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(".hit")).to_contain_text("green")
    page.get_by_label("Order").select_option("recorded_at")
    page.get_by_label("One hit for each video").check()
    page.get_by_label("Video lasts at most").fill("0:08")
    page.keyboard.press("Tab")
    expect(page.locator("#results-message")).to_contain_text("No moment passes these filters")
    expect(page.locator("#results-message")).to_contain_text("only what clearly shows it")
    address = "/?q=colours&collection=one+colour&max_duration=8&sort=recorded_at&group_by=video"
    expect(page).to_have_url(address)
    expect(page.get_by_role("button", name="Filters, 4 active")).to_be_visible()

    page.get_by_role("button", name="Remove the filter: in one colour").click()
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(".hit")).to_contain_text("red then blue")
    page.go_back()
    expect(page).to_have_url(address)
    expect(page.locator("#results-message")).to_contain_text("No moment passes these filters")
    page.reload()
    expect(page.locator(".chip")).to_have_text(
        ["in one colour", "at most 00:08 long", "newest recording first", "one hit for each video"]
    )
    page.get_by_role("button", name="Search without filters").click()
    expect(page).to_have_url("/?q=colours")
    expect(page.locator("#filters-chips")).to_be_hidden()


def test_collections_are_suggested_however_old_their_videos_are(page: Page) -> None:
    page.route("**/videos?*", lambda route: route.abort())  # the newest videos are not what tells of them
    page.get_by_role("button", name="Filters").click()
    offered = page.locator("#filters-collections option")
    expect(offered).to_have_text(["1 video", "1 video"])
    assert offered.evaluate_all("all => all.map((one) => one.value)") == ["one colour", "two colours"]


def test_what_is_no_duration_is_said_beside_its_field_and_asks_for_nothing(page: Page) -> None:
    page.get_by_role("button", name="Filters").click()
    field = page.get_by_label("Video lasts at least")
    field.fill("a while")
    page.keyboard.press("Tab")
    assert field.evaluate("field => field.validationMessage") == "Write minutes and seconds, as 1:30"
    expect(page).to_have_url("/")


def test_the_days_of_filters_are_the_reader_s_own(browser: Browser, server: Server) -> None:
    page = browser.new_page(base_url=server.url, timezone_id="Asia/Tokyo")  # nine hours ahead
    page.goto("/?q=colours&group_by=video")
    expect(page.locator(".hit")).to_have_count(2)
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Recorded to", exact=True).fill(
        "2026-05-17"
    )  # the other one is of one in the morning of the 18th
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(".hit")).to_contain_text("red then blue")
    expect(page.locator(".chip").first).to_have_text(re.compile("recorded to .*17"))
    page.get_by_label("Recorded from").fill("2026-05-18")
    page.get_by_label("Recorded to", exact=True).fill("2026-05-18")
    expect(page.locator(".hit")).to_contain_text("green")
    expect(page.get_by_label("Recorded to", exact=True)).to_have_value("2026-05-18")
    page.close()


def test_words_typed_and_not_yet_searched_for_go_along_with_a_filter(page: Page) -> None:
    page.locator("#search-input").fill("something green")
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Found by").select_option("visual")
    expect(page).to_have_url("/?q=something+green&mode=visual")
    expect(page.locator(".hit").first).to_be_visible()


def test_a_hint_tells_how_to_ask_and_each_example_asks(page: Page) -> None:
    hint = page.get_by_role("button", name="How to ask")
    hint.click()
    expect(page.locator("#hint")).to_contain_text("but not this")
    page.keyboard.press("Escape")
    expect(page.locator("#hint")).to_be_hidden()
    expect(hint).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#hint").get_by_role("link", name="a beach -people").click()
    expect(page.locator("#results-title")).to_have_text("Moments for “a beach -people”")
    expect(page.locator("#hint")).to_be_hidden()


def test_nothing_of_it_is_wider_than_a_small_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/?q=colours&collection=one+colour&collection=a+collection+with+a+long+name&sort=added_at")
    page.get_by_role("button", name="Filters").click()
    expect(page.locator(".chip")).to_have_count(3)
    expect(page.locator(".hit").first).to_be_visible()
    page.locator("#hint-button").click()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def picture(name: str) -> FilePayload:
    """Return a picture of nothing but blue."""
    content = io.BytesIO()
    Image.fromarray(flat(BLUE)).save(content, format="PNG")
    return FilePayload(name=name, mimeType="image/png", buffer=content.getvalue())


def bring(page: Page, way: str, file: FilePayload) -> None:
    """Drop a file on the page, or paste it, as the browser would tell of it."""
    parts = [list(file["buffer"]), file["name"], file["mimeType"]]
    transfer = page.evaluate_handle(TRANSFER_OF, parts)
    if way == "paste":
        event = "new ClipboardEvent('paste', { clipboardData: transfer })"
        page.evaluate(f"(transfer) => document.dispatchEvent({event})", transfer)
        return
    page.dispatch_event("#main", "dragenter", {"dataTransfer": transfer})
    expect(page.locator("#drop-overlay")).to_contain_text(
        "Drop the picture" if file["mimeType"].startswith("image") else "Drop videos"
    )
    page.dispatch_event("#main", "drop", {"dataTransfer": transfer})
