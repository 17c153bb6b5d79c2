"""Candidate frames on disk: each item is decoded once, however often training looks at it.

A folder has one file an item, named by a digest of all that its content depends on: of a video file the
path, size and time of change, else the media themselves; with span, sampling and size in pixels. So what
changes is decoded anew, what does not is found again, and datasets may share a folder. Nothing is deleted.

Refusals are kept too: processes that train together must leave out the same items, and a long video that
breaks off need not be decoded at every start. Only what may have been the machine's fault is tried again.
"""

import fcntl
import hashlib
import json
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from model.datasets.base import CaptionedItem, Media, Refusal, VideoFile
from model.datasets.frames import Answer, Sampling, read_candidates
from model.datasets.stored_frames import StoredFrames, StoredRefusal, open_stored
from model.preprocessing import Preprocessing

FORMAT = 1
"""Of the files; a change that makes other pictures of the same media must raise it."""

PERHAPS_THE_MACHINE = {"decoder-crashed", "decoder-stalled"}
"""Codes of the decoder for which too little memory or too many other processes may be to blame."""

LOCK_NAME = ".lock"

Progress = Callable[[int, int], None]
"""Is told how many items are done, of how many."""


class FrameStore:
    """The items that have candidates, the candidates of each, and the items refused, all in their order."""

    def __init__(
        self, items: Sequence[CaptionedItem], stored: Sequence[StoredFrames], refusals: Sequence[Refusal]
    ) -> None:
        """Take ``stored[i]`` for the frames of ``items[i]``; ``prepare`` is the way to make a store."""
        self.items = tuple(items)
        self.refusals = tuple(refusals)
        self._stored = tuple(stored)

    @classmethod
    def prepare(
        cls,
        items: Sequence[CaptionedItem],
        preprocessing: Preprocessing,
        sampling: Sampling,
        folder: Path,
        on_progress: Progress | None = None,
    ) -> Self:
        """Decode into ``folder`` what is not there yet, and return the store of ``items``.

        A process killed in between leaves whole items only, and the next one carries on. Of processes that
        prepare one folder at once, as ranks do, the first works and the others wait and take what it found.
        Raises VideoReadingError, and OSError if ``folder`` cannot be written.
        """
        started_s = time.time()
        paths = [folder / _file_name(item.media, preprocessing, sampling) for item in items]
        with _only_one(folder):
            done = {path: stored for path in {*paths} if (stored := _find(path, started_s))}
            missing = [(item, path) for item, path in zip(items, paths, strict=True) if path not in done]
            ready = len(items) - len(missing)
            tell = on_progress or _tell_nobody
            tell(ready, len(items))
            with closing(read_candidates([item for item, _ in missing], preprocessing, sampling)) as answers:
                for (_, path), answer in zip(missing, answers, strict=True):
                    done[path] = _keep(path, answer)
                    ready += 1
                    tell(ready, len(items))
        return cls._of([(item, done[path]) for item, path in zip(items, paths, strict=True)])

    @classmethod
    def _of(cls, outcomes: Sequence[tuple[CaptionedItem, StoredFrames | StoredRefusal]]) -> Self:
        kept = [(item, stored) for item, stored in outcomes if isinstance(stored, StoredFrames)]
        refusals = [
            Refusal(item.name, stored.code, stored.reason)
            for item, stored in outcomes
            if isinstance(stored, StoredRefusal)
        ]
        return cls([item for item, _ in kept], [stored for _, stored in kept], refusals)

    def __len__(self) -> int:
        return len(self.items)

    def count(self, index: int) -> int:
        """Return how many candidates item ``index`` has."""
        return self._stored[index].count

    def candidates(self, index: int) -> NDArray[np.uint8]:
        """Return all candidates of item ``index``: (F, H, W, 3) RGB."""
        return self.pick(index, np.arange(self.count(index)))

    def pick(self, index: int, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the ``chosen`` candidates of item ``index``, and decode no other: (T, H, W, 3) RGB."""
        return self._stored[index].read(chosen)


def _tell_nobody(_done: int, _total: int) -> None:
    pass


def _find(path: Path, started_s: float) -> StoredFrames | StoredRefusal | None:
    """Return what is known of an item; a refusal that may pass counts only if made since ``started_s``."""
    stored = open_stored(path)
    may_pass = isinstance(stored, StoredRefusal) and stored.code in PERHAPS_THE_MACHINE
    return None if may_pass and path.stat().st_mtime < started_s else stored


def _keep(path: Path, answer: Answer) -> StoredFrames | StoredRefusal:
    if not isinstance(answer, Refusal):
        return StoredFrames.write(path, answer.frames)
    refusal = StoredRefusal(answer.code, answer.reason)
    refusal.write(path)
    return refusal


def _file_name(media: Media, preprocessing: Preprocessing, sampling: Sampling) -> str:
    """Return a name that changes with all that the candidates depend on."""
    content: dict[str, object]
    if isinstance(media, VideoFile):
        content = {"span": [media.start_s, media.end_s], "sampling": asdict(sampling), **_state(media.path)}
    else:
        content = {"media": hashlib.sha256(pickle.dumps(media, protocol=4)).hexdigest()}
    shown = {"size": preprocessing.image_size, "resize": preprocessing.resize_mode, "format": FORMAT}
    return hashlib.sha256(json.dumps(content | shown).encode()).hexdigest()[:40] + ".frames"


def _state(path: Path) -> dict[str, object]:
    """Return what tells that the file at ``path`` has changed, or can be read only now."""
    try:
        status = path.stat()
    except OSError:  # decoding it will tell what is wrong
        return {"path": str(path.absolute())}
    return {
        "path": str(path.absolute()),
        "is_readable": os.access(path, os.R_OK),
        "bytes": status.st_size,
        "changed_ns": status.st_mtime_ns,
    }


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Keep other processes from preparing ``folder``; the system lets go of it when this one dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_NAME).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
