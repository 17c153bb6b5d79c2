"""What each kept patch of a clip has to do with a query."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import nn

from model.patch_scores import PatchScores, UnreadablePatchesError
from model.preprocessing import Preprocessing
from model.token_reduction.naming import parse_reduction
from model.video_encoder import VideoEncoder
from model.vision_transformer.video_tower import SEEN_FROM_OUTSIDE, open_trunk
from tests import small_towers, timm_towers

FRAMES = 12
PREPROCESSING = Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest")
REDUCTIONS = (
    "none centerclip:B2-4,8 centerclip:B2-4,8/mean pooling:B2-4 sparse:B0-4,8 tome:2 pitome:2 "
    "frames:11 frames:6 skip-duplicates tempme:2-2-3/2/0.7/0.9"
).split()
TIMM_KINDS = sorted(timm_towers.TOWERS)


def averaging(**changes: Any) -> VisionTransformer:
    """Return a tower of open_clip's own kind that averages its patches."""
    settings = {"width": 32, "layers": 4, "heads": 2, "mlp_ratio": 4, "output_dim": 12, "pool_type": "avg"}
    return VisionTransformer(image_size=32, patch_size=8, **(settings | changes)).eval()


def tower_of(kind: str) -> Any:
    torch.manual_seed(2)
    if kind in timm_towers.TOWERS:
        return timm_towers.small_tower(kind)
    if kind == "clip":
        return small_towers.small_tower(4).eval()
    return averaging(final_ln_after_pool=kind == "clip-averaged-normed")


def drop_blocks(tower: Any) -> Any:
    """Leave a tower one block, which is the last: what enters it is as it was embedded. Return it."""
    blocks = tower.trunk.blocks if isinstance(tower, TimmModel) else tower.transformer.resblocks
    del blocks[1:]
    return blocks[0]


def encoder_of(tower: nn.Module, reduction: str) -> VideoEncoder:
    reducer = parse_reduction(reduction, open_trunk(tower).shape, FRAMES)
    return VideoEncoder(tower, PREPROCESSING, reducer, frames_per_clip=FRAMES)


def a_clip() -> NDArray[np.uint8]:
    """Return noise (12, 32, 32, 3) of which the frames 4 to 6 are one still."""
    clip = np.random.default_rng(3).integers(0, 256, (FRAMES, 32, 32, 3), dtype=np.uint8)
    clip[5:7] = clip[4]
    return clip


def a_query(dimension: int) -> NDArray[np.float32]:
    query = np.random.default_rng(4).standard_normal(dimension).astype(np.float32)
    unit: NDArray[np.float32] = query / np.linalg.norm(query)
    return unit


def explained(kind: str, reduction: str) -> PatchScores:
    encoder = encoder_of(tower_of(kind), reduction)
    return encoder.score_patches(a_clip(), a_query(encoder.dimension))


def by_place(found: PatchScores) -> dict[tuple[int, int, int], float]:
    places = zip(found.frames.tolist(), found.rows.tolist(), found.columns.tolist(), strict=True)
    return dict(zip(places, found.scores.tolist(), strict=True))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", ["mobilenet", "averaged", "clip-averaged", "clip-averaged-normed"])
def test_where_patches_are_averaged_their_parts_add_up_to_the_scores(kind: str, reduction: str) -> None:
    found = explained(kind, reduction)
    sums = np.bincount(found.segments, found.shares * found.scores)
    assert found.is_exact
    np.testing.assert_allclose(sums, found.segment_scores, atol=2e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", ["clip", "mobilenet", "siglip", "mobileclip", "perception"])
def test_segments_score_as_their_vectors_do(kind: str, reduction: str) -> None:
    encoder = encoder_of(tower_of(kind), reduction)
    query = a_query(encoder.dimension)
    found = encoder.score_patches(a_clip(), query)
    np.testing.assert_allclose(
        found.segment_scores, encoder.encode(a_clip()[None]).segments[0] @ query, atol=1e-5
    )
    np.testing.assert_allclose(np.bincount(found.segments, found.shares), 1, rtol=1e-5)
    assert found.frames.max() < FRAMES
    assert max(found.rows.max(), found.columns.max()) < found.side == 4


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", ["clip", *TIMM_KINDS])
def test_telling_frames_apart_changes_no_vector(kind: str, reduction: str) -> None:
    encoder = encoder_of(tower_of(kind), reduction)
    pictures = PREPROCESSING.to_tensor(a_clip()[None], torch.device("cpu"), torch.float32)
    with torch.inference_mode():
        trunk = encoder.tower.trunk
        assert trunk is not None
        traced = encoder.tower.trace(trunk, pictures).vectors
        assert torch.equal(traced, encoder.tower.run(pictures).vectors)


@pytest.mark.parametrize("kind", ["clip", "mobilenet", "perception"])
def test_kept_tokens_are_those_of_their_places_bit_for_bit(kind: str) -> None:
    tower = tower_of(kind)
    pictures = PREPROCESSING.to_tensor(a_clip()[None], torch.device("cpu"), torch.float32)
    drop_blocks(tower)
    encoder = encoder_of(tower, "centerclip:B0-4,9")
    trunk = encoder.tower.trunk
    assert trunk is not None
    with torch.inference_mode():
        whole = trunk.embed(pictures, FRAMES)
        kept = encoder.tower.trace(trunk, pictures).last_block
    embedded = whole.values[:, whole.class_tokens :].flatten(0, 1)  # frame by frame, in raster order
    assert kept.origins is not None
    assert torch.equal(kept.values[:, kept.class_tokens :], embedded[kept.origins])
    assert kept.origins.shape == (4, 9)
    assert torch.equal(kept.origins // 16 // 3, torch.arange(4).unsqueeze(1).expand(4, 9))


@pytest.mark.parametrize("kind", ["clip", "perception", "mobileclip"])
def test_a_patch_that_was_kept_says_what_it_says_unreduced(kind: str) -> None:
    tower = tower_of(kind)
    block = drop_blocks(tower)
    query = a_query(encoder_of(tower, "none").dimension)
    if kind == "perception":  # its pool reads what the block made of all patches, unless the block is silent
        block.gamma_1, block.gamma_2 = (nn.Parameter(torch.zeros(32)) for _ in range(2))
    whole = by_place(encoder_of(tower, "none").score_patches(a_clip(), query))
    kept = by_place(encoder_of(tower, "sparse:B0-4,9").score_patches(a_clip(), query))
    assert (len(whole), len(kept)) == (12 * 16, 4 * 9)
    np.testing.assert_allclose(list(kept.values()), [whole[place] for place in kept], atol=1e-5)


def test_a_frame_that_another_stands_in_for_has_that_one_s_patches() -> None:
    found = explained("mobilenet", "skip-duplicates")
    assert np.bincount(found.frames).tolist() == [16] * 12
    scores = found.scores.reshape(12, 16)
    assert (scores[4] == scores[5]).all()
    assert not np.allclose(scores[4], scores[7])


def test_a_merged_token_counts_for_its_members() -> None:
    found = explained("mobilenet", "tome:3")
    assert len(found.scores) == 12 * (16 - 4 * 3)
    sizes = found.shares * 3 * 16  # tokens of a segment of three frames
    np.testing.assert_allclose(sizes, sizes.round(), atol=1e-4)
    assert sizes.max() > 1.5


def test_the_same_clip_is_explained_the_same_way_again() -> None:
    one, other = (explained("mobilenet", "centerclip:B2-4,8") for _ in range(2))
    assert by_place(one) == by_place(other)


def test_a_tower_that_runs_whole_is_refused_with_the_presets_that_work() -> None:
    tower = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 8))
    reducer = parse_reduction("none", SEEN_FROM_OUTSIDE, FRAMES)
    encoder = VideoEncoder(tower, PREPROCESSING, reducer, frames_per_clip=FRAMES)
    with pytest.raises(UnreadablePatchesError, match=r"Sequential is run whole.*tiny, fast, standard"):
        encoder.score_patches(a_clip(), a_query(8))


def test_a_clip_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="the clip has 11 frames: this encoder takes 12"):
        encoder_of(tower_of("clip"), "none").score_patches(a_clip()[:11], a_query(8))
