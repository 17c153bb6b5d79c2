"""Helpers for tests that delete: a video with everything, what is left of it, calls that are held."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from indexer.catalog.session import Database
from indexer.catalog.tables import Base, Video
from tests.service import Service

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def upload(service: Service, content: bytes = CONTENT) -> str:
    """Return the id of a video uploaded and indexed, with everything a video can have."""
    form = {"file": ("film.mp4", content)}
    video_id: str = service.client.post("/videos", files=form).json()["video_id"]
    service.finish_indexing(video_id)
    return video_id


def files_below(home: Path) -> list[str]:
    """Return the files of a library apart from its database."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.name.startswith("reelseek.db")]
    return sorted(str(path.relative_to(home)) for path in found)


def row_counts(database: Database, video_id: str) -> dict[str, int]:
    """Return how many rows name a video, by table."""
    counts = {}
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for name in ("video_id", "id"):
                if name in table.c and (table.name == "videos" or name == "video_id"):
                    where = table.c[name] == video_id
                    counts[table.name] = session.scalar(select(func.count()).select_from(table).where(where))
    return {name: count for name, count in counts.items() if count}


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Iterator[tuple[threading.Event, ...]]:
    """Yield two events: a call of ``name`` has come to its end; it may return."""
    ended, may_return = threading.Event(), threading.Event()
    work: Callable[..., Any] = getattr(owner, name)

    def wait_at_the_end(*arguments: Any, **named: Any) -> Any:
        result = work(*arguments, **named)
        ended.set()
        assert may_return.wait(20)
        return result

    monkeypatch.setattr(owner, name, wait_at_the_end)
    try:
        yield ended, may_return
    finally:
        may_return.set()


def is_deleted(service: Service, video_id: str) -> bool:
    with service.library.database.reading() as session:
        return session.get(Video, video_id) is None
