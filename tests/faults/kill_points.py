"""Where a process is killed (SIGKILL) by itself: before or after a named step, at its n-th time.

Only here is anything patched: the code under test knows nothing of it. Nothing is counted before the file
``armed`` exists, so that a process can start and clear up in peace.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from app.uploading.tus import finishing
from indexer.catalog import generation_states
from indexer.media_store import STORED_NAME
from indexer.reindexing import promotion

Role = Literal["serve", "worker"]

WEB_POINTS = (
    "before-the-media-rename",
    "after-the-media-rename",
    "before-the-commit",
    "after-the-commit",
    "before-the-upload-finish",
    "after-the-upload-finish",
    "before-the-snapshot-rename",
    "after-the-snapshot-rename",
)
WORKER_POINTS = (
    "before-the-thumbnail-rename",
    "after-the-thumbnail-rename",
    "before-the-commit",
    "after-the-commit",
)
PROMOTION_POINTS = ("before-the-promotion", "after-the-promotion")


@dataclass(frozen=True)
class KillPoint:
    """A step of a role, and at which time of it the process dies."""

    role: Role
    name: str
    call: int
    armed: Path

    def to_environment(self) -> dict[str, str]:
        """Return the environment that tells it to a process and its workers."""
        return {"KILL_POINT": f"{self.role}:{self.name}:{self.call}:{self.armed}"}

    @classmethod
    def of_environment(cls) -> "KillPoint | None":
        """Return what the environment tells, if it does."""
        told = os.environ.get("KILL_POINT")
        if told is None:
            return None
        role, name, call, armed = told.split(":", 3)
        return cls("serve" if role == "serve" else "worker", name, int(call), Path(armed))


def die(*_arguments: Any) -> Any:
    """End the process as a power cut or an impatient system does."""
    os.kill(os.getpid(), signal.SIGKILL)


def prepare(role: Role) -> None:
    """Let this process die where the environment says, if it says so of its role."""
    point = KillPoint.of_environment()
    if point is None or point.role != role:
        return
    moment, step = point.name.split("-the-")
    is_after = moment == "after"
    counted = partial(_dying, point, is_after)
    if step.endswith("-rename"):
        os.replace = counted(os.replace, _TARGETS[step])
    elif step == "commit":
        nothing = counted(lambda *_: None)
        event.listen(*((Session, "after_commit", nothing) if is_after else (Engine, "commit", nothing)))
    elif step == "upload-finish":
        vars(finishing)["accept_file"] = counted(vars(finishing)["accept_file"])
    elif is_after:
        vars(promotion)["promote"] = _dying(point, True, vars(promotion)["promote"])
    else:
        vars(generation_states)["promote"] = _dying(point, True, generation_states.promote)


def _dying(
    point: KillPoint, is_after: bool, work: Callable[..., Any], concerns: Callable[..., bool] | None = None
) -> Callable[..., Any]:
    times = count(1)

    def work_or_die(*arguments: Any, **named: Any) -> Any:
        is_it = (
            (concerns is None or concerns(*arguments)) and point.armed.exists() and next(times) == point.call
        )
        if is_it and not is_after:
            die()
        result = work(*arguments, **named)
        if is_it:
            die()
        return result

    return work_or_die


_TARGETS: dict[str, Callable[..., bool]] = {
    "media-rename": lambda _source, target: STORED_NAME.fullmatch(Path(target).name) is not None,
    "thumbnail-rename": lambda _source, target: str(target).endswith(".jpg"),
    "snapshot-rename": lambda _source, target: str(target).endswith(".snapshot"),
}
