"""The pictures that an indexed clip was encoded from, made once more while somebody waits for them."""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.decoding.messages import DecodedFrames
from indexer.decoding.plans import ClipPlan
from indexer.decoding.sandbox import decode_clip
from indexer.errors import DecoderCrashed, DecoderStalled, NoFrames

PATIENCE_S = 20.0
"""Longer than any clip takes in a container that finds its way; others are decoded from their beginning."""


def read_pictures(path: Path, plan: ClipPlan, patience_s: float = PATIENCE_S) -> NDArray[np.uint8]:
    """Return the pictures (T, H, W, 3) of a clip of the file at the absolute `path`.

    Raises the IndexingError of a file that cannot be read, or not in so many seconds.
    """
    decoded: DecodedFrames | None = None
    is_late = threading.Event()
    with decode_clip(path, plan) as messages:

        def stop() -> None:
            is_late.set()
            messages.kill()

        timer = threading.Timer(patience_s, stop)
        timer.start()
        try:
            for message in messages:
                if isinstance(message, DecodedFrames):
                    decoded = message
        except DecoderCrashed as error:
            if is_late.is_set():
                raise DecoderStalled(
                    f"decoding {path.name} up to {plan.clip_end_s:.1f} s took more than {patience_s:g} s: "
                    "a copy of it as MP4 or Matroska is quicker to go through"
                ) from error
            raise
        finally:
            timer.cancel()
    if decoded is None:
        raise NoFrames(f"{path.name} ends before second {plan.clip_start_s:.1f}: it is not what was indexed")
    return decoded.frames
