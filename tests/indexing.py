"""Helpers for tests that index: queue a file, interfere while it is encoded, look at what was written."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select

from indexer.catalog import jobs, videos
from indexer.catalog.tables import Clip, Job, Video
from indexer.catalog.videos import NewVideo
from indexer.folders.walk import hash_file
from indexer.generation_models import begin
from indexer.library import Library
from indexer.worker import Worker
from model.factory import Encoders
from model.video_encoder import VideoEmbedding
from tests.fakes import FakeVideoEncoder, fake_encoders

STUCK_WITHIN_S = 90.0
"""A process that has not come so far by then never will."""


class InterferingEncoder(FakeVideoEncoder):
    """Does something to the library while a video is being encoded."""

    def __init__(self, interfere: Callable[[], None]) -> None:
        self._interfere = interfere

    def encode(self, frames: NDArray[np.uint8]) -> VideoEmbedding:
        self._interfere()
        return super().encode(frames)


def encoders_that(interfere: Callable[[], None]) -> Encoders:
    """Return fake encoders that call ``interfere`` before each batch."""
    fake = fake_encoders()
    return Encoders(video=InterferingEncoder(interfere), text=fake.text, settings=fake.settings)


def worker_of(library: Library, encoders: Encoders | None = None) -> Worker:
    """Return a worker of the generation of ``encoders``, fake ones by default, which serves from now on."""
    return Worker(library, begin(library.database, encoders or fake_encoders()))


def enqueue(library: Library, path: Path) -> str:
    """Add the file to the library and return its job's id."""
    new = NewVideo(
        sha256=hash_file(path),
        filename=path.name,
        media_path=str(path),
        is_managed=False,
        size_bytes=path.stat().st_size,
    )
    with library.database.writing() as session:
        video, _ = videos.add_or_get(session, new)
        return jobs.enqueue(session, video.id).id


def the_job(library: Library, job_id: str) -> Job:
    """Return a job as it is now."""
    with library.database.reading() as session:
        return session.get_one(Job, job_id)


def the_video(library: Library) -> Video:
    """Return the only video there is."""
    with library.database.reading() as session:
        return session.scalars(select(Video)).one()


def count_clips(library: Library) -> int:
    """Return how many clips are stored."""
    with library.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Clip)) or 0


def thumbnails(library: Library) -> list[Path]:
    """Return the thumbnail files of all videos."""
    return sorted((library.settings.home_folder / "thumbnails").rglob("*.jpg"))


@contextmanager
def stuck_process(library: Library, batches: int, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``worker`` or ``batch …`` on the library; yield it when its encoder is stuck after ``batches``."""
    marker = library.settings.home_folder / "stuck"
    environment = {**os.environ, "REELSEEK_HOME": str(library.settings.home_folder), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stuck_process", str(marker), str(batches), *command],
        cwd=Path(__file__).parent.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + STUCK_WITHIN_S
        while not marker.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"the process never got stuck; it said: {process.communicate()[0]}")
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()
