"""Every reducer on the GPU: against the processor, against the float64 oracle, alone and in a batch."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from model.evaluation.efficiency.arms import UNREDUCED, Backbone, paper_reductions
from model.evaluation.efficiency.measurement import video_like_pictures
from model.token_reduction.kmedoids import kmedoids
from model.token_reduction.naming import parse_reduction
from model.vision_transformer.video_tower import VideoTower, open_trunk
from tests.gpu.machine import DEVICE, needs_device, open_backbone
from tests.kmedoids_oracle import find_medoids, redundant_tokens, share_of

pytestmark = [pytest.mark.gpu, needs_device]

FRAMES, BATCH = 12, 4

EXACT = 1e-4
"""Relative error of float32 where no token is chosen."""

CHOSEN = 0.02
"""The same where rounding may decide between tokens that are nearly alike."""

FAMILIES = ["none", "centerclip", "spectral", "tempme", "pooling", "sparse", "frames", "tome", "pitome"]

CHOOSES_BY_CONTENT = {"centerclip", "spectral", "tempme", "tome", "pitome"}


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return open_backbone()


def encode(tower: nn.Module, family: str, pictures: Tensor, device: torch.device = DEVICE) -> Tensor:
    """Return vectors (B, V, D) on the processor."""
    reducer = parse_reduction(family, open_trunk(tower).shape, FRAMES)
    with torch.inference_mode():
        vectors: Tensor = VideoTower(tower, reducer, FRAMES).run(pictures.to(device)).vectors.cpu()
    by_video: Tensor = vectors.unflatten(0, (len(pictures) // FRAMES, -1))
    return by_video


def tolerance_of(family: str) -> float:
    return CHOSEN if family in CHOOSES_BY_CONTENT else EXACT


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return the error as a share of what parts one vector from another; vectors are (B, V, D)."""
    differences = expected - expected.mean((0, 1))
    return float((found - expected).norm() / differences.norm())


@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_are_those_of_the_processor(backbone: Backbone, family: str) -> None:
    pictures = video_like_pictures(backbone.image_size, 2, FRAMES)
    found = encode(backbone.tower, family, pictures)
    expected = encode(deepcopy(backbone.tower).cpu(), family, pictures, torch.device("cpu"))
    assert relative_error(found, expected) < tolerance_of(family)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_video_has_the_same_vectors_alone_and_in_a_batch(backbone: Backbone, family: str) -> None:
    pictures = video_like_pictures(backbone.image_size, BATCH, FRAMES)
    together = encode(backbone.tower, family, pictures)
    alone = torch.cat([encode(backbone.tower, family, video) for video in pictures.split(FRAMES)])
    assert relative_error(together, alone) < tolerance_of(family)


@pytest.mark.parametrize(
    ("groups", "frames", "patches", "clusters"), [(8, 3, 49, 49), (2, 5, 49, 49), (1, 3, 196, 160)]
)
def test_medoids_are_those_of_the_oracle(groups: int, frames: int, patches: int, clusters: int) -> None:
    channels = 768 if DEVICE.type == "cuda" else 16
    if DEVICE.type == "cpu" and patches > 49:
        pytest.skip("the oracle loops for minutes: the unit tests compare smaller groups")
    tokens = redundant_tokens(groups, frames, patches, channels, seed=0)
    found = kmedoids(tokens.to(DEVICE), clusters).medoids.cpu()
    assert share_of(found, [find_medoids(group, clusters)[0] for group in tokens]) >= 0.99


def test_medoids_do_not_depend_on_the_batch() -> None:
    tokens = redundant_tokens(16, 3, 49, 768, seed=1).to(DEVICE)
    together = kmedoids(tokens, 49).medoids
    alone = torch.cat([kmedoids(group, 49).medoids for group in tokens.split(1)])
    same = torch.stack([torch.isin(a, b).float().mean() for a, b in zip(together, alone, strict=True)])
    assert float(same.mean()) >= 0.99


def test_the_papers_settings_are_all_among_the_tested_families(backbone: Backbone) -> None:
    names = [UNREDUCED, *paper_reductions(backbone.trunk.shape, FRAMES)]
    assert {name.partition(":")[0] for name in names} <= set(FAMILIES)
