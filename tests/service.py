"""A service over a real library in a folder of its own, with fake encoders: for tests that speak HTTP."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.config import ServiceSettings
from app.dependencies import Services, assemble_services
from app.main import create_app
from indexer.catalog import clips, generations
from indexer.catalog.clips import NewClip
from indexer.catalog.states import JobState, VideoState
from indexer.catalog.tables import Clip, Job, Video
from indexer.library import Library, open_library
from indexer.thumbnails import thumbnail_key
from model.factory import Encoders
from tests.factories import make_job, make_video
from tests.fakes import fake_encoders, unit_vector

CLIP_S = 4.0


@dataclass(frozen=True)
class Service:
    """A running application and what lies behind it."""

    client: TestClient
    services: Services

    @property
    def library(self) -> Library:
        return self.services.library

    def media_files(self) -> list[Path]:
        """Return every file of the media folder, half-written ones too."""
        return [path for path in self.library.media.root.rglob("*") if path.is_file()]

    def add_video(self, words: Sequence[str] = ("a cat",), **fields: object) -> Video:
        """Return a searchable video with one clip of four seconds a text, whose vector is that text's."""
        defaults = {"state": VideoState.READY, "duration_s": CLIP_S * len(words), "container": "mov,mp4"}
        video = make_video(**{**defaults, **fields})
        with self.library.database.writing() as session:
            session.add(video)
            session.flush()
            session.add(make_job(video, state=JobState.DONE, stage="done", fraction=1.0))
            self._store(video, words, session)
        return video

    def clips_of(self, video: Video) -> list[Clip]:
        """Return the clips of a video in their order."""
        with self.library.database.reading() as session:
            return list(session.get_one(Video, video.id).clips)

    def finish_indexing(self, video_id: str) -> None:
        """Do what a worker does in the end: the video is searchable and its job done."""
        with self.library.database.writing() as session:
            video = session.get_one(Video, video_id)
            video.state = VideoState.READY
            for job in session.query(Job).filter_by(video_id=video_id):
                job.state = JobState.DONE
            self._store(video, ["a cat"], session)

    def _store(self, video: Video, words: Sequence[str], session: Session) -> None:
        generation = generations.get(session, self.services.generation_id)
        made = [make_described_clip(video, index, text) for index, text in enumerate(words)]
        clips.store(session, video=video, generation=generation, clips=made)
        for clip in made:
            self.library.thumbnails.write(clip.thumbnail_key, b"\xff\xd8 a picture \xff\xd9")


def make_described_clip(video: Video, index: int, words: str) -> NewClip:
    """Return the clip at ``index`` that shows ``words``, best in the third of its four seconds."""
    vector = unit_vector(words)
    others = [unit_vector(f"{words}, part {part}") for part in range(3)]
    start_s = CLIP_S * index
    return NewClip(
        start_s=start_s,
        end_s=start_s + CLIP_S,
        thumbnail_key=thumbnail_key(video.sha256, start_s),
        vector=vector,
        segments=np.stack([others[0], others[1], vector, others[2]]),
    )


@contextmanager
def open_service(home: Path, encoders: Encoders | None = None, **settings: object) -> Iterator[Service]:
    """Yield a service over the library in ``home``; nothing of the disk's free space is kept back."""
    chosen = ServiceSettings.model_validate({"home": home, "min_free_bytes": 0, **settings})
    services = assemble_services(chosen, open_library(chosen), encoders or fake_encoders())
    try:
        with TestClient(create_app(chosen, services), raise_server_exceptions=False) as client:
            yield Service(client, services)
    finally:
        services.close()


def search(service: Service, **parameters: Any) -> dict[str, Any]:
    """Return the answer, which must be one."""
    response = service.client.get("/search", params=parameters)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer
