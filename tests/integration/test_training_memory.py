"""The memory that training takes, accounted at the paper's size without computing: it follows the tokens."""

from functools import cache

import pytest
import torch
from torch import Tensor

from model.evaluation.peak_memory import mean_token_share, measure_peak_bytes, predict_peak_bytes
from tests.published_costs import NOTHING_COMPUTED, Published, paper_tower, video_tower

VIDEOS = 16
"""A GPU's part of the batch in the paper's training on ActivityNet; the clips have 60 frames."""


@cache
def share_and_peak(reduction: str, dtype: torch.dtype) -> tuple[float, int]:
    """Return the mean token share, and the peak of a forward and a backward pass through the video tower."""
    tower = video_tower(Published(32, 60, reduction, 0))
    with NOTHING_COMPUTED:
        paper_tower(32).zero_grad()
        pictures = torch.zeros(VIDEOS * tower.frames, 3, 224, 224)

        def run() -> None:
            with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
                vectors: Tensor = tower.run(pictures).vectors
            vectors.float().square().mean().backward()

        peak = measure_peak_bytes(run)
    assert tower.trunk is not None
    return mean_token_share(tower.schedule, tower.trunk.shape, tower.frames), peak


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("reduction", ["centerclip:B6-20,49", "centerclip:B6-15,49"])
def test_the_peak_of_training_lies_on_the_line_through_two_others(reduction: str, dtype: torch.dtype) -> None:
    known, other = share_and_peak("none", dtype), share_and_peak("centerclip:B6-12,49", dtype)
    share, peak = share_and_peak(reduction, dtype)
    assert other[0] == pytest.approx(0.6)
    assert peak == pytest.approx(predict_peak_bytes(share, known, other), rel=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_twelve_segments_of_sixty_frames_train_in_two_thirds_of_the_memory(dtype: torch.dtype) -> None:
    _, reduced = share_and_peak("centerclip:B6-12,49", dtype)
    _, whole = share_and_peak("none", dtype)
    assert reduced / whole <= 0.65
