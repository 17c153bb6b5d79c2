"""Whose page may change the library, as a browser tells it: ours under any name, no other."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.acceptance.conftest import Server

OTHER = "http://other.test/"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_our_page_works_over_plain_http_under_the_name_of_the_machine(page: Page, server: Server) -> None:
    sent: list[dict[str, str]] = []
    page.on(
        "request", lambda request: sent.append(request.all_headers()) if request.method == "POST" else None
    )
    page.goto(f"{server.url.replace('127.0.0.1', 'nas.test')}/?q=something+blue&collection=two+colours")
    fits = page.get_by_role("button", name="Fits").first
    fits.click()
    expect(fits).to_have_attribute("aria-pressed", "true")
    fits.click()
    expect(fits).to_have_attribute("aria-pressed", "false")
    [headers] = sent
    assert "sec-fetch-site" not in headers  # what a browser leaves out where no one vouches for the name


@pytest.mark.parametrize("name", ["127.0.0.1", "nas.test"])
def test_a_form_on_another_site_adds_nothing(page: Page, server: Server, name: str) -> None:
    service = server.url.replace("127.0.0.1", name)
    page.route(OTHER, lambda route: answer_with_form(route, f"{service}/webhooks"))
    page.goto(OTHER)
    with page.expect_response("**/webhooks") as answered:
        page.get_by_role("button").click()
    assert (answered.value.status, answered.value.request.method) == (403, "POST")
    assert page.request.get(f"{server.url}/webhooks").json()["data"] == []


def answer_with_form(route: Route, target: str) -> None:
    """Answer with a page whose form sends JSON, as far as a form can."""
    field = """<input name='{"url": "https://receiver.example/?a' value='b"}'>"""  # sent as name=value
    form = f'<form method="post" enctype="text/plain" action="{target}">{field}<button>Win</button></form>'
    route.fulfill(body=form, content_type="text/html")
