"""Reducers in the towers that open_clip takes from timm: sizes weigh, rotary positions follow the tokens."""

from dataclasses import replace

import pytest
import torch

from model.evaluation.macs import count_macs, measure_macs
from model.token_reduction.base import TokenReducer, Tokens, Unreduced
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.segments import Stage
from model.token_reduction.tempme import TempMe
from model.token_reduction.tome import ToMe
from model.vision_transformer.timm_trunk import open_timm_trunk
from model.vision_transformer.video_tower import VideoTower, open_trunk
from tests.timm_towers import TOWERS, run, small_tower
from tests.tower_probes import Observer

UNREDUCED = Unreduced()
PERCEPTIONS = [kind for kind in TOWERS if kind.startswith("perception")]
REDUCERS = [
    CenterClip((Stage(2, 2, 10),)),
    ToMe(2),
    TempMe((2, 1, 3), 2, 0.7, 0.9, layers=4),
]


class Reordered(Unreduced):
    """Puts the patch tokens in another order, once, with or without their origins."""

    def __init__(self, *, with_origins: bool) -> None:
        self.with_origins = with_origins

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        if block != 1:
            return tokens
        count = tokens.per_sequence - tokens.class_tokens
        order = torch.stack([torch.randperm(count) for _ in tokens.values])  # (P, n-c)
        classes, patches = tokens.values.split([tokens.class_tokens, count], dim=1)
        values = torch.cat([classes, patches.take_along_dim(order.unsqueeze(2), 1)], dim=1)
        origins = tokens.origins
        if self.with_origins and origins is not None:
            origins = origins.take_along_dim(order, 1)
        return replace(tokens, values=values, origins=origins)


class Twins(Unreduced):
    """Makes two of each of the first patch tokens, or one that counts as two."""

    count = 5

    def __init__(self, *, are_merged: bool) -> None:
        self.are_merged = are_merged

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        if block != 1:
            return tokens
        first = slice(tokens.class_tokens, tokens.class_tokens + self.count)
        if self.are_merged:
            sizes = torch.ones(tokens.values.shape[:2])
            sizes[:, first] = 2
            return replace(tokens, sizes=sizes)
        origins = tokens.origins
        if origins is not None:
            origins = torch.cat([origins, origins[:, : self.count]], dim=1)
        return replace(tokens, values=torch.cat([tokens.values, tokens.values[:, first]], 1), origins=origins)


@pytest.mark.parametrize("reducer", REDUCERS, ids=lambda reducer: reducer.name)
@pytest.mark.parametrize(
    "kind", ["siglip", "mobileclip", "perception", "perception-classless", "mobilenet", "averaged"]
)
def test_the_tokens_and_the_cost_of_a_reduced_video_are_those_of_the_schedule(
    kind: str, reducer: TokenReducer
) -> None:
    tower = VideoTower(small_tower(kind).requires_grad_(False), reducer, 6)
    pictures = torch.randn(2 * 6, 3, 32, 32)
    output = tower.run(pictures)
    assert output.token_counts == tower.schedule
    assert output.vectors.shape[0] == 2 * tower.vectors_per_video
    assert tower.vectors_per_video == expected_vectors(kind, reducer)
    alone = tower.run(pictures[6:]).vectors
    torch.testing.assert_close(alone, output.vectors[tower.vectors_per_video :], atol=1e-5, rtol=0)
    counted = count_macs(open_trunk(tower.tower), tower.schedule, tower.vectors_per_video)
    assert counted == measure_macs(lambda: tower.run(pictures[6:])).tower


def expected_vectors(kind: str, reducer: TokenReducer) -> int:
    """Segments, frames, or for TempMe the class tokens of six frames, or the one sequence they end in."""
    if isinstance(reducer, TempMe):
        return 6 if kind == "mobileclip" else 1
    return 2 if isinstance(reducer, CenterClip) else 6


@pytest.mark.parametrize("reducer", REDUCERS, ids=lambda reducer: reducer.name)
@pytest.mark.parametrize("kind", ["siglip", "perception", "mobilenet"])
def test_work_in_pieces_gives_what_it_gives_in_one(
    kind: str, reducer: TokenReducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = small_tower(kind)
    pictures = torch.randn(12, 3, 32, 32)
    whole = run(tower, reducer, pictures, 6)
    monkeypatch.setattr("model.vision_transformer.chunks.CHUNK_TOKENS", 40)
    torch.testing.assert_close(run(tower, reducer, pictures, 6), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", PERCEPTIONS)
def test_rotary_positions_follow_the_tokens(kind: str) -> None:
    tower = small_tower(kind)
    pictures = torch.randn(2, 3, 32, 32)
    vectors = run(tower, UNREDUCED, pictures, 2)
    torch.testing.assert_close(
        run(tower, Reordered(with_origins=True), pictures, 2), vectors, atol=1e-5, rtol=0
    )
    moved = run(tower, Reordered(with_origins=False), pictures, 2) - vectors
    assert (moved.abs().amax(1) > 1e-3).all()


@pytest.mark.parametrize("class_tokens", [0, 1, 3])
def test_each_token_is_turned_by_its_origin_and_class_tokens_are_not(class_tokens: int) -> None:
    tower = small_tower("perception")
    trunk = open_timm_trunk(tower)
    values = torch.randn(5, class_tokens + 9, 32)
    origins = torch.randint(16, (5, 9))
    angles = tower.trunk.rope.get_embed()[origins].unsqueeze(1)  # (P, 1, n-c, 2C/heads)
    for number, block in enumerate(tower.trunk.blocks):
        block.attn.num_prefix_tokens = class_tokens
        with torch.inference_mode():
            tokens, _ = trunk.attend(
                number, Tokens(values, 5, class_tokens, origins=origins), with_keys=False
            )
            output = trunk.feed_forward(number, tokens).values
            torch.testing.assert_close(output, block(values, rope=angles), atol=1e-5, rtol=0)


def test_tokens_that_lost_their_origins_are_refused() -> None:
    trunk = open_timm_trunk(small_tower("perception"))
    with pytest.raises(ValueError, match="lost their origins"):
        trunk.attend(0, Tokens(torch.randn(2, 17, 32), 2, 1), with_keys=False)


@pytest.mark.parametrize("kind", TOWERS)
def test_a_token_of_size_two_weighs_as_much_as_two_in_attention_and_in_the_pool(kind: str) -> None:
    tower = small_tower(kind)
    pictures = torch.randn(2, 3, 32, 32)
    apart = run(tower, Twins(are_merged=False), pictures, 2)
    torch.testing.assert_close(run(tower, Twins(are_merged=True), pictures, 2), apart, atol=1e-5, rtol=0)
    assert (run(tower, UNREDUCED, pictures, 2) - apart).abs().max() > 1e-3


@pytest.mark.parametrize("kind", TOWERS)
def test_the_keys_are_those_of_the_blocks_attention_before_any_turn(kind: str) -> None:
    tower = small_tower(kind)
    observer = Observer()
    run(tower, observer, torch.randn(4, 3, 32, 32), 4)
    with torch.inference_mode():
        for block, before, keys in zip(tower.trunk.blocks, observer.before, observer.keys, strict=True):
            projected = block.attn.qkv(block.norm1(before))[:, :, 32:64].unflatten(2, (2, 16))
            torch.testing.assert_close(keys, block.attn.k_norm(projected).mean(2))


def test_each_class_token_gives_a_vector() -> None:
    tower = small_tower("mobileclip")
    trunk = open_timm_trunk(tower)
    values = torch.randn(2, 3 + 5, 32)
    with torch.inference_mode():
        pooled = trunk.pool(Tokens(values, 1, class_tokens=3))
        own = tower.trunk.head(tower.trunk.norm(values[:, :3])).flatten(0, 1)
    torch.testing.assert_close(pooled, own)
    assert trunk.count_vectors(3) == 3
    assert open_timm_trunk(small_tower("perception")).count_vectors(3) == 1


@pytest.mark.parametrize("reducer", [UNREDUCED, *REDUCERS], ids=lambda reducer: reducer.name)
@pytest.mark.parametrize("kind", ["siglip", "perception", "mobilenet"])
def test_half_precision_gives_vectors_of_its_own_precision(kind: str, reducer: TokenReducer) -> None:
    tower = small_tower(kind).to(torch.bfloat16)
    vectors = run(tower, reducer, torch.randn(6, 3, 32, 32, dtype=torch.bfloat16), 6)
    assert vectors.dtype == torch.bfloat16
    assert vectors.isfinite().all()
