"""Towers that open_clip takes from timm, of random weights and block by block: each is itself."""

from typing import Any

import pytest
import torch
from torch import nn

from model.evaluation.macs import count_macs, measure_macs
from model.lora import add_lora
from model.token_reduction.base import TowerShape, Unreduced
from model.token_reduction.tome import ToMe
from model.vision_transformer.timm_trunk import open_timm_trunk
from model.vision_transformer.video_tower import VideoTower, open_trunk
from tests.timm_towers import CLASS_TOKENS, TOWERS, real_tower, run, small_tower, tower_without_weights
from tests.tower_probes import count_runs, gradients

UNREDUCED = Unreduced()


@pytest.mark.parametrize("kind", TOWERS)
def test_without_a_reducer_the_vectors_are_those_of_the_towers_own_forward(kind: str) -> None:
    tower = small_tower(kind)
    pictures = torch.randn(6, 3, 32, 32)
    with torch.inference_mode():
        own = tower(pictures)
    torch.testing.assert_close(run(tower, UNREDUCED, pictures, 3), own, atol=1e-5, rtol=0)
    trunk = open_trunk(tower)
    shape = TowerShape(4, 16, CLASS_TOKENS.get(kind, 1))
    assert (trunk.shape, trunk.dimension) == (shape, own.shape[1])


@pytest.mark.parametrize(
    ("architecture", "blocks", "pixels"),
    [
        ("PE-Core-T-16-384", 12, 384),
        ("PE-Core-B-16", 2, 224),
        ("ViT-B-32-SigLIP2-256", 12, 256),
        ("ViT-B-16-SigLIP2", 1, 224),
        ("MobileCLIP2-B", 2, 224),
    ],
)
def test_real_towers_are_themselves(architecture: str, blocks: int, pixels: int) -> None:
    tower = real_tower(architecture, blocks)
    pictures = torch.randn(1, 3, pixels, pixels)
    with torch.inference_mode():
        own = tower(pictures)
    torch.testing.assert_close(run(tower, UNREDUCED, pictures, 1), own, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("architecture", "gigamacs"),
    [
        ("PE-Core-T-16-384", 4.73),
        ("PE-Core-S-16-384", 15.66),
        ("PE-Core-B-16", 17.80),
        ("PE-Core-L-14-336", 192.18),
        ("PE-Core-bigG-14-448", 2059.32),
        ("ViT-B-32-SigLIP2-256", 5.74),
        ("ViT-B-16-SigLIP2", 17.71),
        ("ViT-SO400M-14-SigLIP2-378", 335.17),
        ("MobileCLIP2-B", 17.71),
        ("MobileCLIP2-L-14", 81.01),
    ],
)
def test_a_towers_cost_is_what_torch_counts(architecture: str, gigamacs: float) -> None:
    tower = tower_without_weights(architecture)
    trunk = open_timm_trunk(tower)
    pictures = torch.empty(1, 3, *tower.image_size, device="meta")
    counted = count_macs(trunk, UNREDUCED.schedule(trunk.shape, 1), 1)
    assert counted == measure_macs(lambda: tower(pictures)).tower
    assert round(counted / 1e9, 2) == gigamacs


@pytest.mark.parametrize("kind", TOWERS)
def test_gradients_are_those_of_the_towers_own_forward(kind: str) -> None:
    tower = small_tower(kind)
    pictures = torch.randn(6, 3, 32, 32)
    own = torch.autograd.grad(tower(pictures).square().sum(), list(tower.parameters()))
    for mine, theirs in zip(gradients(tower, UNREDUCED, pictures), own, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", ["siglip", "perception", "mobilenet"])
def test_a_checkpointed_tower_has_the_same_gradients_and_runs_its_blocks_again(kind: str) -> None:
    tower = small_tower(kind)
    pictures = torch.randn(4, 3, 32, 32)
    runs = count_runs(tower.trunk.blocks[3].mlp)
    kept = gradients(tower, ToMe(2), pictures)
    tower.set_grad_checkpointing()
    for again, once in zip(gradients(tower, ToMe(2), pictures), kept, strict=True):
        torch.testing.assert_close(again, once)
    assert len(runs) == 1 + 2


@pytest.mark.parametrize("kind", ["mobileclip", "perception", "mobilenet"])
def test_stochastic_depth_skips_whole_frames_as_the_tower_does(kind: str) -> None:
    tower = small_tower(kind, drop_path_rate=0.5).train()
    pictures = torch.randn(6, 3, 32, 32)
    torch.manual_seed(1)
    own = tower(pictures)
    torch.manual_seed(1)
    torch.testing.assert_close(VideoTower(tower, UNREDUCED, 6).run(pictures).vectors, own, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["siglip", "perception", "mobilenet"])
def test_an_adapted_projection_is_used(kind: str) -> None:
    tower = small_tower(kind)
    pictures = torch.randn(2, 3, 32, 32)
    plain = run(tower, UNREDUCED, pictures, 2)
    for adapter in add_lora(tower, rank=2):
        nn.init.normal_(adapter)
    adapted = run(tower, UNREDUCED, pictures, 2)
    with torch.inference_mode():
        torch.testing.assert_close(adapted, tower(pictures), atol=1e-5, rtol=0)
    assert (adapted - plain).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("MobileCLIP2-S0", "in the FastVit fastvit_mci0: it is no plain vision transformer"),
        ("EVA02-B-16", "in the Eva eva02_base_patch16_clip_224: its blocks are .* with EvaAttention"),
        ("ViTamin-S", "vitamin_small_224: its patches come out of a convolutional network"),
    ],
)
def test_a_tower_that_does_not_come_apart_is_refused_with_the_presets_that_work(
    architecture: str, message: str
) -> None:
    with pytest.raises(ValueError, match=f"{message}.*fast, standard, best, multilingual.*none, frames"):
        open_trunk(tower_without_weights(architecture))


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("siglip", {"class_token": True}, "leaves its class token out"),
        ("mobileclip", {"reg_tokens": 2}, "register tokens"),
        ("averaged", {"pool_include_prefix": True}, "pools by all its tokens"),
        ("averaged", {"global_pool": "avgmax"}, "pools by 'avgmax'"),
        ("mobileclip", {"patch_drop_rate": 0.5}, "the same number of patches"),
        ("mobileclip", {"dynamic_img_size": True}, "the same number of patches"),
        ("perception", {"qkv_fused": False}, "projects queries, keys and values apart"),
        ("perception", {"rope_type": "dinov3"}, "one fixed table"),
        ("perception", {"use_rot_pos_emb": False}, "one fixed table"),
        ("perception", {"use_post_norm": True}, "EvaBlockPostNorms"),
        ("perception", {"patch_drop_rate": 0.5}, "the same number of patches"),
    ],
)
def test_what_a_trunk_cannot_do_is_refused_at_once(kind: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"{message}.*fast, standard, best"):
        open_trunk(small_tower(kind, **changes))
