"""TempMe's token counts to the last one, its gluing, and its clip positions."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from model.token_reduction.base import LayerTokens, Tokens, TowerShape
from model.token_reduction.tempme import ClipPositions, TempMe, glue

WIDTH = 16
KEY_WIDTH = 4
B32 = TowerShape(12, 49, 1)
B16 = TowerShape(12, 196, 1)
PAPER_B32 = TempMe((2, 2, 3), 2, 0.7, 0.9)
PAPER_B16 = TempMe((2, 2, 3), 10, 0.6, 0.8)

SCHEDULES = {
    "B/32, 12 frames": (
        PAPER_B32,
        B32,
        12,
        [*(LayerTokens(12, 50 - 2 * block, 50 - 2 * block, 48 - 2 * block) for block in range(8))],
        [(6, 68, 48, 44), (3, 88, 62, 56), (1, 168, 118, 107), (1, 107, 107, 97)],
    ),
    "B/16, 12 frames": (
        PAPER_B16,
        B16,
        12,
        [*(LayerTokens(12, 197 - 10 * block, 197 - 10 * block, 187 - 10 * block) for block in range(8))],
        [(6, 234, 141, 113), (3, 226, 136, 109), (1, 327, 197, 158), (1, 158, 158, 127)],
    ),
    "B/32, 64 frames": (
        TempMe((4, 4, 4), 2, 0.7, 0.9),
        B32,
        64,
        [*(LayerTokens(64, 50 - 2 * block, 50 - 2 * block, 48 - 2 * block) for block in range(8))],
        [(16, 136, 96, 87), (4, 348, 244, 220), (1, 880, 616, 555), (1, 555, 555, 500)],
    ),
}


def start(shape: TowerShape, videos: int, frames: int, *, with_origins: bool = False) -> Tokens:
    rows = videos * frames
    origins = torch.arange(shape.patches).expand(rows, -1) if with_origins else None
    return Tokens(
        torch.randn(rows, shape.class_tokens + shape.patches, WIDTH),
        frames,
        shape.class_tokens,
        origins=origins,
    )


def run(reducer: TempMe, tokens: Tokens) -> Iterator[tuple[Tokens, LayerTokens]]:
    """Yield the tokens after each block of a tower that changes nothing, and their counts."""
    for block in range(reducer.layers):
        entering = tokens.sequences * tokens.per_sequence
        tokens = reducer.before_block(block, tokens)
        attended = tokens.per_sequence
        keys = torch.randn(*tokens.values.shape[:2], KEY_WIDTH) if reducer.wants_keys(block) else None
        tokens = reducer.after_attention(block, tokens, keys)
        yield (
            tokens,
            LayerTokens(tokens.sequences, entering // tokens.sequences, attended, tokens.per_sequence),
        )


def finish(reducer: TempMe, tokens: Tokens) -> Tokens:
    return list(run(reducer, tokens))[-1][0]


def multiply_accumulates(reducer: TempMe, shape: TowerShape, frames: int, patch: int) -> int:
    """Return the closed form of MODEL-SPEC 7.1 for a CLIP tower of width 768."""
    width = 768
    total = frames * (shape.patches * 3 * patch**2 * width + width * 512)
    for layer in reducer.schedule(shape, frames):
        attention = 4 * layer.attended * width**2 + 2 * layer.attended**2 * width
        total += layer.sequences * (attention + 8 * layer.leaving * width**2)
    return total


@pytest.mark.parametrize("case", SCHEDULES)
def test_the_papers_schedules_are_met_to_the_token(case: str) -> None:
    reducer, shape, frames, in_frames, in_clips = SCHEDULES[case]
    expected = (*in_frames, *(LayerTokens(*counts) for counts in in_clips))
    assert reducer.schedule(shape, frames) == expected
    videos = 2 if frames == 12 else 1
    measured = tuple(counts for _, counts in run(reducer, start(shape, videos, frames)))
    assert measured == expected


def test_18_frames_end_in_144_tokens() -> None:
    reducer = TempMe.parse("", B32, 18)
    assert reducer.gluing == (2, 3, 3)
    assert reducer.schedule(B32, 18)[-1] == LayerTokens(1, 160, 160, 144)
    assert finish(reducer, start(B32, 1, 18)).per_sequence == 144


def test_the_multiply_accumulates_are_those_of_the_paper() -> None:
    assert multiply_accumulates(PAPER_B32, B32, 12, 32) == 34_707_371_520
    assert multiply_accumulates(PAPER_B16, B16, 12, 16) == 121_134_199_296
    low_rank = 600 * 12 * 8 * (768 + 3 * 768)
    gluing_alone = TempMe((2, 2, 3), 0, 1, 1)
    assert multiply_accumulates(gluing_alone, B32, 12, 32) + low_rank == 54_280_765_440


@pytest.mark.parametrize(("reducer", "shape"), [(PAPER_B32, B32), (PAPER_B16, B16)])
def test_the_sizes_always_sum_to_the_tokens_of_all_frames(reducer: TempMe, shape: TowerShape) -> None:
    for tokens, _ in run(reducer, start(shape, 2, 12)):
        assert tokens.sizes is not None
        of_each_video = tokens.sizes.unflatten(0, (2, -1)).sum(dim=(1, 2))
        assert of_each_video.tolist() == [12.0 * (1 + shape.patches)] * 2


def test_the_class_tokens_of_all_frames_survive_in_their_order() -> None:
    tokens = start(B32, 2, 12)
    result = finish(PAPER_B32, tokens)
    assert result.class_tokens == PAPER_B32.count_class_tokens(B32, 12) == 12
    assert torch.equal(result.values[:, :12], tokens.values[:, 0].unflatten(0, (2, 12)))
    assert result.sizes is not None and result.sizes[:, :12].eq(1).all()


def test_clips_are_glued_with_their_class_tokens_first_and_their_patches_in_time() -> None:
    values = torch.arange(2 * 2 * 3).float().view(4, 3, 1)
    sizes = values[:, :, 0] + 1
    origins = torch.tensor([[0, 1]] * 4) + 2 * torch.arange(4)[:, None]
    glued = glue(Tokens(values, 2, 1, sizes, origins), 2)
    assert (glued.sequences, glued.class_tokens) == (1, 2)
    assert glued.values[:, :, 0].tolist() == [[0, 3, 1, 2, 4, 5], [6, 9, 7, 8, 10, 11]]
    assert glued.sizes is not None and torch.equal(glued.sizes, glued.values[:, :, 0] + 1)
    assert glued.origins is not None and glued.origins.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_gluing_without_merging_moves_tokens_only_and_needs_no_sizes() -> None:
    reducer = TempMe((2, 2, 3), 0, 1, 1)
    tokens = start(B32, 2, 12)
    result = finish(reducer, tokens)
    assert result.sizes is None
    assert not any(reducer.wants_keys(block) for block in range(12))
    assert torch.equal(result.values[0, 12:], tokens.values[:12, 1:].flatten(0, 1))
    assert reducer.schedule(B32, 12)[8:] == (
        LayerTokens(6, 100, 100, 100),
        LayerTokens(3, 200, 200, 200),
        LayerTokens(1, 600, 600, 600),
        LayerTokens(1, 600, 600, 600),
    )


def test_before_the_first_merge_there_are_no_sizes() -> None:
    reducer = TempMe((2, 2, 3), 0, 0.7, 0.9)
    sizes = [tokens.sizes for tokens, _ in run(reducer, start(B32, 1, 12))]
    assert all(size is None for size in sizes[:8]) and sizes[8] is not None


def test_a_tower_without_class_tokens_glues_patches_only() -> None:
    shape = TowerShape(12, 49, 0)
    measured = list(run(PAPER_B32, start(shape, 1, 12)))
    assert tuple(counts for _, counts in measured) == PAPER_B32.schedule(shape, 12)
    assert all(tokens.class_tokens == 0 for tokens, _ in measured)
    last = measured[-1][0]
    assert last.sizes is not None and last.sizes.sum().item() == 12 * 49


def test_merged_tokens_have_an_origin_of_their_frame() -> None:
    result = finish(PAPER_B32, start(B32, 2, 12, with_origins=True))
    assert result.origins is not None and result.origins.shape == (2, 85)
    assert result.origins.min().item() >= 0 and result.origins.max().item() < 49


def test_a_fresh_clip_position_changes_no_bit() -> None:
    tokens = start(B32, 2, 12)
    positions = ClipPositions(WIDTH, (2, 2, 3), 12)
    positioned = replace(PAPER_B32, positions=positions)
    torch.manual_seed(1)
    plain = finish(PAPER_B32, tokens)
    torch.manual_seed(1)
    assert torch.equal(finish(positioned, tokens).values, plain.values)


def test_clip_positions_have_the_papers_parameters() -> None:
    positions = ClipPositions(768, (2, 2, 3), 12)
    assert [len(vectors) for vectors in positions.vectors] == [12, 6, 3]
    assert sum(vectors.numel() for vectors in positions.parameters()) == 16_128


def test_a_clip_position_reaches_all_tokens_of_its_clip_and_no_matching() -> None:
    """With every size one, the mean over all tokens moves by the mean of the vectors."""
    reducer = TempMe((2, 1, 1), 0, 0.7, 1, positions=ClipPositions(WIDTH, (2, 1, 1), 2))
    assert reducer.positions is not None
    torch.nn.init.normal_(reducer.positions.vectors[0], std=10)
    tokens = start(B32, 3, 2)
    plain = replace(reducer, positions=None).before_block(8, tokens)
    moved = reducer.before_block(8, tokens)
    assert plain.sizes is not None and moved.sizes is not None
    assert torch.equal(moved.sizes, plain.sizes)
    vectors = reducer.positions.vectors[0]
    torch.testing.assert_close(moved.values[:, :2] - plain.values[:, :2], vectors.expand(3, 2, WIDTH))
    change = (moved.values - plain.values) * plain.sizes.unsqueeze(2)
    torch.testing.assert_close(change.sum(1), (50 * vectors.sum(0)).expand(3, WIDTH), rtol=1e-4, atol=1e-3)


def test_clip_positions_learn() -> None:
    positions = ClipPositions(WIDTH, (2, 2, 3), 12)
    finish(replace(PAPER_B32, positions=positions), start(B32, 1, 12)).values.square().sum().backward()
    for vectors in positions.parameters():
        assert vectors.grad is not None and vectors.grad.abs().sum(1).gt(0).all()


def test_a_block_that_glues_one_clip_merges_inside_it_only() -> None:
    reducer = TempMe((1, 1, 3), 2, 0.7, 0.9)
    expected = reducer.schedule(B32, 3)
    assert expected[8] == LayerTokens(3, 34, 34, 31)
    assert tuple(counts for _, counts in run(reducer, start(B32, 1, 3))) == expected


def test_a_tower_of_few_patches_loses_half_of_them_at_most() -> None:
    shape = TowerShape(6, 4, 1)
    reducer = TempMe((1, 2, 2), 2, 0.1, 0.1, layers=6)
    measured = [counts for _, counts in run(reducer, start(shape, 1, 4))]
    assert tuple(measured) == reducer.schedule(shape, 4)
    assert [counts.leaving for counts in measured] == [3, 2, 2, 3, 5, 5]


def test_the_hooks_run_in_inference_mode_in_bfloat16_and_with_fake_tensors() -> None:
    with torch.inference_mode():
        tokens = start(B32, 1, 12)
        result = finish(PAPER_B32, replace(tokens, values=tokens.values.bfloat16()))
        assert result.values.dtype == torch.bfloat16 and result.per_sequence == 97
    with FakeTensorMode():
        assert finish(PAPER_B32, start(B32, 1, 12, with_origins=True)).per_sequence == 97


def test_the_hooks_are_traced_as_one_graph() -> None:
    reducer = replace(PAPER_B32, positions=ClipPositions(WIDTH, (2, 2, 3), 12))

    def two_blocks(values: Tensor, keys: Tensor) -> Tensor:
        tokens = reducer.after_attention(7, Tokens(values, 12, 1), keys)
        return reducer.before_block(8, tokens).values

    values, keys = torch.randn(12, 50, WIDTH), torch.randn(12, 50, KEY_WIDTH)
    traced = torch.compile(two_blocks, fullgraph=True, backend="eager")
    torch.testing.assert_close(traced(values, keys), two_blocks(values, keys))


def test_missing_keys_are_noticed() -> None:
    with pytest.raises(ValueError, match="block 0 gave none"):
        PAPER_B32.after_attention(0, start(B32, 1, 12), None)
