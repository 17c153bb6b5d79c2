"""Heat maps for those who wait for them."""

from pathlib import Path

import anyio
import numpy as np
import pytest
from anyio import CapacityLimiter
from starlette.types import Message

from app.heatmap import answer
from app.heatmap.answer import HeatmapAnswer
from app.heatmap.making import WantedHeatmap
from tests.fakes import FakeVideoEncoder

WANTED = WantedHeatmap(Path("/film.mp4"), 0.0, 4.0, np.ones(16, np.float32), None)


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[WantedHeatmap]:
    """Return what heat maps are made of, without making them."""
    asked: list[WantedHeatmap] = []

    def make(encoder: object, wanted: WantedHeatmap) -> bytes:
        asked.append(wanted)
        return b"a picture"

    monkeypatch.setattr(answer, "make_heatmap", make)
    return asked


async def ask(limiter: CapacityLimiter, first: Message) -> list[Message]:
    """Return what is sent to a client of whom ``first`` is heard first."""
    sent: list[Message] = []
    heard = [first]

    async def receive() -> Message:
        if heard:
            return heard.pop()
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    with anyio.move_on_after(0.2):
        await HeatmapAnswer(FakeVideoEncoder(), WANTED, limiter, {"ETag": '"a"'})(
            {"type": "http"}, receive, send
        )
    return sent


STAYS: Message = {"type": "http.request", "body": b"", "more_body": False}


def test_a_client_that_waits_gets_the_picture() -> None:
    start, body = anyio.run(ask, CapacityLimiter(1), STAYS)
    assert (start["status"], body["body"]) == (200, b"a picture")
    assert (b"etag", b'"a"') in start["headers"]


def test_nothing_is_made_for_a_client_that_has_gone(made: list[WantedHeatmap]) -> None:
    assert anyio.run(ask, CapacityLimiter(1), {"type": "http.disconnect"}) == []
    assert made == []


def test_a_heat_map_waits_for_its_turn(made: list[WantedHeatmap]) -> None:
    async def ask_when_full() -> list[Message]:
        limiter = CapacityLimiter(1)
        async with limiter:
            waiting: list[Message] = []

            async def ask_too() -> None:
                waiting.extend(await ask(limiter, STAYS))

            async with anyio.create_task_group() as group:
                group.start_soon(ask_too)
            return waiting

    assert anyio.run(ask_when_full) == []
    assert made == []
