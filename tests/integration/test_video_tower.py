"""Towers of random weights, block by block: each is itself, and reducers act where they should."""

from dataclasses import replace
from typing import Any

import open_clip
import pytest
import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from model.token_reduction.base import (
    FrameChoice,
    LayerTokens,
    TokenReducer,
    Tokens,
    TowerShape,
    Unreduced,
)
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.segments import Stage
from model.token_reduction.tempme import TempMe
from model.token_reduction.tome import ToMe
from model.vision_transformer.video_tower import VideoTower, open_trunk
from tests.tower_probes import Observer, count_runs, gradients

UNREDUCED = Unreduced()
VARIANTS: list[dict[str, Any]] = [
    {},
    {"pool_type": "avg"},
    {"pool_type": "avg", "final_ln_after_pool": True},
    {"final_ln_after_pool": True},
    {"attentional_pool": True, "attn_pooler_queries": 5, "attn_pooler_heads": 2},
    {"no_ln_pre": True, "ls_init_value": 0.1},
    {"pos_embed_type": "sin_cos_2d"},
]


def small_tower(**changes: Any) -> VisionTransformer:
    """Return a tower of 4 blocks for pictures of 32 pixels, 16 patches each, with random weights."""
    settings: dict[str, Any] = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 4, "heads": 2}
    return VisionTransformer(**(settings | {"mlp_ratio": 2, "output_dim": 12} | changes)).eval()


def centerclip(block: int, segments: int, tokens: int) -> CenterClip:
    return CenterClip((Stage(block, segments, tokens),))


class Doubler(Unreduced):
    """Gives every token a size: one, or a half to each patch token, which then comes twice."""

    def __init__(self, *, is_double: bool) -> None:
        self.is_double = is_double

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        if block > 0:
            return tokens
        sizes = torch.ones(tokens.values.shape[:2])  # (P, 1+N)
        if not self.is_double:
            return replace(tokens, sizes=sizes)
        halves = sizes[:, 1:] / 2
        values = torch.cat([tokens.values, tokens.values[:, 1:]], dim=1)  # (P, 1+2N, C)
        return replace(tokens, values=values, sizes=torch.cat([sizes[:, :1], halves, halves], dim=1))


class EveryOther(Unreduced):
    """Encodes every other frame, which stands in for the next one too."""

    def choose_frames(self, pictures: Tensor, frames: int) -> FrameChoice:
        encoded = torch.arange(0, pictures.shape[0], 2)
        return FrameChoice(encoded, frames, sources=torch.arange(pictures.shape[0]) // 2)


@pytest.mark.parametrize(
    "changes", [*VARIANTS, {"qk_norm": True, "scale_fc": True}, {"output_tokens": True}], ids=str
)
def test_without_a_reducer_the_vectors_are_those_of_the_towers_own_forward(changes: dict[str, Any]) -> None:
    tower = small_tower(**changes)
    pictures = torch.randn(6, 3, 32, 32)
    with torch.inference_mode():
        own = tower(pictures)
        output = VideoTower(tower, UNREDUCED, 3).run(pictures)
    torch.testing.assert_close(output.vectors, own[0] if tower.output_tokens else own, atol=1e-6, rtol=0)


@pytest.mark.parametrize("architecture", ["ViT-B-32-quickgelu", "ViT-B-16-quickgelu"])
def test_the_papers_towers_are_themselves(architecture: str) -> None:
    tower = _visual_tower(architecture).eval()
    pictures = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        output = VideoTower(tower, UNREDUCED, 2).run(pictures)
        torch.testing.assert_close(output.vectors, tower(pictures), atol=1e-4, rtol=0)
    tokens = 50 if "32" in architecture else 197
    assert output.token_counts == (LayerTokens(2, tokens, tokens, tokens),) * 12


def test_a_reducer_sees_tokens_before_and_inside_each_block() -> None:
    tower = small_tower()
    inputs: list[Tensor] = []
    middles: list[Tensor] = []
    for block in tower.transformer.resblocks:
        block.register_forward_pre_hook(lambda _module, arguments: inputs.append(arguments[0]))
        block.ln_2.register_forward_pre_hook(lambda _module, arguments: middles.append(arguments[0]))
    pictures = torch.randn(4, 3, 32, 32)
    observer = Observer()
    with torch.inference_mode():
        tower(pictures)
        expected = [*inputs], [*middles]
        VideoTower(tower, observer, 4).run(pictures)
    for seen, wanted in zip((*observer.before, *observer.after), (*expected[0], *expected[1]), strict=True):
        torch.testing.assert_close(seen, wanted, atol=1e-5, rtol=0)


def test_the_keys_are_those_of_the_blocks_attention_averaged_over_its_heads() -> None:
    tower = small_tower()
    observer = Observer()
    with torch.inference_mode():
        VideoTower(tower, observer, 4).run(torch.randn(4, 3, 32, 32))
        for block, before, keys in zip(
            tower.transformer.resblocks, observer.before, observer.keys, strict=True
        ):
            projected = (
                block.ln_1(before) @ block.attn.in_proj_weight[32:64].T + block.attn.in_proj_bias[32:64]
            )
            torch.testing.assert_close(keys, (projected[:, :, :16] + projected[:, :, 16:]) / 2)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_two_halves_weigh_as_much_as_the_whole_token_in_attention_and_in_the_pool(
    changes: dict[str, Any],
) -> None:
    tower = small_tower(**changes)
    pictures = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        whole = VideoTower(tower, UNREDUCED, 2).run(pictures).vectors
        halves = VideoTower(tower, Doubler(is_double=True), 2).run(pictures).vectors
        ones = VideoTower(tower, Doubler(is_double=False), 2).run(pictures).vectors
    torch.testing.assert_close(halves, whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(ones, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("block", [0, 1, 3])
def test_the_tokens_of_each_block_are_those_of_the_schedule(block: int) -> None:
    tower = VideoTower(small_tower(), centerclip(block, segments=2, tokens=10), 6)
    with torch.inference_mode():
        output = tower.run(torch.randn(2 * 6, 3, 32, 32))
    assert output.token_counts == tower.schedule
    assert output.vectors.shape == (2 * 2, 12)
    assert tower.vectors_per_video == 2


def test_segments_of_one_frame_that_keep_every_token_give_the_unreduced_vectors() -> None:
    tower = small_tower()
    pictures = torch.randn(6, 3, 32, 32)
    with torch.inference_mode():
        reduced = VideoTower(tower, centerclip(2, segments=6, tokens=16), 6).run(pictures)
        assert torch.equal(reduced.vectors, VideoTower(tower, UNREDUCED, 6).run(pictures).vectors)


def test_a_frame_that_neither_merges_nor_is_glued_gives_the_unreduced_vector() -> None:
    tower = small_tower()
    pictures = torch.randn(3, 3, 32, 32)
    idle = TempMe((1, 1, 1), 0, 1, 1, layers=4)
    with torch.inference_mode():
        reduced = VideoTower(tower, idle, 1).run(pictures)
        assert torch.equal(reduced.vectors, VideoTower(tower, UNREDUCED, 1).run(pictures).vectors)


def test_no_segment_sees_another() -> None:
    pictures = torch.randn(12, 3, 32, 32)
    changed = pictures.clone()
    changed[3:6] = torch.randn(3, 3, 32, 32)  # the second of four segments
    tower = VideoTower(small_tower(), centerclip(2, segments=4, tokens=16), 12)
    with torch.inference_mode():
        moved = (tower.run(pictures).vectors - tower.run(changed).vectors).abs().amax(1) > 1e-5
    assert moved.tolist() == [False, True, False, False]


def test_frames_that_stand_in_for_others_give_them_their_vectors() -> None:
    for tower in (small_tower(), nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 5))):
        pictures = torch.randn(8, 3, 32, 32)
        with torch.inference_mode():
            vectors = VideoTower(tower, EveryOther(), 4).run(pictures).vectors
            own = tower(pictures)
        torch.testing.assert_close(vectors, own[::2].repeat_interleave(2, 0), atol=1e-6, rtol=0)


def test_a_tower_can_be_trained_through_the_reduction() -> None:
    tower = small_tower()
    vectors = VideoTower(tower, centerclip(2, 2, 10), 6).run(torch.randn(6, 3, 32, 32)).vectors
    vectors.square().sum().backward()
    without = [name for name, weights in tower.named_parameters() if weights.grad is None]
    assert without == []
    assert all(weights.grad.isfinite().all() for weights in tower.parameters())


def test_gradients_are_those_of_the_towers_own_forward() -> None:
    tower = small_tower()
    pictures = torch.randn(6, 3, 32, 32)
    own = torch.autograd.grad(tower(pictures).square().sum(), list(tower.parameters()))
    for mine, theirs in zip(gradients(tower, UNREDUCED, pictures), own, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("reducer", [centerclip(2, 2, 10), ToMe(2)], ids=lambda reducer: reducer.name)
def test_a_checkpointed_tower_has_the_same_gradients_and_runs_its_blocks_again(reducer: TokenReducer) -> None:
    tower = small_tower()
    runs = count_runs(tower.transformer.resblocks[3].mlp)
    pictures = torch.randn(6, 3, 32, 32)
    kept = gradients(tower, reducer, pictures)
    assert len(runs) == 1
    tower.set_grad_checkpointing()
    for again, once in zip(gradients(tower, reducer, pictures), kept, strict=True):
        torch.testing.assert_close(again, once)
    assert len(runs) == 1 + 2


def test_work_in_pieces_gives_what_it_gives_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    tower = VideoTower(small_tower(), centerclip(2, 2, 10), 6)
    pictures = torch.randn(12, 3, 32, 32)
    with torch.inference_mode():
        whole = tower.run(pictures).vectors
        monkeypatch.setattr("model.vision_transformer.chunks.CHUNK_TOKENS", 40)
        torch.testing.assert_close(tower.run(pictures).vectors, whole, atol=1e-6, rtol=0)


def test_a_convolutional_tower_runs_whole_and_is_refused_a_reducer_with_the_presets_that_work() -> None:
    with torch.device("meta"):
        convolutional = _visual_tower("RN50")
    with pytest.raises(
        ValueError, match=r"in the ModifiedResNet.*fast, standard, best.*none, frames or skip"
    ):
        VideoTower(convolutional, centerclip(1, 4, 16), 12)
    tower = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 5))
    pictures = torch.randn(4, 3, 32, 32)
    output = VideoTower(tower, UNREDUCED, 2).run(pictures)
    assert torch.equal(output.vectors, tower(pictures))
    assert output.token_counts == (LayerTokens(2, 1, 1, 1),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"pool_type": "none"}, "pool_type 'none'"), ({"qk_norm": True}, "CustomResidualAttentionBlocks")],
)
def test_a_tower_that_does_not_come_apart_says_why(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VideoTower(small_tower(**changes), centerclip(1, 1, 4), 2)


@pytest.mark.parametrize("count", [0, 13])
def test_pictures_that_are_no_whole_videos_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"^{count} pictures are no whole number of videos of 6 frames"):
        VideoTower(small_tower(), UNREDUCED, 6).run(torch.randn(count, 3, 32, 32))


def test_patches_dropped_while_training_are_refused() -> None:
    tower = small_tower(patch_dropout=0.5)
    VideoTower(tower, centerclip(1, 1, 4), 2).run(torch.randn(2, 3, 32, 32))
    with pytest.raises(ValueError, match=r"drops patches at random.*patch_dropout 0.5.*evaluation"):
        VideoTower(tower.train(), centerclip(1, 1, 4), 2).run(torch.randn(2, 3, 32, 32))


def test_the_shape_and_cost_of_a_tower_are_told() -> None:
    trunk = open_trunk(small_tower())
    assert (trunk.shape, trunk.dimension) == (TowerShape(layers=4, patches=16, class_tokens=1), 12)
    assert trunk.cost == (16 * 3 * 64 * 32, 4 * 32**2, 2 * 32, 2 * 32 * 64, 0, 32 * 12)


def _visual_tower(architecture: str) -> nn.Module:
    configuration = open_clip.get_model_config(architecture)
    return open_clip.model._build_vision_tower(  # type: ignore[no-any-return]
        configuration["embed_dim"], configuration["vision_cfg"], configuration.get("quick_gelu", False)
    )
