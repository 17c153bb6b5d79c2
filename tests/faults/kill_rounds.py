"""``python -m tests.faults.kill_rounds``: services and workers killed again and again, and what is left.

Each round: start → finish what clients had begun → drain → judge → clients at work → the kill. Everything
follows from the seed but the times at which processes run.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from indexer.library import Library
from tests.faults import judging
from tests.faults.films import render_films
from tests.faults.kill_points import WEB_POINTS, WORKER_POINTS, KillPoint
from tests.faults.ledger import Ledger
from tests.faults.nursery import nursery
from tests.faults.running_service import Home, RunningService, running
from tests.faults.traffic import Clients
from tests.postgres import start_postgres

LONGEST_S = 6.0
"""A point that is not reached by then is killed at instead."""

ENDS_WITHIN_S = 10.0

IN_ORDER = "a stop in order"
RANDOM = ("serve at random", "worker at random", "both at random", IN_ORDER)


@dataclass
class Tally:
    """What became of the rounds of one fault."""

    rounds: int = 0
    reached: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def cells(self) -> tuple[int, int, int, int, int]:
        """Return rounds, those that reached the point, lost, duplicated, and whatever else was wrong."""
        lost = sum("LOST" in one for one in self.wrong)
        duplicated = sum("DUPLICATED" in one for one in self.wrong)
        return self.rounds, self.reached, lost, duplicated, len(self.wrong) - lost - duplicated


@dataclass
class KillRounds:
    """Rounds on one library."""

    home: Home
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    tallies: dict[str, Tally] = field(default_factory=dict)

    def run(self, rounds: int) -> None:
        """Kill so often, and judge once more at the end."""
        chance = Random(self.seed)
        self.home.folder.mkdir(exist_ok=True)
        films = render_films(self.home.folder, chance)
        before = ""
        for number, fault in enumerate(islice(cycle(plan()), rounds)):
            with self._started(fault, chance) as (service, library):
                clients = Clients(service.url, self.ledger, films, self.seed * 1000 + number)
                self._judge(before, clients, library)
                with clients.at_work():
                    self._strike(fault, service, chance)
            before = fault
            self.home.let_an_hour_pass()
        with self._started("", chance) as (service, library):
            self._judge(before, Clients(service.url, self.ledger, films, 0), library)
            assert service.end(ENDS_WITHIN_S) == 0

    @property
    def wrong(self) -> list[str]:
        """Return all that was wrong, with the fault before it."""
        return [f"{fault}: {one}" for fault, tally in self.tallies.items() for one in tally.wrong]

    @property
    def report(self) -> str:
        """Return the table of all rounds."""
        lines = [
            "| fault | rounds | at its point | lost | duplicated | otherwise wrong |",
            "|---|---|---|---|---|---|",
        ]
        for fault, tally in sorted(self.tallies.items()):
            lines.append(f"| {fault} | {' | '.join(map(str, tally.cells))} |")
        cells = zip(*(tally.cells for tally in self.tallies.values()), strict=True)
        lines.append(f"| **all** | {' | '.join(str(sum(column)) for column in cells)} |")
        answers = ", ".join(f"{count} {name}" for name, count in sorted(self.ledger.answers.items()))
        return "\n".join([*lines, "", f"{answers}."])

    @contextmanager
    def _started(self, fault: str, chance: Random) -> Iterator[tuple[RunningService, Library]]:
        environment = {}
        if (point := self._point(fault, chance)) is not None:
            environment = point.to_environment()
        self._armed.unlink(missing_ok=True)
        with ExitStack() as stack:
            stack.callback(self.home.wait_for_workers)
            service = stack.enter_context(running(self.home, **environment))
            yield service, stack.enter_context(self.home.opened())

    @property
    def _armed(self) -> Path:
        return self.home.folder / "armed"

    def _point(self, fault: str, chance: Random) -> KillPoint | None:
        role, _, name = fault.partition(" ")
        if name not in (*WEB_POINTS, *WORKER_POINTS):
            return None
        is_common = name.endswith("commit")
        call = chance.randint(1, 12 if is_common else 3)
        return KillPoint(
            "serve" if role == "serve" else "worker", name, 1 if "snapshot" in name else call, self._armed
        )

    def _judge(self, fault: str, clients: Clients, library: Library) -> None:
        """Say what is wrong after the kill of the round before."""
        clients.go_on_with_uploads()
        judging.drain(library)
        if fault:
            self.tallies[fault].wrong += judging.faults(library, self.ledger, clients.url)
            self.ledger.wrong_hits.clear()
            self.ledger.refusals.clear()

    def _strike(self, fault: str, service: RunningService, chance: Random) -> None:
        """Let the service or its worker die at the point, or somewhere, and end what is left."""
        tally = self.tallies.setdefault(fault, Tally())
        tally.rounds += 1
        self._armed.touch()
        time.sleep(chance.uniform(0.3, 2.0))
        role, _, moment = fault.partition(" ")
        if "random" in moment:
            if role != "serve":
                self.home.kill_workers()
            if role != "worker":
                service.kill_web()
            tally.reached += 1
        elif "snapshot" in moment or fault == IN_ORDER:
            status = self._stop(service, tally)
            tally.reached += status == (0 if fault == IN_ORDER else -signal.SIGKILL)
        else:
            tally.reached += self._wait_for_death(role, service)
        if role == "worker":
            time.sleep(chance.uniform(0.3, 2.0))  # its successor goes on meanwhile
        if service.process.poll() is None:
            self._stop(service, tally)

    def _stop(self, service: RunningService, tally: Tally) -> int:
        try:
            return service.end(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            tally.wrong.append(f"the service did not end in {ENDS_WITHIN_S} s")
            service.kill_web()
            return -1

    def _wait_for_death(self, role: str, service: RunningService) -> bool:
        give_up_at = time.monotonic() + LONGEST_S
        while time.monotonic() < give_up_at:
            if service.process.poll() is not None if role == "serve" else self.home.is_any_worker_dead():
                return True
            time.sleep(0.02)
        return False


def plan() -> list[str]:
    """Return each fault once, those at random in between."""
    points = [f"serve {point}" for point in WEB_POINTS] + [f"worker {point}" for point in WORKER_POINTS]
    gaps = len(points) // len(RANDOM)
    return [
        fault
        for number, at_random in enumerate(RANDOM)
        for fault in (at_random, *points[number * gaps : (number + 1) * gaps])
    ]


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Kills.")] = 50,
    seed: Annotated[int, typer.Option(help="What films, points and pauses follow from.")] = 6,
    folder: Annotated[Path | None, typer.Option(help="Where the library and its log are to stay.")] = None,
    postgres: Annotated[bool, typer.Option("--postgres", help="With a Postgres, else SQLite.")] = False,
) -> None:
    """Kill services and workers, and print what was lost."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = folder or Path(name)
        url = f"sqlite:///{folder / 'reelseek.db'}"
        if postgres:
            server = start_postgres()
            stack.callback(server.stop)
            url = server.url(server.template)
        began = time.monotonic()
        kills = KillRounds(Home(folder / "library", url, stack.enter_context(nursery(folder))), seed)
        kills.run(rounds)
        typer.echo(kills.report)
        typer.echo(f"{rounds} rounds in {time.monotonic() - began:.0f} s")
        for one in kills.wrong:
            typer.echo(one)
    raise typer.Exit(bool(kills.wrong))


if __name__ == "__main__":
    typer.run(main)
