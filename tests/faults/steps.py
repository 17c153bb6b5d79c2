"""A process that is killed (SIGKILL) by itself at its n-th step: at what it does to files or the database.

Only here is anything patched: the code under test knows nothing of it.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

STEPS: tuple[tuple[Any, str], ...] = (
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "mkdir"),
    (os, "link"),
    (os, "replace"),
    (os, "fsync"),
    (os, "sync"),
    (shutil, "rmtree"),
)


def dies_at(step: int, work: Callable[[], object]) -> bool:
    """Do ``work`` in a fork that is killed before its step of this number; False when it had fewer."""
    pid = os.fork()
    if pid == 0:
        try:
            _die_at(step)
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def make_old(folder: Path, seconds: float) -> None:
    """Let all files below ``folder`` look as if nobody had written to them for so long."""
    for path in [folder, *folder.rglob("*")]:
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def _die_at(step: int) -> None:
    steps = count(1)

    def note(*_arguments: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def noted(work: Callable[..., Any]) -> Callable[..., Any]:
        def do(*arguments: Any, **named: Any) -> Any:
            note()
            return work(*arguments, **named)

        return do

    for owner, name in STEPS:
        setattr(owner, name, noted(getattr(owner, name)))
    event.listen(Engine, "commit", note)
    event.listen(Session, "after_commit", note)
