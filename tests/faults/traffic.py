"""Clients that upload, resumably too, delete and search while the service is killed under them."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import httpx

from tests.faults.films import Film
from tests.faults.ledger import HalfUpload, Ledger
from tests.tus_client import PIECE, VERSION, metadata

PAUSE_S = 0.02
TIMEOUT_S = 60.0


class Clients:
    """All that is sent to one service; ``ledger`` outlives it."""

    def __init__(self, url: str, ledger: Ledger, films: list[Film], seed: int) -> None:
        self.url, self.ledger, self.films = url, ledger, films
        self._seed = seed

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Send all the while the block runs; whatever fails because the service is gone is no matter."""
        is_over = threading.Event()
        steps = [self.upload, self.upload, self.upload_in_pieces, self.delete, self.search]
        threads = [
            threading.Thread(
                target=self._again_and_again, args=(step, Random(f"{self._seed} {number}"), is_over)
            )
            for number, step in enumerate(steps)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            for thread in threads:
                thread.join()

    def upload(self, client: httpx.Client, chance: Random) -> None:
        """Send a film in one piece."""
        film = chance.choice(self.films)
        content = film.copy(chance)
        sha256 = self.ledger.sending(content, film.clips)
        answer = client.post("/videos", files={"file": ("film.mp4", content)})
        assert answer.status_code == 202, answer.text
        self.ledger.accepted(sha256, answer.json()["video_id"])

    def upload_in_pieces(self, client: httpx.Client, chance: Random) -> None:
        """Send a film in two pieces."""
        film = chance.choice(self.films)
        content = film.copy(chance)
        self.ledger.sending(content, film.clips)
        headers = {
            **VERSION,
            "Upload-Length": str(len(content)),
            "Upload-Metadata": metadata(filename="a.mp4"),
        }
        answer = client.post("/uploads", headers=headers)
        assert answer.status_code == 201, answer.text
        half = HalfUpload(httpx.URL(answer.headers["location"]).path, content)
        self.ledger.half_uploads.append(half)
        for start, end in ((0, 1000), (1000, None)):
            self._send_piece(client, half, start, end)
        self._finished(client, half)

    def go_on_with_uploads(self) -> None:
        """Finish what was begun before the service was killed."""
        with httpx.Client(base_url=self.url, timeout=TIMEOUT_S) as client:
            for half in list(self.ledger.half_uploads):
                answer = client.head(half.path, headers=VERSION)
                assert answer.status_code == 200, f"the upload {half.path} is lost: {answer.status_code}"
                offset = int(answer.headers["upload-offset"])
                if offset < len(half.content):
                    self._send_piece(client, half, offset, None)
                self._finished(client, half)

    def wait_until_answered(self) -> None:
        """Return when the service is ready again."""
        give_up_at = time.monotonic() + TIMEOUT_S
        while httpx.get(f"{self.url}/ready", timeout=TIMEOUT_S).status_code != 200:
            assert time.monotonic() < give_up_at, "the service is not ready again"
            time.sleep(5 * PAUSE_S)

    def delete(self, client: httpx.Client, chance: Random) -> None:
        """Delete a film that was accepted."""
        time.sleep(5 * PAUSE_S)
        chosen = self.ledger.begin_deletion(chance.random())
        if chosen is not None:
            answer = client.delete(f"/videos/{chosen[1]}")
            assert answer.status_code == 200, answer.text
            self.ledger.deleted(chosen[0])

    def search(self, client: httpx.Client, chance: Random) -> None:
        """Search, and see that nothing deleted is found."""
        before = self.ledger.deleted_ids()
        answer = client.get("/search", params={"q": f"query {chance.randrange(50)}", "limit": 100})
        assert answer.status_code == 200, answer.text
        self.ledger.wrong_hits += [
            hit["video_id"] for hit in answer.json()["data"] if hit["video_id"] in before
        ]
        self.ledger.answers["searches"] += 1

    def _send_piece(self, client: httpx.Client, half: HalfUpload, start: int, end: int | None) -> None:
        headers = {**PIECE, "Upload-Offset": str(start)}
        answer = client.patch(half.path, content=half.content[start:end], headers=headers)
        assert answer.status_code == 204, answer.text

    def _finished(self, client: httpx.Client, half: HalfUpload) -> None:
        answer = client.head(half.path, headers=VERSION)
        assert answer.status_code == 200, f"HEAD {half.path}: {answer.status_code}"
        assert int(answer.headers["upload-offset"]) == len(half.content)
        self.ledger.half_uploads.remove(half)
        self.ledger.accepted(hashlib.sha256(half.content).hexdigest(), None)

    def _again_and_again(
        self, step: Callable[[httpx.Client, Random], None], chance: Random, is_over: threading.Event
    ) -> None:
        with httpx.Client(base_url=self.url, timeout=TIMEOUT_S) as client:
            while not is_over.wait(PAUSE_S):
                try:
                    step(client, chance)
                except httpx.TransportError:
                    time.sleep(PAUSE_S)
                except AssertionError as error:
                    self.ledger.refusals.append(str(error)[:300])
