"""Messages that are really sent: to a receiver on the loopback, which these tests allow."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from app.webhooks.delivering import Deliverer
from app.webhooks.sending import NotDelivered, Sender
from app.webhooks.signing import new_secret
from indexer.catalog import webhooks
from indexer.catalog.client_tables import WebhookDelivery
from indexer.catalog.session import Database
from indexer.catalog.webhooks import ClaimedDelivery, WebhookEvent
from tests.service import Service, open_service
from tests.webhook_receiver import NAME, Receiver, make_certificate, receiver

LOOPBACK = (ip_network("127.0.0.0/8"),)
PUBLIC = "93.184.216.34"


def message(url: str, secret: str = "whsec_MTIz") -> ClaimedDelivery:
    return ClaimedDelivery("d" * 32, "w" * 32, url, secret, {"type": "webhook.test", "data": {}}, 1)


def loopback(*_: object) -> list[str]:
    return ["127.0.0.1"]


def send(
    url: str, *, private: bool = True, resolve: Callable[[str, int], list[str]] = loopback, **options: object
) -> None:
    Sender(LOOPBACK if private else (), resolve, **options).send(message(url))  # type: ignore[arg-type]


@pytest.fixture
def there() -> Iterator[Receiver]:
    """Yield a receiver that answers 204."""
    with receiver() as running:
        yield running


def test_a_message_comes_signed_with_its_name_in_the_host_header(there: Receiver) -> None:
    secret = new_secret()
    Sender(LOOPBACK, loopback).send(message(f"http://a.example:{there.port}/hook?k=1", secret))
    ((path, headers, body),) = there.received
    assert path == "/hook?k=1"
    assert headers["host"] == f"a.example:{there.port}"
    assert headers["content-type"] == "application/json"
    assert Verifier(secret).verify(body, headers) == {"type": "webhook.test", "data": {}}


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://2130706433:{}/"])
def test_the_loopback_is_not_connected_to_unless_the_settings_name_it(there: Receiver, url: str) -> None:
    with pytest.raises(NotDelivered, match="not on the public internet"):
        Sender().send(message(url.format(there.port)))
    assert there.received == []


def test_the_address_that_was_checked_is_the_one_connected_to(there: Receiver) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])  # a name that stands for something else when asked again
    with pytest.raises(NotDelivered, match=f"tried to connect to .*{PUBLIC}"):  # as the tests' guard says
        send(f"http://a.example:{there.port}/", private=False, resolve=lambda *_: next(answers))
    assert next(answers) == ["127.0.0.1"]  # it was not asked again
    assert there.received == []


def test_a_redirect_is_not_followed(there: Receiver) -> None:
    with receiver() as other:
        there.status, there.headers = 307, [("Location", other.url)]
        with pytest.raises(NotDelivered, match="answered 307, and redirects are not followed"):
            send(there.url)
        assert (len(there.received), other.received) == (1, [])


@pytest.mark.parametrize(("status", "is_final"), [(400, False), (410, True), (500, False)])
def test_an_answer_that_is_no_success_is_a_failure(there: Receiver, status: int, is_final: bool) -> None:
    there.status = status
    with pytest.raises(NotDelivered, match=f"answered {status}") as failure:
        send(there.url)
    assert failure.value.is_final is is_final


def test_the_body_of_an_answer_is_not_waited_for(there: Receiver) -> None:
    there.status, there.body = 200, b"a" * 50_000_000
    started = time.monotonic()
    send(there.url)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "headers", [[("X-Long", "a" * 70_000)], [(f"X-{number}", "a") for number in range(200)]]
)
def test_an_answer_with_headers_without_end_is_a_failure(
    there: Receiver, headers: list[tuple[str, str]]
) -> None:
    there.headers = headers
    with pytest.raises(NotDelivered):
        send(there.url)


def test_a_receiver_that_sends_a_byte_now_and_then_is_left_after_the_deadline(there: Receiver) -> None:
    there.is_slow = True
    started = time.monotonic()
    with pytest.raises(NotDelivered, match=r"did not answer within 0\.3 s"):
        send(there.url, deadline_s=0.3)
    assert time.monotonic() - started < 8


def test_a_receiver_that_is_not_there_is_a_failure() -> None:
    with receiver() as gone:
        url = gone.url
    with pytest.raises(NotDelivered, match="refused"):
        send(url)


def test_a_certificate_must_be_of_the_name_and_trusted(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    server, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=certificate)
    server.load_cert_chain(certificate, key)
    with receiver(server) as there:
        send(f"https://{NAME}:{there.port}/", tls=trusting)
        assert len(there.received) == 1
        with pytest.raises(NotDelivered, match="Hostname mismatch"):
            send(f"https://other.example:{there.port}/", tls=trusting)
        with pytest.raises(NotDelivered, match="self-signed certificate"):
            send(f"https://{NAME}:{there.port}/")
        assert len(there.received) == 1


def state_of(database: Database) -> list[tuple[str, int, bool, str | None]]:
    with database.reading() as session:
        found = session.query(WebhookDelivery).order_by(WebhookDelivery.created_at)
        return [(one.event, one.attempts, one.delivered_at is not None, one.last_error) for one in found]


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_a_deletion_is_told_by_a_running_service(tmp_path: Path, there: Receiver) -> None:
    with open_service(tmp_path / "home", webhook_private_targets="127.0.0.0/8") as service:
        service.services.deliverer.start()
        added = service.client.post("/webhooks", json={"url": there.url}).json()
        video = service.add_video(["a cat"])
        receipt = service.client.delete(f"/videos/{video.id}").json()
        there.wait_for(1)
        _path, headers, body = there.received[0]
        told = Verifier(added["secret"]).verify(body, headers)
        assert told["type"] == "video.deleted"
        assert told["data"]["sha256"] == receipt["sha256"]
        assert told["data"]["rows"] == receipt["rows"]
        wait_until(lambda: state_of(service.library.database) == [("video.deleted", 1, True, None)])


def test_a_failure_is_kept_and_the_next_try_has_the_same_id(
    service: Service, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "RETRY_AFTER_S", (0.05, 60))
    there.status = 500
    database = service.library.database
    with database.writing() as session:
        webhook = webhooks.add(session, there.url, new_secret(), tuple(WebhookEvent))
        webhooks.announce_test(session, webhook.id)
    deliverer = Deliverer(database, Sender(LOOPBACK))
    deliverer.start()
    try:
        there.wait_for(1)
        there.status = 200
        there.wait_for(2)
        wait_until(lambda: state_of(database) == [("webhook.test", 2, True, None)])
    finally:
        deliverer.close()
    assert len({headers["webhook-id"] for _path, headers, _body in there.received}) == 1


def test_a_receiver_that_hangs_holds_up_no_other_and_no_end_of_the_service(
    service: Service, there: Receiver
) -> None:
    database = service.library.database
    with receiver() as slow:
        slow.is_slow = True
        with database.writing() as session:
            for url in (slow.url, there.url):
                webhooks.add(session, url, new_secret(), tuple(WebhookEvent))
            for _ in range(5):
                webhooks.announce(session, WebhookEvent.JOB_DONE, {}, video_id="v")
        deliverer = Deliverer(database, Sender(LOOPBACK))
        deliverer.start()
        there.wait_for(5)
        slow.wait_for(1)
        assert len(slow.received) == 1
        started = time.monotonic()
        deliverer.close()
        assert time.monotonic() - started < 3
    assert threading.active_count() < 50


def test_two_services_send_each_message_once(service: Service, there: Receiver) -> None:
    database = service.library.database
    with database.writing() as session:
        webhooks.add(session, there.url, new_secret(), tuple(WebhookEvent))
        for _ in range(20):
            webhooks.announce(session, WebhookEvent.JOB_DONE, {}, video_id="v")
    both = [Deliverer(database, Sender(LOOPBACK)) for _ in range(2)]
    for deliverer in both:
        deliverer.start()
    there.wait_for(20)
    wait_until(lambda: all(is_delivered for _event, _attempts, is_delivered, _ in state_of(database)))
    for deliverer in both:
        deliverer.close()
    assert len({headers["webhook-id"] for _path, headers, _body in there.received}) == 20
    assert len(there.received) == 20
