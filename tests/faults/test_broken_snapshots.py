"""Snapshots damaged, cut short or another library's under a service that starts: searches stay right.

Each kind of damage alone is in tests/integration/test_snapshot.py; here it is many, drawn by chance.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fakes import unit_vector
from tests.faults.judging import brute_force
from tests.service import Service, open_service, search

ROUNDS = 100
TEXTS = ("a cat", "a dog", "a wall", "snow")


def flipped(content: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def repeated(content: bytes, chance: Random) -> bytes:
    start, end = sorted(chance.randrange(len(content)) for _ in range(2))
    return content[:end] + content[start:]


DAMAGES: dict[str, Callable[[bytes, Random], bytes]] = {
    "a bit flipped": flipped,
    "cut short": lambda content, chance: content[: chance.randrange(len(content))],
    "a piece repeated": repeated,
    "noise": lambda content, chance: chance.randbytes(len(content)),
    "a page of zeros": lambda content, _: content[:4096] + bytes(4096) + content[8192:],
}


def found(service: Service) -> dict[str, float]:
    answer = search(service, q="a cat", mode="visual", merge=False, collapse=False, limit=100)
    return {hit["clip_id"]: hit["score"] for hit in answer["data"]}


def expected(service: Service) -> object:
    return pytest.approx(brute_force(service.library, unit_vector("a cat")), abs=2e-3)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home folder of a library of eight videos and its snapshot."""
    home = tmp_path_factory.mktemp("saved") / "home"
    with open_service(home) as service:
        for number in range(8):
            service.add_video([f"{text} {number}" for text in TEXTS])
        assert found(service) == expected(service)
    return home


def snapshot_of(home: Path) -> Path:
    (path,) = (home / "index").glob("*.snapshot")
    return path


def start_damaged(home: Path, good: bytes, rounds: int) -> None:
    """Start on a damaged snapshot so often, and see that the search is right and the snapshot mended."""
    chance, path = Random(6), snapshot_of(home)
    for number in range(rounds):
        damage = list(DAMAGES.values())[number % len(DAMAGES)]
        path.write_bytes(damage(good, chance))
        with open_service(home) as service:
            assert found(service) == expected(service)
        assert len(path.read_bytes()) == len(good)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_hundred_damaged_snapshots_change_no_search(saved: Path) -> None:
    start_damaged(saved, snapshot_of(saved).read_bytes(), ROUNDS)


def test_each_kind_of_damage_changes_no_search(saved: Path) -> None:
    start_damaged(saved, snapshot_of(saved).read_bytes(), len(DAMAGES))


def test_the_snapshot_of_another_library_or_another_time_changes_no_search(
    saved: Path, tmp_path: Path
) -> None:
    with open_service(tmp_path / "home") as service:
        for number in range(8):
            service.add_video([f"{text}, {number}" for text in TEXTS])
    foreign, path = snapshot_of(saved).read_bytes(), snapshot_of(tmp_path / "home")
    former = path.read_bytes()
    path.write_bytes(foreign)
    with open_service(tmp_path / "home") as service:
        assert found(service) == expected(service)
        first = service.client.get("/videos").json()["data"][0]["id"]
        assert service.client.delete(f"/videos/{first}").status_code == 200
        service.add_video(["something new"])
    path.write_bytes(former)  # an older one, with what was deleted since
    with open_service(tmp_path / "home") as service:
        assert found(service) == expected(service)
        assert len(found(service)) == 7 * len(TEXTS) + 1
