"""The clips of a folder's videos, found, decoded and cut as in indexing.

They come from a process of their own, ``python -m indexer.streams.clip_stream``, which tells the format.
"""

from collections.abc import Generator
from pathlib import Path

from model.decoded_stream import PYTHON_MODULE, RefusedVideo, VideoClip, WantedPixels, read_records
from model.preprocessing import Preprocessing

COMMAND = [*PYTHON_MODULE, "indexer.streams.clip_stream"]


def read_clips(
    folder: Path, preprocessing: Preprocessing, frames_per_clip: int, limit: int | None = None
) -> Generator[VideoClip | RefusedVideo]:
    """Yield the clips under ``folder`` as an encoder wants them, ``limit`` at most, and the files refused.

    Closing the iterator ends the process. Raises VideoReadingError.
    """
    size = preprocessing.image_size
    options = {"--frames": frames_per_clip, "--size": size, "--resize": preprocessing.resize_mode}
    if limit is not None:
        options["--limit"] = limit
    named = [f"{name}={value}" for name, value in options.items()]
    command = [*COMMAND, *named, "--", str(folder.absolute())]
    wanted = WantedPixels("clip", range(frames_per_clip, frames_per_clip + 1), size)
    return read_records(command, wanted)
