"""What every reducer must keep, whatever it does: one suite over all of them, in a tower of fixed weights."""

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.testing import assert_close

from model.token_reduction import kmedoids
from model.token_reduction.base import TokenReducer, Tokens, TowerShape
from model.token_reduction.naming import FAMILIES, parse_reduction
from tests.stand_in_tower import CHANNELS, PATCH_SIDE, BareTower, Run, StandInTower

FRAMES = 12
PATCHES = 16
SELECTING = ["centerclip:B2-4,11", "centerclip:B2-6,20/cosine", "spectral:B2-4,11", "sparse:B2-4,11"]
AVERAGING = ["centerclip:B2-4,11/mean", "pooling:B2-4"]
SELECTING_TWICE = ["centerclip:B1-6,16+B3-2,20/l1"]
MERGING = ["tome:1", "tome:2", "pitome:2", "tempme:2-2-3/1/0.7/0.9", "tempme:2-6-1/2/0.6/0.8"]
KEEPING_ALL = ["none", "frames:5", "skip-duplicates:0.02"]
WITHOUT_SIZES = [*KEEPING_ALL, *SELECTING, *SELECTING_TWICE, *AVERAGING]
NAMES = [*WITHOUT_SIZES, "spectral:B2-4,11/heat", *MERGING]
SYNCHRONISING = "skip-duplicates:0.02"
"""The one that may wait for the device: how much there is to encode depends on the pictures."""

every_reducer = pytest.mark.parametrize("name", NAMES)
with_and_without_class_tokens = pytest.mark.parametrize("class_tokens", [1, 0])
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])


def shape_of(class_tokens: int) -> TowerShape:
    return TowerShape(layers=5, patches=PATCHES, class_tokens=class_tokens)


def reducer_called(name: str, class_tokens: int) -> TokenReducer:
    return parse_reduction(name, shape_of(class_tokens), FRAMES)


def make_pictures(videos: int = 2, device: str = "cpu") -> Tensor:
    """Return pictures (B*T, 3, H, H) that change little from frame to frame; one in the middle not at all."""
    side = PATCH_SIDE * int(PATCHES**0.5)
    pictures = torch.randn(videos, 1, 3, side, side, device=device)
    pictures = pictures + 0.3 * torch.randn(videos, FRAMES, 3, side, side, device=device)
    pictures[:, 5] = pictures[:, 4]
    return pictures.flatten(0, 1)


def run(name: str, class_tokens: int, pictures: Tensor) -> Run:
    tower = StandInTower(shape_of(class_tokens), pictures.dtype, pictures.device)
    return tower.run(reducer_called(name, class_tokens), pictures, FRAMES)


def numbered_tokens(class_tokens: int, videos: int = 2) -> Tokens:
    """Return random tokens, whose first two channels number the token in its frame and the frame."""
    length = class_tokens + PATCHES
    values = torch.randn(videos * FRAMES, length, CHANNELS)
    values[:, :, 0] = torch.arange(length) - class_tokens
    values[:, :, 1] = torch.arange(videos * FRAMES).unsqueeze(1)
    origins = torch.arange(PATCHES).expand(videos * FRAMES, -1)
    return Tokens(values, FRAMES, class_tokens, origins=origins)


def run_bare(name: str, tokens: Tokens) -> Tokens:
    """Return what the reducer makes of tokens that no block changes."""
    tower = BareTower(shape_of(tokens.class_tokens))
    return tower.run_blocks(reducer_called(name, tokens.class_tokens), tokens)[0]


def test_every_family_is_under_contract() -> None:
    assert {name.partition(":")[0] for name in NAMES} == set(FAMILIES)


@every_reducer
@with_and_without_class_tokens
@both_precisions
def test_the_declared_token_counts_are_those_that_run(
    name: str, class_tokens: int, dtype: torch.dtype
) -> None:
    reducer = reducer_called(name, class_tokens)
    result = run(name, class_tokens, make_pictures().to(dtype))
    assert result.counts == reducer.schedule(shape_of(class_tokens), FRAMES)
    assert result.tokens.class_tokens == reducer.count_class_tokens(shape_of(class_tokens), FRAMES)
    assert result.tokens.sequences == result.counts[-1].sequences
    assert result.vectors.shape[0] == 2 * result.counts[-1].sequences


@every_reducer
@with_and_without_class_tokens
@both_precisions
def test_the_results_are_finite_and_the_same_every_time(
    name: str, class_tokens: int, dtype: torch.dtype
) -> None:
    pictures = make_pictures().to(dtype)
    first = run(name, class_tokens, pictures)
    with torch.inference_mode():
        second = run(name, class_tokens, pictures)
    assert first.vectors.isfinite().all()
    assert first.vectors.dtype == first.tokens.values.dtype == dtype
    assert torch.equal(first.vectors, second.vectors)
    assert torch.equal(first.tokens.values, second.tokens.values)


@every_reducer
@with_and_without_class_tokens
def test_tokens_of_one_value_stay_finite(name: str, class_tokens: int) -> None:
    result = run(name, class_tokens, torch.zeros_like(make_pictures()))
    assert result.vectors.isfinite().all()
    bare = run_bare(name, Tokens(torch.zeros(FRAMES, class_tokens + PATCHES, CHANNELS), FRAMES, class_tokens))
    assert torch.equal(bare.values, torch.zeros_like(bare.values))


@every_reducer
@with_and_without_class_tokens
def test_each_video_has_the_same_result_alone_and_in_a_batch(name: str, class_tokens: int) -> None:
    pictures = make_pictures(videos=3)
    together = run(name, class_tokens, pictures)
    alone = [run(name, class_tokens, video) for video in pictures.split(FRAMES)]
    assert_close(together.vectors, torch.cat([video.vectors for video in alone]), rtol=0, atol=1e-5)
    assert together.tokens.origins is not None
    origins = [video.tokens.origins for video in alone if video.tokens.origins is not None]
    assert torch.equal(together.tokens.origins, torch.cat(origins))


@every_reducer
@with_and_without_class_tokens
def test_other_videos_do_not_matter(name: str, class_tokens: int) -> None:
    pictures = make_pictures()
    changed = pictures.clone()
    changed[FRAMES:] = 10 * torch.randn_like(changed[FRAMES:])
    before, after = (run(name, class_tokens, batch).vectors.chunk(2)[0] for batch in (pictures, changed))
    assert torch.equal(before, after)


@pytest.mark.parametrize("name", MERGING)
@with_and_without_class_tokens
@both_precisions
def test_merged_tokens_count_for_all_their_members(name: str, class_tokens: int, dtype: torch.dtype) -> None:
    sizes = run(name, class_tokens, make_pictures().to(dtype)).tokens.sizes
    assert sizes is not None
    assert sizes.dtype == torch.float32
    assert sizes.reshape(2, -1).sum(1).tolist() == [FRAMES * (class_tokens + PATCHES)] * 2
    assert (sizes >= 1).all()


@pytest.mark.parametrize("name", MERGING)
@with_and_without_class_tokens
def test_merging_keeps_the_sum_of_all_tokens(name: str, class_tokens: int) -> None:
    tokens = numbered_tokens(class_tokens)
    merged = run_bare(name, tokens)
    assert merged.sizes is not None
    weighted = (merged.values * merged.sizes.unsqueeze(2)).reshape(2, -1, CHANNELS).sum(1)
    assert_close(weighted, tokens.values.reshape(2, -1, CHANNELS).sum(1), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", WITHOUT_SIZES)
def test_reducers_that_merge_nothing_leave_the_attention_unbiased(name: str) -> None:
    assert run(name, 1, make_pictures()).tokens.sizes is None


@pytest.mark.parametrize("name", [*SELECTING, *SELECTING_TWICE])
@with_and_without_class_tokens
def test_survivors_are_input_tokens_in_order_of_time_and_raster(name: str, class_tokens: int) -> None:
    tokens = numbered_tokens(class_tokens)
    survivors = run_bare(name, tokens).values[:, class_tokens:]  # (B*S, K, C)
    places, frames = survivors[:, :, 0].long(), survivors[:, :, 1].long()
    assert torch.equal(survivors, tokens.values[frames, class_tokens + places])
    assert ((frames * PATCHES + places).diff(dim=1) > 0).all()
    joined = 2 * FRAMES // len(survivors)
    assert torch.equal(frames // joined, torch.arange(len(survivors)).unsqueeze(1).expand_as(frames))


@every_reducer
@with_and_without_class_tokens
def test_origins_tell_the_patch_of_each_token_that_was_not_merged(name: str, class_tokens: int) -> None:
    reduced = run_bare(name, numbered_tokens(class_tokens))
    assert reduced.origins is not None
    patches = reduced.values[:, reduced.class_tokens :, 0]
    assert reduced.origins.dtype == torch.int64
    assert reduced.origins.shape == patches.shape
    assert ((reduced.origins >= 0) & (reduced.origins < PATCHES)).all()
    if "/mean" in name:  # a cluster's mean is at no patch; its origin is that of the medoid
        return
    is_one = torch.ones_like(patches) if reduced.sizes is None else reduced.sizes[:, reduced.class_tokens :]
    assert_close(patches.where(is_one == 1, 0), reduced.origins.where(is_one == 1, 0).to(patches.dtype))


@every_reducer
@with_and_without_class_tokens
def test_without_origins_there_are_none_afterwards(name: str, class_tokens: int) -> None:
    tokens = Tokens(numbered_tokens(class_tokens).values, FRAMES, class_tokens)
    assert run_bare(name, tokens).origins is None


@every_reducer
def test_class_tokens_are_kept_or_averaged_over_the_frames_of_their_sequence(name: str) -> None:
    tokens = numbered_tokens(1)
    reduced = run_bare(name, tokens)
    classes = reduced.values[:, : reduced.class_tokens]  # (B*S, c, C)
    if reduced.class_tokens > 1:  # all of them are kept
        assert torch.equal(classes.flatten(0, 1), tokens.values[:, 0])
        return
    joined = FRAMES // reduced.sequences
    expected = tokens.values[:, :1].unflatten(0, (-1, joined)).mean(1)
    assert_close(classes, expected)


@every_reducer
@with_and_without_class_tokens
@both_precisions
def test_gradients_reach_the_pictures_and_are_finite(
    name: str, class_tokens: int, dtype: torch.dtype
) -> None:
    pictures = make_pictures().to(dtype).requires_grad_()
    run(name, class_tokens, pictures).vectors.float().square().mean().backward()
    assert pictures.grad is not None
    assert pictures.grad.isfinite().all()
    assert (pictures.grad.reshape(2, -1) != 0).any(1).all()


@every_reducer
@with_and_without_class_tokens
def test_the_name_reads_back_to_an_equal_reducer(name: str, class_tokens: int) -> None:
    reducer = reducer_called(name, class_tokens)
    assert reducer_called(reducer.name, class_tokens) == reducer
    assert hash(reducer_called(reducer.name, class_tokens)) == hash(reducer)


def run_without_data(name: str) -> Run:
    """Run on a GPU that need not be there: shapes and devices are followed, and no value can be read."""
    with FakeTensorMode():
        return run(name, 1, make_pictures(device="cuda").bfloat16())


@pytest.mark.parametrize("name", [name for name in NAMES if name != SYNCHRONISING])
def test_no_hook_waits_for_a_value_from_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # k-medoids is one operator to torch, which would be followed around and not through.
    monkeypatch.setattr(kmedoids, "_search", kmedoids._search._init_fn)
    result = run_without_data(name)
    assert result.tokens.values.device.type == "cuda"
    assert result.counts == reducer_called(name, 1).schedule(shape_of(1), FRAMES)


def test_a_wait_for_a_value_would_be_noticed() -> None:
    with pytest.raises((DataDependentOutputException, DynamicOutputShapeException)):
        run_without_data(SYNCHRONISING)


@pytest.mark.parametrize("name", [*SELECTING_TWICE, MERGING[-1]])
def test_the_hooks_compile_to_one_graph_with_equal_results(name: str) -> None:
    tower, reducer = StandInTower(shape_of(1)), reducer_called(name, 1)

    def encode(pictures: Tensor) -> Tensor:
        return tower.run(reducer, pictures, FRAMES).vectors

    pictures = make_pictures()
    compiled = torch.compile(encode, backend="eager", fullgraph=True)
    assert_close(compiled(pictures), encode(pictures))
