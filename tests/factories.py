"""Rows for tests, every field defaulted; only ``store_video`` writes."""

import hashlib
from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from indexer.catalog import clips
from indexer.catalog.clips import NewClip
from indexer.catalog.states import GenerationState
from indexer.catalog.tables import Clip, Generation, Job, Video
from model.factory import EncoderSettings
from model.preprocessing import Preprocessing

_numbers = count(1)


def make_video(**fields: Any) -> Video:
    """Return a video of its own bytes."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "sha256": hashlib.sha256(f"video {number}".encode()).hexdigest(),
        "filename": f"video-{number}.mp4",
        "title": f"Video {number}",
        "media_path": f"/videos/video-{number}.mp4",
        "is_managed": False,
        "size_bytes": 1000 + number,
    }
    return Video(**{**defaults, **fields})


def make_clip(video: Video, **fields: Any) -> Clip:
    """Return the first clip of ``video``, five seconds long."""
    defaults: dict[str, Any] = {
        "video": video,
        "ordinal": 0,
        "start_s": 0.0,
        "end_s": 5.0,
        "thumbnail_key": f"{video.sha256[:2]}/{video.sha256}/0000000000.jpg",
    }
    return Clip(**{**defaults, **fields})


def make_job(video: Video, **fields: Any) -> Job:
    """Return a queued job of ``video``."""
    return Job(**{"video_id": video.id, **fields})


def make_generation(**fields: Any) -> Generation:
    """Return a serving generation of its own encoder setting."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "fingerprint": hashlib.sha256(f"generation {number}".encode()).hexdigest(),
        "preset": "fake",
        "settings": {},
        "dimension": 8,
        "state": GenerationState.SERVING,
    }
    return Generation(**{**defaults, **fields})


def make_encoder_settings(**fields: Any) -> EncoderSettings:
    """Return encoder settings; any other ``architecture`` is another generation."""
    defaults: dict[str, Any] = {
        "preset": "fake",
        "architecture": "fake",
        "weights_sha256": "0" * 64,
        "preprocessing": Preprocessing(
            image_size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), resize_mode="shortest"
        ),
        "frames_per_clip": 12,
        "reduction": "none",
        "dimension": 8,
    }
    return EncoderSettings(**{**defaults, **fields})


def make_clip_ids(embedding_ids: Iterable[int]) -> list[str]:
    """Return an id of a clip for each of its vector's."""
    return [f"{one:032x}" for one in embedding_ids]


def make_unit_vectors(seed: int, rows: int, dimension: int = 8) -> NDArray[np.float32]:
    """Return ``rows`` unit vectors (rows, D) drawn with ``seed``."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def make_new_clip(seed: int, *, start_s: float = 0.0, dimension: int = 8, segments: int = 2) -> NewClip:
    """Return a clip of four seconds to store, its vectors drawn with ``seed``."""
    vectors = make_unit_vectors(seed, 1 + segments, dimension)
    return NewClip(
        start_s=start_s,
        end_s=start_s + 4.0,
        thumbnail_key=f"ab/{seed}/{int(start_s * 1000):010d}.jpg",
        vector=vectors[0],
        segments=vectors[1:],
    )


def store_video(session: Session, generation: Generation, *new_clips: NewClip, **fields: Any) -> Video:
    """Write a video with ``new_clips`` and return it."""
    video = make_video(**fields)
    session.add(video)
    session.flush()
    clips.store(session, video=video, generation=generation, clips=new_clips)
    return video
