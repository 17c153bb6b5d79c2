"""What the page lets people do with hits: judge them, ask why, open what is behind them, take them away."""

import csv
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Locator, Page, Route, expect

SCENES = "/?q=something+blue&collection=two+colours"
"""Finds the two scenes of one film, each as a hit."""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_hit_is_judged_and_the_judgement_taken_back(page: Page) -> None:
    page.goto("/?q=something+blue+to+judge&collection=two+colours")
    fits = card(page, "00:03–00:06").get_by_role("button", name="Fits")
    expect(page.locator("#judged")).to_be_hidden()
    fits.click()
    expect(fits).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("switch")).to_have_text("Search with 1 judged hit")
    page.reload()
    expect(fits).to_have_attribute("aria-pressed", "true")
    card(page, "00:03–00:06").locator(".hit").click()
    in_player = page.locator("#player").get_by_role("button", name="Fits")
    expect(in_player).to_have_attribute("aria-pressed", "true")
    in_player.click()
    expect(in_player).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    expect(fits).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#judged")).to_be_hidden()
    assert judged(page, "something blue to judge") == []


def test_judgements_count_in_a_search_once_they_are_asked_for(page: Page) -> None:
    page.goto("/?q=something+blue+judged&collection=two+colours")
    expect(page.locator(".hit")).to_have_count(2)
    card(page, "00:03–00:06").get_by_role("button", name="Does not fit").click()
    switch = page.get_by_role("switch")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(page).to_have_url("/?q=something+blue+judged&collection=two+colours&use_judgements=true")
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(switch).to_be_focused()
    expect(page.locator("#results-notices")).to_contain_text("0 right, 1 wrong")
    expect(page.locator(".hit")).to_have_count(1)

    page.get_by_role("button", name="Ask again").wait_for(state="hidden")
    card(page, "00:00–00:03").get_by_role("button", name="Fits").click()
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("#results-notices")).to_contain_text("1 right, 1 wrong")
    expect(switch).to_be_focused()
    page.locator("#search-input").fill("other words")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/?q=other+words&collection=two+colours")  # judgements are of the words


def test_a_judgement_that_is_refused_is_told_beside_its_buttons(page: Page) -> None:
    page.route("**/judgements", lambda route: refuse(route))
    page.goto(SCENES)
    card(page, "00:03–00:06").get_by_role("button", name="Fits").click()
    expect(card(page, "00:03–00:06").get_by_role("alert")).to_have_text("No: not today")
    expect(card(page, "00:03–00:06").get_by_role("button", name="Fits")).to_have_attribute(
        "aria-pressed", "false"
    )


def test_the_player_shows_why_a_hit_fits(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(SCENES)
    card(page, "00:03–00:06").locator(".hit").click()
    heatmap = page.locator("#player-heatmap")
    expect(heatmap).to_be_hidden()
    why = page.get_by_role("button", name="Why this hit")
    expect(why).to_be_visible()
    assert not [url for url in asked if "explain=true" in url]
    why.click()
    expect(heatmap).to_be_visible()
    assert heatmap.evaluate("picture => picture.naturalWidth") >= 224
    assert page.evaluate("document.querySelector('#player-video').paused") is True
    expect(page.locator("#player-explanation")).to_contain_text("red fits the words best")
    scores = [f"{segment['score']:.3f}" for segment in explained(page, 3.0)["segments"]]
    expect(page.locator(".segment")).to_have_text(scores)
    assert len(scores) > 1

    page.locator(".segment").last.click()
    expect(heatmap).to_be_hidden()
    page.wait_for_function("document.querySelector('#player-video').currentTime > 4.5")
    why.click()
    expect(page.locator("#player-explanation")).to_be_hidden()
    why.click()
    expect(heatmap).to_be_visible()
    why.click()
    expect(heatmap).to_be_hidden()
    page.wait_for_function("!document.querySelector('#player-video').paused")
    assert len([url for url in asked if "explain=true" in url]) == 1  # for all hits of the page


def test_why_is_honest_where_there_is_no_heat_map(page: Page) -> None:
    page.goto(f"/?like_clip={hit_at(page, 3.0)['clip_id']}")
    page.locator(".hit").first.click()
    page.get_by_role("button", name="Why this hit").click()
    expect(page.locator("#player-explanation")).to_contain_text("plain words only")
    expect(page.locator(".segment").first).to_be_visible()
    expect(page.locator("#player-heatmap")).to_be_hidden()

    page.route("**/heatmap?*", lambda route: refuse(route))
    page.goto(SCENES)
    page.locator(".hit").first.click()
    page.get_by_role("button", name="Why this hit").click()
    expect(page.locator("#player-explanation")).to_contain_text("No: not today")


def test_an_explanation_that_cannot_be_had_says_so_and_is_asked_for_again(page: Page) -> None:
    page.route("**/search?*explain=true*", lambda route: refuse(route))
    page.goto(SCENES)
    page.locator(".hit").first.click()
    why = page.get_by_role("button", name="Why this hit")
    why.click()
    expect(page.locator("#player-explanation")).to_contain_text("No: not today")
    why.click()
    page.unroute("**/search?*explain=true*")
    page.route("**/search?*explain=true*", lambda route: answer_without_hits(route))
    why.click()
    expect(page.locator("#player-explanation")).to_contain_text("not found any more")


def test_hits_of_another_model_are_called_out_of_date(page: Page) -> None:
    page.route("**/search?*", lambda route: answer_with_a_cursor_of_another_model(route))
    page.goto(SCENES)
    page.get_by_role("button", name="More moments").click()
    expect(page.locator("#results-more-error")).to_contain_text("This list is out of date")


def test_a_judgement_taken_back_elsewhere_can_be_taken_back_here(page: Page) -> None:
    page.goto("/?q=something+blue+elsewhere&collection=two+colours")
    fits = card(page, "00:03–00:06").get_by_role("button", name="Fits")
    fits.click()
    expect(fits).to_have_attribute("aria-pressed", "true")
    for judgement in judged(page, "something blue elsewhere"):
        page.request.delete(f"/judgements/{judgement['id']}")
    fits.click()
    expect(fits).to_have_attribute("aria-pressed", "false")
    expect(card(page, "00:03–00:06").get_by_role("alert")).to_be_hidden()


def test_a_moment_that_is_gone_says_so_to_a_person(page: Page) -> None:
    page.route("**/judgements", lambda route: route.fulfill(status=404, json=gone("clip")))
    page.route("**/stream", lambda route: route.fulfill(status=404, json=gone("video")))
    page.goto(SCENES)
    first = card(page, "00:03–00:06")
    first.get_by_role("button", name="Fits").click()
    expect(first.get_by_role("alert")).to_have_text(
        "This moment is gone: Its video was deleted or indexed anew. Search again."
    )
    first.locator(".hit").click()
    expect(page.locator("#player-problem")).to_contain_text("This video is gone")


def test_one_hit_for_each_video_opens_the_others_of_it_in_the_player(page: Page) -> None:
    page.goto(f"{SCENES}&group_by=video")
    both = page.locator("#results-grid > li", has_text="red then blue")
    both.get_by_text("2 moments of this video").click()
    shown = both.locator(".hit-range").inner_text()
    [other] = {"00:00–00:03", "00:03–00:06"} - {shown}
    both.get_by_role("button", name=other).click()
    expect(page.locator("#player-facts")).to_contain_text(other)
    expect(page.locator(".timeline-mark[aria-current]")).to_have_attribute("aria-label", f"Moment {other}")


def test_a_hit_found_by_what_is_said_quotes_it(page: Page) -> None:
    page.goto("/?q=good+morning&mode=text")
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(".hit-said")).to_have_text("Good morning, sea.")


def test_back_and_a_reload_come_to_all_the_moments_that_were_shown(page: Page) -> None:
    page.route("**/search?*", answer_with_one_hit_a_page)
    page.goto(SCENES)
    page.get_by_role("button", name="More moments").click()
    expect(page.locator(".hit")).to_have_count(2)
    shown = [hit.get_attribute("data-clip-id") for hit in page.locator(".hit").all()]
    page.locator(".like").last.click()
    expect(page.locator("#results-title")).to_have_text("Moments like this clip")
    expect(page.locator(".hit")).to_have_count(1)
    for come_back in (page.go_back, page.reload):
        come_back()
        expect(page.locator("#results-title")).to_have_text("Moments for “something blue”")
        expect(page.locator(".hit")).to_have_count(2)
        assert [hit.get_attribute("data-clip-id") for hit in page.locator(".hit").all()] == shown


@pytest.mark.parametrize("query", [SCENES, "picture"])
def test_hits_are_taken_away_as_a_table_an_edit_list_and_a_timeline(
    page: Page, tmp_path: Path, query: str
) -> None:
    if query == "picture":
        page.goto("/?collection=two+colours")
        shot = page.request.get(hit_at(page, 3.0)["thumbnail_url"]).body()
        page.locator("#picture-input").set_input_files(
            {"name": "shot.jpg", "mimeType": "image/jpeg", "buffer": shot}
        )
    else:
        page.goto(query)
    expect(page.locator(".hit")).to_have_count(2)
    table = saved(export(page, "CSV"), tmp_path)
    assert table.suffix == ".csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert sorted(float(row["start"]) for row in rows) == pytest.approx([0.0, 3.0], abs=0.1)
    assert saved(export(page, "EDL"), tmp_path).read_text().startswith("TITLE:")
    assert '"OTIO_SCHEMA"' in saved(export(page, "OTIO"), tmp_path).read_text()


def test_a_refused_export_is_told_in_the_server_s_words(page: Page) -> None:
    page.route("**/export/**", lambda route: refuse(route))
    page.goto(SCENES)
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="EDL").click()
    expect(page.get_by_role("alert")).to_have_text("No: not today")


def test_the_moment_is_downloaded_from_the_player(page: Page, tmp_path: Path) -> None:
    page.goto(SCENES)
    card(page, "00:03–00:06").locator(".hit").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the moment").click()
    assert download.value.suggested_filename == "red then blue 00.00.03-00.00.06.mp4"
    assert saved(download.value, tmp_path).stat().st_size > 1000


def card(page: Page, moment: str) -> Locator:
    """Return the card of the hit that shows this range of the film of two colours."""
    return page.locator("#results-grid > li", has_text="red then blue").filter(has_text=moment)


def hit_at(page: Page, start: float) -> dict[str, Any]:
    """Return the hit of SCENES that begins at a second."""
    answer = page.request.get(f"/search{SCENES.removeprefix('/')}&explain=true")
    [hit] = (hit for hit in answer.json()["data"] if hit["start"] == pytest.approx(start, abs=0.1))
    return dict(hit)


def explained(page: Page, start: float) -> dict[str, Any]:
    return dict(hit_at(page, start)["explanation"])


def judged(page: Page, words: str) -> list[dict[str, Any]]:
    return list(page.request.get("/judgements", params={"q": words}).json()["data"])


def refuse(route: Route) -> None:
    """Answer with a problem."""
    route.fulfill(status=422, json={"type": "/problems/none", "title": "No", "detail": "not today"})


def gone(what: str) -> dict[str, str]:
    """Return the problem of a clip or video that is not there any more, as a program is told."""
    return {"type": f"/problems/unknown-{what}", "title": "No such", "detail": f"GET /{what}s lists them"}


def answer_without_hits(route: Route) -> None:
    """Answer as the server does once every video of the answer is deleted."""
    route.fulfill(json={**route.fetch().json(), "data": []})


def answer_with_one_hit_a_page(route: Route) -> None:
    route.continue_(url=route.request.url.replace("limit=24", "limit=1"))


def answer_with_a_cursor_of_another_model(route: Route) -> None:
    """Answer the first page with a cursor that the server refuses for the next one."""
    if "cursor=" in route.request.url:
        return route.continue_()
    answer = route.fetch().json()
    answer["page_info"]["next_cursor"] = "bm9uc2Vuc2U"
    return route.fulfill(json=answer)


def export(page: Page, file_format: str) -> Download:
    """Choose a format of the menu, and return the file that the browser keeps."""
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=file_format).click()
    return download.value


def saved(download: Download, folder: Path) -> Path:
    """Return where a download lies now."""
    path = folder / download.suggested_filename
    download.save_as(path)
    return path
