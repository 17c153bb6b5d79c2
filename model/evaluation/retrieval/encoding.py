"""The items of a dataset and their captions as vectors: a video whole, from frames spread over all of it."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.datasets.base import CaptionedItem, Photograph, Refusal
from model.datasets.frames import CandidateFrames, choose_frames, read_candidates
from model.evaluation.retrieval.encoders import RetrievalEncoders
from model.text_encoder import TextEncoder
from model.video_encoder import VideoEncoder

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class EncodedItems:
    """The items that could be read, in the dataset's order, and those that could not."""

    items: tuple[CaptionedItem, ...]
    vectors: Vectors
    """(V, D), unit vectors."""
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class EncodedCaptions:
    """All captions of items, item by item."""

    vectors: Vectors
    """(Q, D), unit vectors."""
    owners: NDArray[np.int64]
    """(Q,): the place of the item that each was said of."""
    cut: int
    """How many are longer than the model reads."""


def encode_captions(items: Sequence[CaptionedItem], encoder: TextEncoder) -> EncodedCaptions:
    """Return the vectors of all captions of ``items``; raises ValueError if the weights are damaged."""
    captions = [caption for item in items for caption in item.captions]
    owners = np.repeat(np.arange(len(items), dtype=np.int64), [len(item.captions) for item in items])
    cut = sum(encoder.readable_part(caption) != caption for caption in captions)
    return EncodedCaptions(encoder.encode(captions), owners, cut)


def encode_items(
    items: Sequence[CaptionedItem],
    encoders: RetrievalEncoders,
    batch: int,
    on_item: Callable[[], object] = lambda: None,
) -> EncodedItems:
    """Return the vectors of ``items``, encoded ``batch`` videos at once, or as many photographs as frames.

    ``on_item`` is called for each item read. Raises VideoReadingError if the process that decodes fails, and
    ValueError if the weights are damaged.
    """
    videos = _Batches(encoders.video, batch)
    pictures = _Batches(encoders.picture, batch * encoders.video.frames_per_clip)
    read: list[CaptionedItem] = []
    refusals: list[Refusal] = []
    with closing(read_candidates(items, encoders.video.preprocessing)) as answers:
        for answer in answers:
            on_item()
            if isinstance(answer, Refusal):
                refusals.append(answer)
                continue
            is_picture = isinstance(answer.item.media, Photograph)
            (pictures if is_picture else videos).add(len(read), answer)
            read.append(answer.item)
    vectors = np.empty((len(read), encoders.video.dimension), dtype=np.float32)
    for batches in (videos, pictures):
        batches.write_to(vectors)
    return EncodedItems(tuple(read), vectors, tuple(refusals))


class _Batches:
    """What waits for one encoder, and what it has made so far."""

    def __init__(self, encoder: VideoEncoder, size: int) -> None:
        self._encoder = encoder
        self._size = size
        self._waiting: list[NDArray[np.uint8]] = []
        self._places: list[int] = []
        self._made: list[Vectors] = []

    def add(self, place: int, candidates: CandidateFrames) -> None:
        """Take the frames to encode of what belongs at ``place``."""
        chosen = choose_frames(len(candidates.frames), self._encoder.frames_per_clip)
        self._places.append(place)
        self._waiting.append(candidates.frames[chosen])
        if len(self._waiting) == self._size:
            self._encode()

    def write_to(self, vectors: Vectors) -> None:
        """Encode what still waits, and put all vectors into their places."""
        if self._waiting:
            self._encode()
        if self._made:
            vectors[self._places] = np.concatenate(self._made)

    def _encode(self) -> None:
        self._made.append(self._encoder.encode(np.stack(self._waiting)).clips)
        self._waiting = []
