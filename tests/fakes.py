"""Stand-ins for the encoders: no weights, same attributes; the same input gives the same unit vector."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.factory import Encoders, EncoderSettings
from model.patch_scores import PatchScores, UnreadablePatchesError
from model.preprocessing import Preprocessing
from model.prompts import AS_TYPED
from model.text_encoder import TextEncoder
from model.video_encoder import VideoEmbedding, VideoEncoder

IMAGE_SIZE = 32
FRAMES_PER_CLIP = 12
SEGMENTS_PER_CLIP = 4
DIMENSION = 16
PREPROCESSING = Preprocessing(
    image_size=IMAGE_SIZE, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), resize_mode="shortest"
)


def unit_vector(key: str, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """Return a unit vector (D,) that depends on ``key`` alone."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class FakeTextEncoder(TextEncoder):
    """Text → fixed unit vector from its hash."""

    dimension = DIMENSION
    prompts: tuple[str, ...] = AS_TYPED

    def __init__(self) -> None:
        """Take no model: there is nothing to load."""

    def readable_part(self, text: str) -> str:
        """Return the whole text."""
        return text

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, (Q, D)."""
        return np.array([unit_vector(text) for text in texts], dtype=np.float32).reshape(-1, DIMENSION)

    def encode_readable(self, text: str) -> tuple[NDArray[np.float32], str]:
        """Return the unit vector (D,) of what is read of a text, and that."""
        read = self.readable_part(text)
        return self.encode([read])[0], read

    def prepare(self, folder: Path | None = None, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Do nothing: it is as fast as it gets."""


class ShortSightedEncoder(FakeTextEncoder):
    """Reads five words, and 30 characters of one without blanks."""

    def readable_part(self, text: str) -> str:
        """Return the beginning of the text."""
        return " ".join(text.split()[:5]) if " " in text else text[:30]


class FakeVideoEncoder(VideoEncoder):
    """Frames → unit vector from the mean colour of quarters of the picture: like pictures, like vectors."""

    preprocessing = PREPROCESSING
    frames_per_clip = FRAMES_PER_CLIP
    segments_per_clip = SEGMENTS_PER_CLIP
    dimension = DIMENSION

    def __init__(self) -> None:
        """Take no tower: there is nothing to load."""

    def encode(self, frames: NDArray[np.uint8]) -> VideoEmbedding:
        """Return clip vectors (B, D) and segment vectors (B, S, D) of frames (B, T, H, W, 3)."""
        features = _colour_features(frames)  # (B, T, D)
        parts = np.array_split(features, SEGMENTS_PER_CLIP, axis=1)
        segments = np.stack([part.mean(axis=1) for part in parts], axis=1)  # (B, S, D)
        return VideoEmbedding(clips=_unit(features.mean(axis=1)), segments=_unit(segments))

    def score_patches(self, frames: NDArray[np.uint8], query: NDArray[np.float32]) -> PatchScores:
        """Refuse, as a tower does that cannot be taken apart."""
        raise UnreadablePatchesError("a fake has no patches")


def fake_encoders() -> Encoders:
    """Return encoders that need no weights; their settings name a generation of their own."""
    settings = EncoderSettings(
        preset="fake",
        architecture="fake",
        weights_sha256="0" * 64,
        preprocessing=PREPROCESSING,
        frames_per_clip=FRAMES_PER_CLIP,
        reduction="none",
        dimension=DIMENSION,
    )
    return Encoders(video=FakeVideoEncoder(), text=FakeTextEncoder(), settings=settings)


def _colour_features(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    batch, count, height, width, _ = frames.shape
    quarters = frames[:, :, : height // 2 * 2, : width // 2 * 2].reshape(
        batch, count, 2, height // 2, 2, width // 2, 3
    )
    colours = quarters.mean(axis=(3, 5), dtype=np.float32).reshape(batch, count, 12) / 255
    constant = np.ones((batch, count, DIMENSION - 12), dtype=np.float32)
    return np.concatenate([colours, constant], axis=2)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit.astype(np.float32)
