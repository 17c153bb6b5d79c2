"""``python -m tests.faults.killed_deletion HOME VIDEO POINT``: delete a video and be killed at a point of it.

Only here is anything patched: the code under test knows nothing of it.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from indexer import video_deletion
from indexer.config import Settings
from indexer.library import Library, open_library
from indexer.set_aside import AsideFile

POINTS = (
    "after-the-first-rename",
    "after-the-last-rename",
    "before-the-commit",
    "after-the-commit",
    "after-the-first-file",
    "after-the-last-file",
)


def die(*_arguments: Any) -> Any:
    """End the process as a power cut or an impatient system does."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_unless_nested(session: Session) -> None:
    """End the process at a commit; that of a savepoint is none."""
    if not session.in_nested_transaction():
        die()


def after(call: int, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``work`` that ends the process after its call of this number."""
    calls = 0

    def count(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        result = work(*arguments)
        if calls == call:
            die()
        return result

    return count


def prepare(point: str) -> None:
    """Let this process die at ``point`` of the next deletion."""
    if point.endswith("rename"):
        setattr(Path, "rename", after(1 if "first" in point else 2, Path.rename))  # noqa: B010
    elif point.endswith("commit"):
        event.listen(Session, point.replace("-the-", "_"), die_unless_nested)
    elif point == "after-the-first-file":
        setattr(AsideFile, "drop", after(1, AsideFile.drop))  # noqa: B010
    else:
        setattr(Library, "sweep_deleted", die)  # noqa: B010


if __name__ == "__main__":
    home, video_id, chosen = sys.argv[1:]
    library = open_library(Settings(home=Path(home)))
    prepare(chosen)
    video_deletion.delete_video(library, video_id)
