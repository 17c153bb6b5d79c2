"""Signatures, as the reference library of the specification checks them."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.webhooks.signing import new_secret, signed_headers

BODY = '{"type":"job.done","data":{"title":"Ärger"}}'.encode()


def test_receivers_that_follow_the_specification_accept_our_signature() -> None:
    secret = new_secret()
    headers = signed_headers(secret, "msg-1", datetime.now(UTC), BODY)
    assert Webhook(secret).verify(BODY, headers)["type"] == "job.done"


def test_the_specifications_own_example_is_signed_as_it_says() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    sent_at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", sent_at, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("part", ["body", "id", "time", "secret"])
def test_a_message_that_was_changed_is_not_accepted(part: str) -> None:
    secret = new_secret()
    late = timedelta(minutes=6) if part == "time" else timedelta()
    headers = signed_headers(secret, "msg-1", datetime.now(UTC) - late, BODY)
    if part == "id":
        headers["webhook-id"] = "msg-2"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret() if part == "secret" else secret).verify(
            BODY + b" " if part == "body" else BODY, headers
        )


def test_secrets_differ_and_are_as_long_as_the_specification_asks() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert 24 <= len(base64.b64decode(first.removeprefix("whsec_"))) <= 64
