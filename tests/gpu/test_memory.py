"""The memory of training steps on a GPU against CenterCLIP's tables (MODEL-SPEC 7.2)."""

import pytest
import torch
from torch.nn.functional import normalize

from model.evaluation.efficiency.arms import Backbone
from model.evaluation.efficiency.measurement import video_like_pictures
from model.evaluation.efficiency.modes import Mode, prepare_training
from model.evaluation.peak_memory import mean_token_share, measure_peak_bytes, predict_peak_bytes
from model.token_reduction.naming import parse_reduction
from model.vision_transformer.video_tower import VideoTower
from tests.gpu.machine import DEVICE, needs_gpu, open_backbone

pytestmark = [pytest.mark.gpu, needs_gpu]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    backbone = open_backbone()
    backbone.tower.train()
    return backbone


def measure(backbone: Backbone, reduction: str, *, frames: int, videos: int) -> tuple[float, int]:
    """Return the share of the tokens that remain, and the peak of a step under autocast to bfloat16."""
    shape = backbone.trunk.shape
    tower = VideoTower(backbone.tower, parse_reduction(reduction, shape, frames), frames)
    pictures = video_like_pictures(backbone.image_size, videos, frames).to(DEVICE)
    targets = normalize(torch.randn(videos, backbone.trunk.dimension, device=DEVICE), dim=1)
    step = prepare_training(tower, pictures, targets, Mode.EAGER, torch.bfloat16)
    step()
    return mean_token_share(tower.schedule, shape, frames), measure_peak_bytes(step, str(DEVICE))


def test_the_peak_is_a_straight_line_over_the_share_of_tokens(backbone: Backbone) -> None:
    ends = [measure(backbone, name, frames=12, videos=32) for name in ("none", "centerclip:B6-3,49")]
    for name in ("centerclip:B6-6,49", "centerclip:B6-4,49"):
        share, peak = measure(backbone, name, frames=12, videos=32)
        assert peak == pytest.approx(predict_peak_bytes(share, *ends), rel=0.05), name


def test_training_on_sixty_frames_takes_at_most_the_papers_share_of_memory(backbone: Backbone) -> None:
    _, whole = measure(backbone, "none", frames=60, videos=16)
    _, reduced = measure(backbone, "centerclip:B6-12,49", frames=60, videos=16)
    assert reduced / whole <= 0.65
