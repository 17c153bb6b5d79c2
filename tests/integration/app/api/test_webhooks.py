"""Adding, listing, trying and deleting webhooks over HTTP."""

import pytest

from app.api import webhooks as routes
from tests.service import Service

URL = "https://hooks.example/reelseek"


def add(service: Service, **fields: object) -> dict[str, object]:
    response = service.client.post("/webhooks", json={"url": URL, **fields})
    assert response.status_code == 201, response.text
    added: dict[str, object] = response.json()
    return added


def test_a_webhook_is_told_of_everything_unless_it_says_and_its_secret_shown_once(
    service: Service,
) -> None:
    added = add(service)
    assert str(added.pop("secret")).startswith("whsec_")
    assert added["events"] == ["job.done", "job.failed", "job.cancelled", "video.deleted"]
    chosen = add(service, events=["video.deleted", "video.deleted"])
    del chosen["secret"]
    assert chosen["events"] == ["video.deleted"]
    assert service.client.get("/webhooks").json() == {"data": [added, chosen]}
    assert service.client.get(f"/webhooks/{added['id']}").json() == added


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "url"),
        ({"url": 1}, "url"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": ["job.lost"]}, "events.0"),
        ({"url": URL, "secret": "x"}, "secret"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "ftp://a.example/"}, "url"),
    ],
)
def test_what_is_wrong_with_a_new_webhook_is_named(
    service: Service, body: dict[str, object], parameter: str
) -> None:
    response = service.client.post("/webhooks", json=body)
    assert response.status_code == 422
    assert [error["parameter"] for error in response.json()["errors"]] == [parameter]
    assert service.client.get("/webhooks").json()["data"] == []


def test_an_address_that_is_refused_says_the_way_out(service: Service) -> None:
    problem = service.client.post("/webhooks", json={"url": "http://10.0.0.1/"}).json()
    assert problem["type"] == "/problems/webhook-target-refused"
    assert "REELSEEK_WEBHOOK_PRIVATE_TARGETS" in problem["detail"]


def test_there_is_a_most_of_webhooks(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MAX_WEBHOOKS", 1)
    added = add(service)
    response = service.client.post("/webhooks", json={"url": URL})
    assert (response.status_code, response.json()["type"]) == (409, "/problems/too-many-webhooks")
    assert service.client.delete(f"/webhooks/{added['id']}").status_code == 204
    add(service)


@pytest.mark.parametrize(
    "call",
    ["GET /webhooks/{}", "DELETE /webhooks/{}", "POST /webhooks/{}/test", "GET /webhooks/{}/deliveries"],
)
@pytest.mark.parametrize("webhook_id", ["0" * 32, "%00"])
def test_an_unknown_webhook_is_a_problem(service: Service, call: str, webhook_id: str) -> None:
    method, path = call.format(webhook_id).split(" ", 1)
    response = service.client.request(method, path)
    assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-webhook")


def test_a_test_message_and_its_end_are_listed_newest_first_page_by_page(service: Service) -> None:
    webhook_id = add(service)["id"]
    sent = [service.client.post(f"/webhooks/{webhook_id}/test") for _ in range(3)]
    assert [response.status_code for response in sent] == [202] * 3
    assert sent[0].json()["state"] == "waiting"
    assert sent[0].json()["payload"]["type"] == "webhook.test"
    seen, parameters = [], {"limit": "2"}
    while True:
        page = service.client.get(f"/webhooks/{webhook_id}/deliveries", params=parameters).json()
        seen += [delivery["id"] for delivery in page["data"]]
        if page["page_info"]["next_cursor"] is None:
            break
        parameters = {"limit": "2", "cursor": page["page_info"]["next_cursor"]}
    assert seen == [response.json()["id"] for response in sent[::-1]]
    other = add(service)["id"]
    response = service.client.get(f"/webhooks/{other}/deliveries", params=parameters)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")
