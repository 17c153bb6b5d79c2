"""From a clip and a query to the heat map of one frame: decoded, compared and drawn while somebody waits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.errors import CannotExplain
from app.heatmap.drawing import Cells, draw_heatmap
from indexer.clip_pictures import read_pictures
from indexer.decoding.plans import ClipPlan
from indexer.errors import IndexingError, MediaMissing
from model.patch_scores import PatchScores, UnreadablePatchesError
from model.video_encoder import VideoEncoder


@dataclass(frozen=True)
class WantedHeatmap:
    """Which clip to explain, and by what."""

    path: Path
    """Absolute."""
    start_s: float
    end_s: float
    query: NDArray[np.float32]
    """(D,), unit."""
    at_s: float | None
    """The second of the video to show; None: where it fits best."""


def make_heatmap(encoder: VideoEncoder, wanted: WantedHeatmap) -> bytes:
    """Return the PNG; raises MediaMissing, and CannotExplain for a file or a model that cannot be read."""
    preprocessing = encoder.preprocessing
    try:
        plan = ClipPlan(
            preprocessing.image_size,
            preprocessing.resize_mode,
            encoder.frames_per_clip,
            wanted.start_s,
            wanted.end_s,
        )
        pictures = read_pictures(wanted.path, plan)
    except IndexingError as error:
        if isinstance(error, MediaMissing):  # its text names a path of the server
            raise MediaMissing("the video's file is gone from the disk: put it back") from error
        raise CannotExplain(str(error)) from error
    try:
        found = encoder.score_patches(pictures, wanted.query)
    except UnreadablePatchesError as error:
        raise CannotExplain(str(error)) from error
    frame = best_frame(found) if wanted.at_s is None else _frame_at(wanted, wanted.at_s, len(pictures), found)
    return draw_heatmap(pictures[frame], cells_of(found, frame))


def best_frame(found: PatchScores) -> int:
    """Return the frame that gives most to the score of the segment that fits best."""
    is_best = found.segments == int(found.segment_scores.argmax())
    given = found.shares[is_best] * found.scores[is_best]
    frames, of_frame = np.unique(found.frames[is_best], return_inverse=True)
    return int(frames[np.bincount(of_frame, weights=given).argmax()])


def cells_of(found: PatchScores, frame: int) -> Cells:
    """Return the patches kept of a frame; heat goes from the least to the most that one of the clip has."""
    least, most = float(found.scores.min()), float(found.scores.max())
    heat = (found.scores - least) / ((most - least) or 1.0)
    is_there = found.frames == frame
    return Cells(found.rows[is_there], found.columns[is_there], heat[is_there], found.side)


def _frame_at(wanted: WantedHeatmap, at_s: float, frames: int, found: PatchScores) -> int:
    """Return the frame nearest to a second of which a patch was kept."""
    part_s = (wanted.end_s - wanted.start_s) / frames
    middles = wanted.start_s + (found.frames + 0.5) * part_s
    return int(found.frames[np.abs(middles - at_s).argmin()])
