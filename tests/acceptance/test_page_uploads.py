"""Uploads of the page in a real browser: what arrived is not sent again after a reload or a lost network."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.acceptance.test_page import INDEX_TIMEOUT_MS, tray_row, upload
from tests.synthetic_video import write_two_scenes

PIECE_BYTES = 8 * 1024 * 1024
BYTES_PER_S = 6 * 1024 * 1024

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def write_large(path: Path, extra_bytes: int = 3 * PIECE_BYTES) -> Path:
    """Write a short film with so many bytes of nothing behind it."""
    write_two_scenes(path, cut_s=1.0, duration_s=2.0)
    with path.open("ab") as file:
        file.write(
            struct.pack(">I4s", extra_bytes, b"free") + path.name.encode().ljust(extra_bytes - 8, b"\0")
        )
    return path


@contextmanager
def offsets_sent(page: Page) -> Iterator[list[int]]:
    """Yield a list that the offset of each piece sent from now on is added to."""
    offsets: list[int] = []
    page.on(
        "request",
        lambda request: (
            offsets.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None
        ),
    )
    yield offsets


def slow_down(page: Page, *, is_offline: bool = False) -> CDPSession:
    """Let the page send slowly, or nothing."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    set_network(session, is_offline=is_offline)
    return session


def set_network(session: CDPSession, *, is_offline: bool) -> None:
    """Take the network away, or give back a slow one."""
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": BYTES_PER_S}
    session.send("Network.emulateNetworkConditions", {"offline": is_offline, **conditions})


def test_an_upload_that_a_reload_stopped_goes_on_once_the_file_is_chosen_again(
    page: Page, tmp_path: Path
) -> None:
    film = write_large(tmp_path / "reloaded.mp4")
    page.on("dialog", lambda dialog: dialog.accept())
    slow_down(page)
    with offsets_sent(page) as offsets:
        with page.expect_request(lambda request: request.headers.get("upload-offset") == str(PIECE_BYTES)):
            upload(page, film)
        page.reload()
        expect(tray_row(page, "reloaded.mp4")).to_contain_text("Stopped at")
        offsets.clear()
        upload(page, film)
        expect(tray_row(page, "reloaded.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    assert min(offsets) >= PIECE_BYTES
    assert page.locator(".tray-row").count() == 1
    page.reload()
    expect(page.locator("#tray")).to_be_hidden()


def test_another_tab_leaves_an_upload_to_the_one_that_sends_it(page: Page, tmp_path: Path) -> None:
    film = write_large(tmp_path / "beside.mp4")
    slow_down(page)
    with page.expect_request(lambda request: request.headers.get("upload-offset") == str(PIECE_BYTES)):
        upload(page, film)
    with page.expect_popup() as opened:
        page.evaluate("void open(location.href)")
    beside = opened.value
    beside.wait_for_timeout(1500)  # the other tab has answered, and the server
    expect(beside.locator("#upload-button")).to_be_visible()
    expect(beside.locator("#tray")).to_be_hidden()
    beside.close()
    expect(tray_row(page, "beside.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)


def test_an_upload_goes_on_by_itself_when_the_network_is_back(page: Page, tmp_path: Path) -> None:
    film = write_large(tmp_path / "on a train.mp4")
    session = slow_down(page)
    with offsets_sent(page) as offsets:
        with page.expect_request(lambda request: request.headers.get("upload-offset") == str(PIECE_BYTES)):
            upload(page, film)
        set_network(session, is_offline=True)
        expect(tray_row(page, "on a train.mp4")).to_contain_text("No connection")
        offsets.clear()
        set_network(session, is_offline=False)
        expect(tray_row(page, "on a train.mp4")).to_contain_text("Searchable", timeout=INDEX_TIMEOUT_MS)
    assert min(offsets) >= PIECE_BYTES


def test_a_stopped_upload_can_be_given_up(page: Page, tmp_path: Path) -> None:
    film = write_large(tmp_path / "unwanted.mp4")
    page.on("dialog", lambda dialog: dialog.accept())
    slow_down(page)
    with page.expect_request(lambda request: request.headers.get("upload-offset") == str(PIECE_BYTES)):
        upload(page, film)
    page.reload()
    expect(tray_row(page, "unwanted.mp4")).to_contain_text("Stopped at")
    with page.expect_response(lambda response: response.request.method == "DELETE") as ended:
        page.get_by_role("button", name="Cancel unwanted.mp4").click()
    assert ended.value.status == 204
    expect(tray_row(page, "unwanted.mp4")).to_contain_text("Cancelled")
    page.reload()
    expect(page.locator("#tray")).to_be_hidden()
