"""CenterCLIP: how segments are formed, what is kept of them, and where gradients go."""

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from model.token_reduction.base import LayerTokens, Tokens, TowerShape
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.distances import Metric
from model.token_reduction.kmedoids import kmedoids
from model.token_reduction.segments import Stage
from tests.kmedoids_oracle import redundant_tokens

B32 = TowerShape(layers=12, patches=49, class_tokens=1)
B16 = TowerShape(layers=12, patches=196, class_tokens=1)


def numbered_tokens(videos: int, frames: int, patches: int, channels: int = 8) -> Tokens:
    """Return random tokens, class token first, whose first channel is their running number."""
    values = torch.randn(videos * frames, 1 + patches, channels)
    values[:, :, 0] = torch.arange(values.shape[0] * values.shape[1]).reshape(-1, 1 + patches)
    return Tokens(values, frames, class_tokens=1, origins=torch.arange(patches).repeat(videos * frames, 1))


def video_tokens(videos: int, frames: int, patches: int, channels: int) -> Tokens:
    """Return tokens whose frames nearly repeat each other, class token first."""
    patch_tokens = redundant_tokens(videos, frames, patches, channels, seed=11)
    patch_tokens = patch_tokens.reshape(videos * frames, patches, channels)
    class_tokens = torch.randn(videos * frames, 1, channels)
    return Tokens(torch.cat([class_tokens, patch_tokens], 1), frames, class_tokens=1)


def once(segments: int, tokens: int, mean: bool = False) -> CenterClip:
    """Return a reducer before block 1."""
    return CenterClip((Stage(1, segments, tokens),), mean=mean)


def origins_of(tokens: Tokens) -> Tensor:
    assert tokens.origins is not None
    return tokens.origins


def test_a_video_becomes_segments_of_one_class_token_and_k_others() -> None:
    reduced = once(4, 9).before_block(1, numbered_tokens(2, 12, 16))
    assert reduced.values.shape == (2 * 4, 1 + 9, 8)
    assert (reduced.sequences, reduced.class_tokens, reduced.sizes) == (4, 1, None)


def test_the_class_token_is_the_mean_over_the_frames_of_its_segment() -> None:
    tokens = numbered_tokens(2, 6, 5)
    reduced = once(2, 5).before_block(1, tokens)
    expected = torch.stack([tokens.values[start : start + 3, 0].mean(0) for start in (0, 3, 6, 9)])
    torch.testing.assert_close(reduced.values[:, 0], expected)


def test_kept_tokens_are_the_medoids_of_the_segment_unchanged_and_in_order_of_time_and_raster() -> None:
    tokens = numbered_tokens(1, 6, 10)
    reduced = once(2, 7).before_block(1, tokens)
    for segment in range(2):
        candidates = torch.cat([tokens.values[3 * segment + frame, 1:] for frame in range(3)])  # (30, C)
        medoids = kmedoids(candidates.unsqueeze(0), 7).medoids[0]
        kept = reduced.values[segment, 1:]
        assert torch.equal(kept, candidates[medoids])
        assert (kept[:, 0].diff() > 0).all()
        assert torch.equal(origins_of(reduced)[segment], medoids % 10)


def test_class_tokens_take_no_part_in_clustering() -> None:
    tokens = numbered_tokens(1, 6, 10)
    reduced = once(2, 7).before_block(1, tokens)
    tokens.values[:, 0] = 1000
    assert torch.equal(once(2, 7).before_block(1, tokens).values[:, 1:], reduced.values[:, 1:])


def test_a_tower_without_class_tokens_keeps_medoids_only() -> None:
    tokens = redundant_tokens(2, 3, 20, 16, seed=1)  # two segments
    reduced = once(2, 20).before_block(1, Tokens(tokens.reshape(6, 20, 16), 6, class_tokens=0))
    medoids = kmedoids(tokens, 20).medoids
    assert torch.equal(reduced.values, tokens.take_along_dim(medoids.unsqueeze(2), 1))


def test_segments_of_one_frame_that_keep_every_token_change_nothing() -> None:
    tokens = numbered_tokens(2, 4, 16)
    reduced = once(4, 16).before_block(1, tokens)
    assert torch.equal(reduced.values, tokens.values)
    assert reduced.sequences == 4


def test_it_reduces_before_its_own_block_only() -> None:
    tokens = numbered_tokens(1, 6, 5)
    reducer = CenterClip((Stage(3, 2, 5),))
    assert [block for block in range(12) if reducer.before_block(block, tokens) is not tokens] == [3]


def test_a_later_stage_clusters_what_an_earlier_one_left() -> None:
    tokens = numbered_tokens(2, 12, 10)
    first, second = Stage(1, 6, 9), Stage(3, 3, 8)
    both = CenterClip((first, second))
    reduced = both.before_block(3, both.before_block(1, tokens))
    apart = CenterClip((second,)).before_block(3, CenterClip((first,)).before_block(1, tokens))
    assert torch.equal(reduced.values, apart.values)
    assert reduced.values.shape == (2 * 3, 9, 8)
    left = reduced.values[0, 1:, 0].long()  # running numbers
    assert torch.equal(origins_of(reduced)[0], left % 11 - 1)
    torch.testing.assert_close(reduced.values[0, 0], tokens.values[:4, 0].mean(0))


def test_the_mean_of_a_cluster_stands_for_its_members_in_the_place_of_its_medoid() -> None:
    tokens = numbered_tokens(1, 3, 10)
    reduced = once(1, 7, mean=True).before_block(1, tokens)
    candidates = tokens.values[:, 1:].reshape(30, 8)
    medoids, members = kmedoids(candidates.unsqueeze(0), 7, with_members=True)
    assert members is not None
    for place in range(7):
        torch.testing.assert_close(reduced.values[0, 1 + place], candidates[members[0] == place].mean(0))
    assert torch.equal(origins_of(reduced)[0], medoids[0] % 10)


def test_means_of_large_clusters_lose_no_more_than_the_rounding_of_the_tokens() -> None:
    tokens = torch.rand(1, 300, 8).bfloat16() + 1  # bfloat16 can count to 256 only
    reduced = once(1, 1, mean=True).before_block(1, Tokens(tokens, 1, class_tokens=0))
    torch.testing.assert_close(reduced.values[0, 0].float(), tokens[0].float().mean(0), rtol=2**-8, atol=0)
    assert reduced.values.dtype == torch.bfloat16


@pytest.mark.parametrize("mean", [False, True])
def test_a_video_is_reduced_alike_alone_and_in_a_batch(mean: bool) -> None:
    tokens = video_tokens(3, 12, 49, 32)
    reducer = once(4, 49, mean)
    together = reducer.before_block(1, tokens).values
    alone = [
        reducer.before_block(1, Tokens(video, 12, class_tokens=1)).values for video in tokens.values.split(12)
    ]
    if mean:
        torch.testing.assert_close(together, torch.cat(alone))
    else:
        assert torch.equal(together, torch.cat(alone))


def test_tokens_of_other_videos_do_not_matter() -> None:
    tokens = video_tokens(2, 6, 9, 8)
    before = once(2, 9).before_block(1, tokens).values[:2]
    tokens.values[6:] += 5 * torch.randn(6, 10, 8)
    assert torch.equal(once(2, 9).before_block(1, tokens).values[:2], before)


def test_gradients_reach_kept_tokens_and_class_tokens_and_no_other() -> None:
    tokens = numbered_tokens(1, 6, 10)
    tokens.values.requires_grad_()
    reduced = once(2, 4).before_block(1, tokens).values
    reduced.sum().backward()
    expected = torch.zeros(6, 11)
    expected[:, 0] = 1 / 3  # each class token is a third of its segment's
    expected.view(-1)[reduced[:, 1:, 0].long().flatten()] = 1  # running numbers
    assert tokens.values.grad is not None
    torch.testing.assert_close(tokens.values.grad, expected.unsqueeze(2).expand(6, 11, 8))


def test_gradients_of_means_reach_every_member_in_equal_parts() -> None:
    tokens = numbered_tokens(1, 3, 10)
    tokens.values.requires_grad_()
    once(1, 4, mean=True).before_block(1, tokens).values.sum().backward()
    candidates = tokens.values.detach()[:, 1:].reshape(1, 30, 8)
    members = kmedoids(candidates, 4, with_members=True).members
    assert members is not None and tokens.values.grad is not None
    shares = 1 / torch.bincount(members[0])[members[0]]
    torch.testing.assert_close(tokens.values.grad[:, 1:, 0].flatten(), shares)


def test_half_precision_tokens_are_kept_as_they_are() -> None:
    tokens = video_tokens(1, 6, 20, 16)
    exact = Tokens(tokens.values.bfloat16().float(), 6, class_tokens=1)
    half = Tokens(tokens.values.bfloat16(), 6, class_tokens=1)
    with torch.inference_mode():
        reduced = once(2, 20).before_block(1, half).values
    assert reduced.dtype == torch.bfloat16
    assert torch.equal(reduced[:, 1:].float(), once(2, 20).before_block(1, exact).values[:, 1:])


@pytest.mark.parametrize("mean", [False, True])
def test_it_compiles_into_one_graph_and_runs_on_fake_tensors(mean: bool) -> None:
    def run(values: Tensor) -> Tensor:
        return once(2, 20, mean).before_block(1, Tokens(values, 6, class_tokens=1)).values

    values = video_tokens(2, 6, 20, 16).values.requires_grad_()
    compiled = torch.compile(run, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(values), run(values))
    compiled(values).sum().backward()
    with FakeTensorMode():
        assert run(torch.empty(12, 21, 16)).shape == (4, 21, 16)


@pytest.mark.parametrize("mean", [False, True])
def test_tokens_that_are_no_numbers_raise_nothing(mean: bool) -> None:
    tokens = video_tokens(1, 6, 10, 8)
    tokens.values[2, 3] = torch.nan
    assert once(2, 10, mean).before_block(1, tokens).values.shape == (2, 11, 8)


def test_the_schedule_is_that_of_the_stages() -> None:
    schedule = CenterClip((Stage(6, 4, 49),)).schedule(B32, 12)
    assert schedule[5:8] == (
        LayerTokens(12, 50, 50, 50),
        LayerTokens(4, 150, 50, 50),
        LayerTokens(4, 50, 50, 50),
    )
    with pytest.raises(ValueError, match=r"centerclip:B6-5,49 cannot split 12 frames into 5"):
        CenterClip((Stage(6, 5, 49),)).schedule(B32, 12)


@pytest.mark.parametrize(
    ("options", "reducer"),
    [
        ("B6-4,49", CenterClip((Stage(6, 4, 49),))),
        ("B4-6,49+B8-3,49", CenterClip((Stage(4, 6, 49), Stage(8, 3, 49)))),
        ("B6-4,49/l1", CenterClip((Stage(6, 4, 49),), metric=Metric.MANHATTAN)),
        ("B6-4,49/cosine/mean", CenterClip((Stage(6, 4, 49),), mean=True, metric=Metric.COSINE)),
        ("B6-4,49/3-iterations", CenterClip((Stage(6, 4, 49),), iterations=3)),
    ],
)
def test_a_name_is_read_as_it_is_written(options: str, reducer: CenterClip) -> None:
    assert CenterClip.parse(options, B32, 12) == reducer
    assert reducer.name == f"centerclip:{options}"


@pytest.mark.parametrize(
    ("options", "shape", "frames", "name"),
    [
        ("", B32, 12, "centerclip:B6-4,49"),
        ("", B16, 60, "centerclip:B6-20,160"),
        ("/mean", B32, 12, "centerclip:B6-4,49/mean"),
        (" b6-4,49/MEAN/l2/5-iterations ", B32, 12, "centerclip:B6-4,49/mean"),
    ],
)
def test_what_is_left_out_or_written_otherwise_is_named_in_full(
    options: str, shape: TowerShape, frames: int, name: str
) -> None:
    assert CenterClip.parse(options, shape, frames).name == name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("6-4,49", "'6-4,49' is no stage of a reduction: write it like B6-4,49"),
        ("B4-6,49+", "'' is no stage"),
        ("B6-4,49/euclid", "'euclid' is no option of centerclip: known are l1, cosine,.* mean"),
        ("B6-4,49/l1/cosine", "decides metric twice"),
        ("B6-4,49/mean/mean", "decides mean twice"),
        ("B6-4,49/0-iterations", "^0 iterations.* ask for 1 to 100$"),
        ("B6-4,49/101-iterations", "^101 iterations.* ask for 1 to 100$"),
        (
            "B8-6,49+B8-3,49",
            r"after block 8 once it has reduced after block 8: name the stages by rising block",
        ),
        (
            "B8-6,49+B4-3,49",
            r"after block 4 once it has reduced after block 8: name the stages by rising block",
        ),
        ("B4-6,49+B8-6,49", r"nothing to reduce at B8-6,49 once B4-6,49.*fewer than 6 segments or fewer"),
    ],
)
def test_what_cannot_be_read_or_done_is_refused(options: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CenterClip.parse(options, B32, 12)


def test_no_stages_are_refused() -> None:
    with pytest.raises(ValueError, match=r"centerclip needs a stage.* like centerclip:B6-4,49"):
        CenterClip(())
