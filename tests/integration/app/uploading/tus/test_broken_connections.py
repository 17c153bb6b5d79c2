"""Killed services, slow and broken clients: what has arrived is told truly, and searches go on meanwhile."""

import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from app.dependencies import MAX_CONCURRENT_UPLOADS
from tests.tus_client import PIECE, VERSION, checksum
from tests.upload_server import UploadServer, free_port, upload_server

SIZE = 3_000_000
FILM = bytes(range(256)) * (SIZE // 256 + 1)
FILM = FILM[:SIZE]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadServer]:
    """Run a service for the tests that leave it alive."""
    with upload_server(tmp_path_factory.mktemp("served") / "home", free_port()) as server:
        yield server


def begin(server: UploadServer) -> str:
    """Return the address of a new upload."""
    answer = httpx.post(f"{server.url}/uploads", headers={**VERSION, "Upload-Length": str(SIZE)})
    return server.url + answer.headers["location"]


def offset_of(url: str) -> int:
    """Return how much has arrived."""
    return int(httpx.head(url, headers=VERSION).headers["upload-offset"])


def send(url: str, offset: int, data: bytes, **headers: str) -> httpx.Response:
    """Return the answer to a piece."""
    return httpx.patch(url, content=data, headers={**PIECE, "Upload-Offset": str(offset), **headers})


def open_piece(server: UploadServer, url: str, data: bytes, **headers: str) -> socket.socket:
    """Return a connection on which a piece up to the end was announced and only ``data`` was sent."""
    connection = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    path = url.removeprefix(server.url)
    said = {**PIECE, "Upload-Offset": "0", "Content-Length": str(SIZE), "Host": "localhost", **headers}
    lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
    return connection


def wait_for_offset(url: str, least: int) -> int:
    """Return the offset once it has reached ``least``."""
    deadline = time.monotonic() + 20.0
    while (offset := offset_of(url)) < least:
        assert time.monotonic() < deadline, offset
        time.sleep(0.05)
    return offset


def test_a_service_killed_in_a_piece_tells_a_true_offset_and_the_upload_is_finished(
    tmp_path: Path,
) -> None:
    home, port = tmp_path / "home", free_port()
    with upload_server(home, port) as server:
        plain, checked = begin(server), begin(server)
        send(checked, 0, FILM[:1000])
        with (
            open_piece(server, plain, FILM[:2_500_000]),
            open_piece(server, checked, FILM[1000:2_500_000], **{"Upload-Offset": "1000"}
                       | {"Upload-Checksum": checksum(FILM[1000:]), "Content-Length": str(SIZE - 1000)}),
        ):  # fmt: skip
            wait_for_offset(plain, 1_000_000)
            assert offset_of(checked) == 1000
            time.sleep(0.5)
            server.kill()
    with upload_server(home, port) as server:
        offset = offset_of(plain)
        assert 1_000_000 <= offset <= 2_500_000
        assert (home / "uploads" / plain.rpartition("/")[2]).read_bytes() == FILM[:offset]
        assert offset_of(checked) == 1000  # the kill left unchecked bytes, which do not count
        finished = send(plain, offset, FILM[offset:])
        again = send(checked, 1000, FILM[1000:], **{"Upload-Checksum": checksum(FILM[1000:])})
        assert finished.headers["reelseek-job"] == again.headers["reelseek-job"]
        video = httpx.get(server.url + finished.headers["reelseek-video"]).json()
        assert video["sha256"] == hashlib.sha256(FILM).hexdigest()
        assert list((home / "uploads").iterdir()) == []


def test_slow_clients_hold_no_thread_that_others_wait_for(server: UploadServer) -> None:
    with ExitStack() as stack:
        urls = [begin(server) for _ in range(3 * MAX_CONCURRENT_UPLOADS)]
        for url in urls:
            stack.enter_context(open_piece(server, url, b"slow"))
        time.sleep(0.5)
        started = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: httpx.get(f"{server.url}/search?q=cat").status_code, range(20)))
        assert answers == [200] * 20
        assert send(begin(server), 0, FILM).status_code == 204
        form = httpx.post(f"{server.url}/videos", files={"file": ("film.mp4", b"another film")})
        assert form.status_code == 202
        assert time.monotonic() - started < 10.0


def test_what_a_slow_client_sent_is_written_soon(server: UploadServer) -> None:
    url = begin(server)
    with open_piece(server, url, FILM[:1000]) as connection:
        time.sleep(1.1)
        connection.sendall(FILM[1000:1001])
        assert wait_for_offset(url, 1001) == 1001


def test_a_client_that_comes_back_goes_on_though_its_old_connection_is_still_open(
    server: UploadServer,
) -> None:
    url = begin(server)
    with open_piece(server, url, FILM[:2_000_000]):
        offset = wait_for_offset(url, 1_000_000)
        started = time.monotonic()
        for _ in range(3):  # the newer request makes the older one write what it still had
            answer = send(url, offset, FILM[offset:])
            if answer.status_code == 204:
                break
            assert answer.status_code == 409
            offset = int(answer.headers["upload-offset"])
        assert answer.status_code == 204
        assert time.monotonic() - started < 5.0


def test_a_connection_that_breaks_leaves_what_came(server: UploadServer) -> None:
    url = begin(server)
    with open_piece(server, url, FILM[:10]):
        time.sleep(0.5)
    assert wait_for_offset(url, 10) == 10
