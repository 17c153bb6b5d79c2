"""Pages of other sites: a browser lets them send requests here, and nothing may change by that."""

import pytest

from tests.service import Service

OTHER = "https://other.example"

CHANGING = [
    ("POST", "/videos"),
    ("POST", "/uploads"),
    ("POST", "/imports"),
    ("POST", "/judgements"),
    ("POST", "/webhooks"),
    ("DELETE", "/videos/1"),
    ("PUT", "/videos/1/subtitles"),
    ("PATCH", "/uploads/1"),
]


@pytest.mark.parametrize(("method", "path"), CHANGING)
@pytest.mark.parametrize("told", [{"Sec-Fetch-Site": "cross-site", "Origin": OTHER}, {"Origin": OTHER}])
def test_another_site_changes_nothing(service: Service, method: str, path: str, told: dict[str, str]) -> None:
    answer = service.client.request(method, path, headers=told)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-site-request")
    assert OTHER in answer.json()["detail"]
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_form_of_another_site_adds_no_webhook(service: Service) -> None:
    body = '{"url": "https://receiver.example/"}'
    form = {"Content-Type": "text/plain", "Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert service.client.post("/webhooks", content=body, headers=form).status_code == 403
    assert service.client.get("/webhooks").json()["data"] == []


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://videos.example"},
        {"Origin": "http://testserver"},
        {"Origin": "http://videos.example:8080", "Host": "videos.example:8080"},
        {"Origin": "http://videos.example", "X-Forwarded-Host": "videos.example"},
    ],
)
def test_our_page_and_programs_are_answered(service: Service, told: dict[str, str]) -> None:
    answer = service.client.post("/webhooks", json={"url": "https://receiver.example/"}, headers=told)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "told",
    [
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Origin": "null"},
        {"Origin": "http://testserver.other.example"},
        {"Origin": "http://testserver:8080"},
        {"Origin": "http://[testserver"},
        {"Origin": "http://testserver", "Host": "videos.example"},
    ],
)
def test_a_site_that_is_nearly_ours_is_another(service: Service, told: dict[str, str]) -> None:
    answer = service.client.post("/webhooks", json={"url": "https://receiver.example/"}, headers=told)
    assert answer.status_code == 403, answer.text


def test_what_only_reads_is_answered_whoever_asks(service: Service) -> None:
    told = {"Sec-Fetch-Site": "cross-site", "Origin": OTHER}
    answer = service.client.get("/search", params={"q": "a cat"}, headers=told)
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers  # so its page sees nothing of it
    assert service.client.options("/uploads", headers=told).status_code == 204
