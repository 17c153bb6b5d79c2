"""A service that is killed before or after the commit of a promotion: one model serves, and lacks nothing."""

from random import Random

import httpx
import pytest
from sqlalchemy import select

from indexer.catalog.generation_states import Scope
from indexer.catalog.states import GenerationState
from indexer.catalog.tables import Generation
from indexer.library import Library
from indexer.reindexing.reindex import start_building
from indexer.worker import Worker
from tests.faults import judging
from tests.faults.films import render_films
from tests.faults.kill_points import PROMOTION_POINTS, KillPoint
from tests.faults.ledger import Ledger
from tests.faults.roles import load_encoders
from tests.faults.running_service import Home, running
from tests.faults.traffic import Clients

ROUNDS = 4


def serving(library: Library) -> list[int]:
    """Return the generations that serve: one."""
    with library.database.reading() as session:
        is_serving = Generation.state == GenerationState.SERVING
        return list(session.scalars(select(Generation.id).where(is_serving)))


def build_other(library: Library) -> int:
    """Let another model read all that there is, and return its generation."""
    model = start_building(library, load_encoders("other"), Scope())
    worker = Worker(library, model)
    while worker.run_one() is not None:
        continue
    return model.generation_id


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PROMOTION_POINTS)
def test_a_killed_promotion_is_undone_or_whole(either_home: Home, name: str) -> None:
    chance, ledger = Random(6), Ledger()
    films = render_films(either_home.folder, chance)
    armed = either_home.folder / "armed"
    armed.touch()
    point = KillPoint("serve", name, 1, armed)
    with either_home.opened() as library:
        for number in range(ROUNDS):
            with running(either_home, **point.to_environment()) as service:
                clients = Clients(service.url, ledger, films, number)
                with httpx.Client(base_url=service.url, timeout=60) as client:
                    clients.upload(client, chance)
                    judging.drain(library)
                    before = serving(library)
                    other = build_other(library) if number == 0 else 3 - before[0]
                    clients.upload(client, chance)  # which the other one lacks
                    with pytest.raises(httpx.TransportError):
                        client.post(f"/generations/{other}/promote", params={"partial": True})
            either_home.wait_for_workers()
            assert serving(library) == (before if name.startswith("before") else [other])
            with running(either_home) as service:
                judging.drain(library)
                assert judging.faults(library, ledger, service.url) == []
                assert service.end(10.0) == 0
            either_home.wait_for_workers()
