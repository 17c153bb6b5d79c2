"""What a fork of the nursery does: the real commands, with encoders that need no weights.

``serve PORT`` is ``reelseek serve`` with one worker, ``worker`` the worker that a service starts.
"""

import dataclasses
import functools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import app.worker_process
import indexer.worker
import model.factory
from app import cli, serving, worker_supervision
from model.factory import Encoders
from tests.fakes import fake_encoders
from tests.faults.clock_jumps import jump_clocks
from tests.faults.kill_points import prepare
from tests.faults.nursery import ForkedProcess


def load_encoders(preset: str, **_options: object) -> Encoders:
    """Return fake encoders under any name; each name is a generation of its own."""
    encoders = fake_encoders()
    settings = dataclasses.replace(encoders.settings, preset=preset, architecture=preset)
    return Encoders(encoders.video, encoders.text, settings)


def play(command: list[str]) -> int:
    """Do what the role does, and return the exit status."""
    role, *arguments = command
    log = os.open(os.environ["NURSERY_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    model.factory.load_encoders = load_encoders
    jump_clocks()
    prepare("serve" if role == "serve" else "worker")
    try:
        serve(*arguments) if role == "serve" else work()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def serve(port: str) -> None:
    """Be ``reelseek serve``, whose workers are forked as it is."""
    vars(worker_supervision)["subprocess"] = SimpleNamespace(
        Popen=ForkedProcess, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
    )
    vars(serving)["WorkerSupervisor"] = functools.partial(
        worker_supervision.WorkerSupervisor, command=("worker",)
    )
    sys.argv = ["reelseek", "serve", "--port", port]
    cli.main()


def work() -> None:
    """Be a worker that ends with its service."""
    log = Path(os.environ["NURSERY_LOG"])
    log.with_name(f"worker-{os.getpid()}").touch()
    app.worker_process.end_with_parent()
    indexer.worker.main()
