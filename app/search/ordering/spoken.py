"""Words said, turned into clips: each cue belongs to the clip that its middle lies in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.catalog.words_said import SaidHit
from indexer.vector_index.view import IndexView


@dataclass(frozen=True)
class SpokenClips:
    """Clips in which the words are said, best first."""

    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    cues: Mapping[int, SaidHit] = field(default_factory=dict)
    """The best cue of each clip."""


def spoken_clips(view: IndexView, found: Sequence[SaidHit], until_id: int | None) -> SpokenClips:
    """Return the clips that the cues ``found`` belong to, in their order, of ids up to ``until_id``."""
    timelines: dict[str, _Timeline] = {}
    cues: dict[int, SaidHit] = {}
    for cue in found:
        if cue.video_id not in timelines:
            timelines[cue.video_id] = _timeline(view, cue.video_id, until_id)
        clip_id = timelines[cue.video_id].clip_at((cue.start_s + cue.end_s) / 2)
        if clip_id is not None:
            cues.setdefault(clip_id, cue)
    return SpokenClips(np.fromiter(cues, np.int64), cues)


@dataclass(frozen=True)
class _Timeline:
    """One video's clips (N,) in time order."""

    ids: NDArray[np.int64]
    start_s: NDArray[np.float64]

    def clip_at(self, second: float) -> int | None:
        """Return the clip at a second; the last one behind the end, where subtitles may run on."""
        if not len(self.ids):
            return None
        return int(self.ids[max(0, int(np.searchsorted(self.start_s, second, side="right")) - 1)])


def _timeline(view: IndexView, video_id: str, until_id: int | None) -> _Timeline:
    ids = view.ids_of_videos([video_id])
    if until_id is not None:
        ids = ids[ids <= until_id]
    columns = view.clips(ids)
    order = np.argsort(columns.start_s, kind="stable")
    return _Timeline(columns.ids[order], columns.start_s[order])
