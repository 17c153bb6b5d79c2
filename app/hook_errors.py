# ruff: noqa: N818 - the name of each class is the reason itself
"""What can go wrong with webhooks and deletions; ``app.errors`` says how each is answered."""

from app.request_error import RequestError


class UnknownWebhook(RequestError):
    """No webhook has this id."""

    def __init__(self, webhook_id: str) -> None:
        super().__init__(f"there is no webhook {webhook_id!r}: GET /webhooks lists those there are")


class TooManyWebhooks(RequestError):
    """As many webhooks as are allowed are there."""


class TargetRefused(RequestError):
    """An address that no message is sent to; the message says why."""

    parameter = "url"

    def __init__(self, message: str, url: str | None = None) -> None:
        super().__init__(message)
        self.value = url


class DeletionUnfinished(RequestError):
    """A deletion that is not at its end: asked for again, it goes on."""
