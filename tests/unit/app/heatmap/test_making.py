"""Which frame of a clip is shown, and what of it."""

import numpy as np

from app.heatmap.making import best_frame, cells_of
from model.patch_scores import PatchScores


def scored(patches: list[tuple[int, float, float]], segment_scores: list[float]) -> PatchScores:
    """Return patches (frame, share, score) of segments of two frames each, all in the first row."""
    frames, shares, scores = (np.array(column) for column in zip(*patches, strict=True))
    columns = np.arange(len(patches)) % 4
    return PatchScores(
        scores=scores.astype(np.float32),
        shares=shares.astype(np.float32),
        frames=frames,
        rows=np.zeros_like(frames),
        columns=columns,
        segments=frames // 2,
        segment_scores=np.array(segment_scores, np.float32),
        side=4,
        is_exact=True,
    )


def test_the_best_frame_gives_most_to_the_best_segment() -> None:
    patches = [(0, 0.5, 0.9), (1, 0.5, 0.1), (2, 0.2, 0.9), (3, 0.5, 0.5), (3, 0.3, 0.3)]
    assert best_frame(scored(patches, [0.5, 0.6])) == 3
    assert best_frame(scored(patches, [0.6, 0.5])) == 0


def test_a_best_segment_that_fits_badly_still_has_a_best_frame() -> None:
    assert best_frame(scored([(0, 0.5, -0.5), (2, 0.5, -0.3), (3, 0.5, -0.1)], [-0.5, -0.2])) == 3


def test_heat_is_measured_on_the_whole_clip_and_shown_of_one_frame() -> None:
    cells = cells_of(scored([(0, 0.5, 0.2), (0, 0.5, 0.4), (3, 1.0, 1.2)], [0.3, 1.2]), 0)
    np.testing.assert_allclose(cells.heat, [0.0, 0.2], atol=1e-6)
    assert (cells.rows.tolist(), cells.columns.tolist(), cells.side) == ([0, 0], [0, 1], 4)


def test_patches_that_all_fit_alike_are_no_division_by_zero() -> None:
    assert cells_of(scored([(0, 0.5, 0.2), (0, 0.5, 0.2)], [0.2]), 0).heat.tolist() == [0.0, 0.0]
