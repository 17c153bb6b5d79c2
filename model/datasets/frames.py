"""The frames that a captioned item has to choose from, and which of them an encoder sees.

Papers re-encode each video to 3 frames a second first, and choose among all of these. Here they are decoded
as an index decodes them, by ``python -m indexer.streams.frame_stream``: upright, by presentation time, in the
encoder's own size. They are taken anew for each process that asks; ``frame_store`` keeps them.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.datasets.base import CaptionedItem, Photograph, Refusal, RenderedMedia, VideoFile
from model.datasets.photographs import centre_crop, resize
from model.decoded_stream import (
    PYTHON_MODULE,
    RefusedVideo,
    VideoClip,
    VideoReadingError,
    WantedPixels,
    read_records,
)
from model.preprocessing import Preprocessing

COMMAND = [*PYTHON_MODULE, "indexer.streams.frame_stream"]

UNREADABLE_PHOTOGRAPH = "unreadable-photograph"
"""The code of an item whose photograph does not decode; those of videos are the decoder's own."""

UNREADABLE_PICTURE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for broken pictures: its readers differ."""


@dataclass(frozen=True)
class Sampling:
    """The candidates of a video: ``frames_per_second`` of them, thinned evenly where over ``most``."""

    frames_per_second: float = 3.0
    most: int = 60


@dataclass(frozen=True)
class CandidateFrames:
    """An item and its ``frames`` (F, H, W, 3) uint8 RGB in the order they are shown, F at least 1."""

    item: CaptionedItem
    frames: NDArray[np.uint8]


Answer: TypeAlias = CandidateFrames | Refusal


def read_candidates(
    items: Sequence[CaptionedItem], preprocessing: Preprocessing, sampling: Sampling = Sampling()
) -> Generator[Answer]:
    """Yield for each of ``items``, in their order, its candidates or why there are none.

    One process decodes the video files, and works a few ahead; closing the generator ends it. Raises
    VideoReadingError when that process fails, which no single file should bring about.
    """
    files = [item.media for item in items if isinstance(item.media, VideoFile)]
    with closing(_decode(files, preprocessing, sampling)) as decoded:
        for item in items:
            if isinstance(item.media, VideoFile):
                yield _answer(item, item.media, next(decoded, None))
            else:
                yield _draw(item, item.media, preprocessing)


def choose_frames(
    candidates: int, frames: int, generator: np.random.Generator | None = None
) -> NDArray[np.int64]:
    """Return which of F ``candidates`` to show as T ``frames``, never decreasing: (T,).

    Without ``generator`` the middles ⌊(i + ½)·F/T⌋, as for testing. With it one at random of each chunk of
    q = ⌊F/T⌋, so that the last F mod T are never drawn: CenterCLIP (arXiv 2205.00823) after TSN (arXiv
    1608.00859). Fewer candidates than frames are repeated evenly, where the paper repeats the last one and
    masks it. Raises ValueError for no candidates or no frames.
    """
    if candidates < 1 or frames < 1:
        raise ValueError(f"{frames} frames of {candidates} candidates: both must be at least 1")
    chunk = candidates // frames
    order = np.arange(frames, dtype=np.int64)
    if generator is None or chunk < 1:
        return (2 * order + 1) * candidates // (2 * frames)
    return order * chunk + generator.integers(0, chunk, size=frames)


def _decode(
    files: Sequence[VideoFile], preprocessing: Preprocessing, sampling: Sampling
) -> Generator[VideoClip | RefusedVideo]:
    """Yield the answer to each of ``files``; the process starts with the first one asked for."""
    size = preprocessing.image_size
    options = {
        "--size": size,
        "--resize": preprocessing.resize_mode,
        "--rate": sampling.frames_per_second,
        "--most": sampling.most,
    }
    command = [*COMMAND, *(f"{name}={value}" for name, value in options.items())]
    requests = "".join(
        json.dumps({"path": str(file.path.absolute()), "start_s": file.start_s, "end_s": file.end_s}) + "\n"
        for file in files
    )
    wanted = WantedPixels("frames", range(1, sampling.most + 1), size)
    return read_records(command, wanted, requests.encode("ascii"))


def _answer(item: CaptionedItem, file: VideoFile, answer: VideoClip | RefusedVideo | None) -> Answer:
    if answer is None or answer.path != file.path.absolute():
        raise VideoReadingError(
            f"the process that decodes the videos answered for {answer.path if answer else 'no file'} "
            f"where {file.path} was asked for"
        )
    if isinstance(answer, RefusedVideo):
        return Refusal(item.name, answer.code, answer.reason)
    return CandidateFrames(item, answer.frames)


def _draw(item: CaptionedItem, media: Photograph | RenderedMedia, preprocessing: Preprocessing) -> Answer:
    """Return the candidates of an item that lies in no file."""
    try:
        if isinstance(media, Photograph):
            return CandidateFrames(item, _photograph(media, preprocessing)[np.newaxis])
        return CandidateFrames(item, media.render(preprocessing.image_size))
    except UNREADABLE_PICTURE_ERRORS as error:
        return Refusal(item.name, UNREADABLE_PHOTOGRAPH, f"{item.name} is no picture that opens: {error}")


def _photograph(photograph: Photograph, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return a photograph as an encoder wants it: (H, W, 3)."""
    with Image.open(BytesIO(photograph.encoded)) as opened:
        picture = opened.convert("RGB")
    if preprocessing.resize_mode == "shortest":
        picture = centre_crop(picture)
    return resize(picture, preprocessing.image_size)
