"""Uploading as a client does: a well-formed upload, a body written by hand, a body that comes in pieces."""

import asyncio
from collections.abc import Iterator
from typing import Any

from httpx import Response

from tests.service import Service

CONTENT = b"not really a film, yet bytes " * 1000
BOUNDARY = "----boundary"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
FILE = ('name="file"; filename="film.mp4"', CONTENT)


def upload(service: Service, content: bytes = CONTENT, name: str = "film.mp4", **fields: str) -> Response:
    """Return the answer to an upload with these fields."""
    response: Any = service.client.post("/videos", files={"file": (name, content)}, data=fields)
    return response  # type: ignore[no-any-return]


def form(*parts: tuple[str, bytes], end: str = f"--{BOUNDARY}--\r\n") -> bytes:
    """Return a body of parts (Content-Disposition behind ``form-data; ``, data)."""
    body = b""
    for disposition, data in parts:
        head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
        body += head.encode() + data + b"\r\n"
    return body + end.encode()


def send(service: Service, body: bytes | Iterator[bytes], **headers: str) -> Response:
    """Return the answer to a body written by hand."""
    response: Any = service.client.post(
        "/videos", content=body, headers={"Content-Type": FORM_TYPE, **headers}
    )
    return response  # type: ignore[no-any-return]


def post_in_pieces(
    service: Service, pieces: Iterator[dict[str, object]], **headers: str
) -> list[dict[str, Any]]:
    """Return what the application sends when these messages arrive, and then nothing more."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, object]:
        for message in pieces:
            return message
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/videos",
        "raw_path": b"/videos",
        "query_string": b"",
        "headers": [
            (b"content-type", FORM_TYPE.encode()),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ],
        "app": service.client.app,
    }
    asyncio.run(service.client.app(scope, receive, send))  # type: ignore[arg-type]
    return sent
