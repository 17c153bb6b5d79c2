"""``python -m tests.stuck_process MARKER BATCHES worker|batch|reindex …``: with an encoder that gets stuck.

After BATCHES batches the encoder makes the file MARKER and never comes back, so that a test can stop or kill
the process at a known moment.
"""

import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import typer

import app.commands.generations
import indexer.batch.__main__
import indexer.worker
import model.factory
from model.factory import Encoders
from tests.indexing import encoders_that


def stuck_encoders(marker: Path, batches: int) -> Encoders:
    """Return fake encoders that get stuck after so many batches."""
    numbers = count()

    def get_stuck() -> None:
        if next(numbers) == batches:
            marker.touch()
            threading.Event().wait()

    return encoders_that(get_stuck)


def main(marker: str, batches: str, command: str, *arguments: str) -> None:
    """Run the command with stuck encoders in place of real ones."""
    encoders = stuck_encoders(Path(marker), int(batches))
    model.factory.load_encoders = lambda *_args, **_options: encoders
    sys.argv = [command, *arguments]
    commands: dict[str, Callable[..., None]] = {
        "worker": indexer.worker.main,
        "batch": indexer.batch.__main__.main,
        "reindex": app.commands.generations.reindex,
    }
    typer.run(commands[command])


if __name__ == "__main__":
    main(*sys.argv[1:])
