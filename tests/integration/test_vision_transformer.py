"""An open_clip tower of random weights, block by block: it is itself, and reducers act where they should."""

from typing import Any

import open_clip
import pytest
import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from model.token_reduction.base import TokenCount
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.naming import parse_reduction
from model.vision_transformer import count_layers, count_patches, require_vision_transformer, run_tower


def small_tower(**changes: Any) -> VisionTransformer:
    """Return a tower of 4 blocks for pictures of 32 pixels, 16 patches each, with random weights."""
    settings: dict[str, Any] = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 4, "heads": 2}
    return VisionTransformer(**(settings | {"mlp_ratio": 2, "output_dim": 12} | changes)).eval()


class Conveyor:
    """A reducer that changes nothing and notes what it is given."""

    name = "conveyor"

    def __init__(self, *blocks: int) -> None:
        self.blocks = blocks
        self.seen: list[Tensor] = []

    def schedule(self, *, layers: int, frames: int, patches: int) -> tuple[TokenCount, ...]:
        return (TokenCount(frames, 1 + patches),) * layers

    def reduces_after(self, block: int) -> bool:
        return block in self.blocks

    def reduce(self, tokens: Tensor, frames: int) -> tuple[Tensor, int]:
        self.seen.append(tokens)
        return tokens, frames


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pool_type": "avg"},
        {"final_ln_after_pool": True},
        {"attentional_pool": True, "attn_pooler_queries": 5, "attn_pooler_heads": 2},
        {"no_ln_pre": True, "ls_init_value": 0.1},
        {"qk_norm": True, "scale_fc": True},
        {"pos_embed_type": "sin_cos_2d"},
        {"output_tokens": True},
    ],
    ids=str,
)
def test_without_a_reducer_the_vectors_are_those_of_the_towers_own_forward(changes: dict[str, Any]) -> None:
    tower = small_tower(**changes)
    pictures = torch.randn(6, 3, 32, 32)
    with torch.inference_mode():
        own = tower(pictures)
        output = run_tower(tower, pictures, frames=3)
    torch.testing.assert_close(output.vectors, own[0] if tower.output_tokens else own, atol=1e-6, rtol=0)
    assert output.sequences == 3


def test_a_full_size_tower_is_itself_too() -> None:
    tower = VisionTransformer(224, 32, width=768, layers=12, heads=12, mlp_ratio=4.0, output_dim=512).eval()
    pictures = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        output = run_tower(tower, pictures, frames=2)
        torch.testing.assert_close(output.vectors, tower(pictures), atol=1e-5, rtol=0)
    assert output.token_counts == (TokenCount(2, 50),) * 12


def test_the_reducer_gets_the_output_of_exactly_the_blocks_it_asks_for() -> None:
    tower = small_tower()
    outputs: list[Tensor] = []
    for block in tower.transformer.resblocks:
        block.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    reducer = Conveyor(0, 1, 3)
    pictures = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        run_tower(tower, pictures, 4, reducer)
        embedded = tower._embeds(pictures)
    for seen, expected in zip(reducer.seen, [embedded, outputs[0], outputs[2]], strict=True):
        assert torch.equal(seen, expected)


@pytest.mark.parametrize("block", [0, 1, 3])
def test_the_tokens_that_enter_each_block_are_those_of_the_schedule(block: int) -> None:
    tower = small_tower()
    lengths: list[tuple[int, int]] = []
    for layer in tower.transformer.resblocks:
        layer.register_forward_pre_hook(lambda _module, inputs: lengths.append(tuple(inputs[0].shape[:2])))
    reducer = CenterClip(block, segments=2, tokens=10)
    with torch.inference_mode():
        output = run_tower(tower, torch.randn(2 * 6, 3, 32, 32), 6, reducer)
    assert output.token_counts == reducer.schedule(layers=4, frames=6, patches=16)
    assert lengths == [(2 * count.sequences, count.tokens) for count in output.token_counts]
    assert output.vectors.shape == (2 * 2, 12)
    assert output.sequences == 2


def test_segments_of_one_frame_that_keep_every_token_give_the_unreduced_vectors() -> None:
    tower = small_tower()
    pictures = torch.randn(6, 3, 32, 32)
    with torch.inference_mode():
        reduced = run_tower(tower, pictures, 6, CenterClip(2, segments=6, tokens=16))
        assert torch.equal(reduced.vectors, run_tower(tower, pictures, 6).vectors)


def test_no_segment_sees_another() -> None:
    tower = small_tower()
    pictures = torch.randn(12, 3, 32, 32)
    changed = pictures.clone()
    changed[3:6] = torch.randn(3, 3, 32, 32)  # the second of four segments
    reducer = CenterClip(2, segments=4, tokens=16)
    with torch.inference_mode():
        before = run_tower(tower, pictures, 12, reducer).vectors
        after = run_tower(tower, changed, 12, reducer).vectors
    moved = (before - after).abs().amax(1) > 1e-5
    assert moved.tolist() == [False, True, False, False]


def test_a_tower_can_be_trained_through_the_reduction() -> None:
    tower = small_tower()
    run_tower(tower, torch.randn(6, 3, 32, 32), 6, CenterClip(2, 2, 10)).vectors.square().sum().backward()
    without = [name for name, weights in tower.named_parameters() if weights.grad is None]
    assert without == []
    assert all(weights.grad.isfinite().all() for weights in tower.parameters())


def test_layers_and_patches_are_counted() -> None:
    tower = small_tower()
    assert (count_layers(tower), count_patches(tower)) == (4, 16)
    reducer = parse_reduction("centerclip", layers=4, frames=12, patches=16)
    assert reducer == CenterClip(2, 4, 16)


@pytest.mark.parametrize("architecture", ["RN50", "ViT-B-16-SigLIP2"])
def test_a_tower_of_another_kind_is_refused_with_the_kind_that_works(architecture: str) -> None:
    with torch.device("meta"):
        tower = _visual_tower(architecture)
    with pytest.raises(ValueError, match=f"cannot run in a {type(tower).__name__}.*ViT-B-32.*'none'"):
        require_vision_transformer(tower)


def test_a_tower_of_another_kind_is_run_whole_without_a_reducer_and_refused_with_one() -> None:
    tower = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 5))
    pictures = torch.randn(4, 3, 32, 32)
    assert torch.equal(run_tower(tower, pictures, 2).vectors, tower(pictures))
    with pytest.raises(ValueError, match="cannot run in a Sequential"):
        run_tower(tower, pictures, 2, CenterClip(1, 1, 4))


def test_a_tower_that_pools_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="pool_type 'none'"):
        run_tower(small_tower(pool_type="none"), torch.randn(2, 3, 32, 32), 2)


def _visual_tower(architecture: str) -> nn.Module:
    configuration = open_clip.get_model_config(architecture)
    return open_clip.model._build_vision_tower(  # type: ignore[no-any-return]
        configuration["embed_dim"], configuration["vision_cfg"]
    )
