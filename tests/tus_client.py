"""A client of resumable uploads, for tests: one request a call."""

import base64
import hashlib
from typing import Any

from httpx import Response

from tests.service import Service

VERSION = {"Tus-Resumable": "1.0.0"}
PIECE = {**VERSION, "Content-Type": "application/offset+octet-stream"}


def metadata(**texts: str) -> str:
    """Return an Upload-Metadata header."""
    return ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in texts.items())


def checksum(data: bytes, algorithm: str = "sha1") -> str:
    """Return an Upload-Checksum header."""
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def send(service: Service, method: str, url: str, content: bytes, **headers: str) -> Response:
    """Return the answer to a request with these headers, ``_`` written for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Any = service.client.request(method, url, content=content, headers=named)
    return response  # type: ignore[no-any-return]


def begin(service: Service, length: int, **headers: str) -> str:
    """Return the URL of a new upload of so many bytes."""
    headers.setdefault("Upload_Metadata", metadata(filename="film.mp4"))
    answer = send(service, "POST", "/uploads", b"", **VERSION, Upload_Length=str(length), **headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def patch(service: Service, url: str, offset: int, content: bytes, **headers: str) -> Response:
    """Return the answer to a piece."""
    return send(service, "PATCH", url, content, **PIECE, Upload_Offset=str(offset), **headers)


def head(service: Service, url: str) -> Response:
    """Return the answer to the question how far an upload is."""
    return send(service, "HEAD", url, b"", **VERSION)


def offset_of(service: Service, url: str) -> int:
    """Return how much has arrived."""
    return int(head(service, url).headers["upload-offset"])


def problem(response: Response) -> tuple[int, str]:
    """Return status and kind of a problem."""
    status, body = response.status_code, response.json()
    return status, body["type"].removeprefix("/problems/")
