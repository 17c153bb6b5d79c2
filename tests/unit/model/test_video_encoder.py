"""The video encoder: unit vectors for clips and their segments, the same alone and in company."""

from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from open_clip.transformer import VisionTransformer
from torch import nn
from torch.nn.functional import normalize

from model.preprocessing import Preprocessing
from model.token_reduction.base import TokenReducer, Unreduced
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.frame_choice import FewerFrames, SkipDuplicates
from model.token_reduction.segments import Stage
from model.token_reduction.tempme import TempMe
from model.video_encoder import VideoEncoder

PREPROCESSING = Preprocessing(32, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28), "shortest")
CENTERCLIP = CenterClip((Stage(2, segments=4, tokens=16),))
TEMPME = TempMe((2, 2, 3), 2, 0.7, 0.9, layers=4)
UNREDUCED = Unreduced()


def small_tower(patch_dropout: float = 0) -> VisionTransformer:
    return VisionTransformer(
        32, 8, width=48, layers=4, heads=2, mlp_ratio=2, output_dim=20, patch_dropout=patch_dropout
    )


def small_encoder(reducer: TokenReducer = UNREDUCED, **settings: Any) -> VideoEncoder:
    return VideoEncoder(small_tower(), PREPROCESSING, reducer, **settings)


def random_clips(count: int, frames: int = 12) -> NDArray[np.uint8]:
    """Return clips (B, T, 32, 32, 3) whose frames nearly repeat each other; the last one stands still."""
    generator = np.random.default_rng(7)
    first = generator.integers(0, 256, (count, 1, 32, 32, 3))
    change = generator.integers(-20, 21, (count, frames, 32, 32, 3))
    change[-1] = 0
    return (first + change).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("reducer", [UNREDUCED, CENTERCLIP], ids=["none", "centerclip"])
def test_a_clip_has_one_unit_vector_and_one_for_each_of_its_segments(reducer: TokenReducer) -> None:
    encoder = small_encoder(reducer)
    embedding = encoder.encode(random_clips(3))
    assert embedding.clips.shape == (3, encoder.dimension) == (3, 20)
    assert embedding.segments.shape == (3, encoder.segments_per_clip, 20) == (3, 4, 20)
    assert embedding.clips.dtype == embedding.segments.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embedding.clips, axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(embedding.segments, axis=-1), 1, atol=1e-6)


def test_without_reduction_a_clip_is_the_mean_of_the_models_own_image_vectors() -> None:
    model = open_clip.CLIP(
        embed_dim=20,
        vision_cfg={"image_size": 32, "patch_size": 8, "width": 64, "layers": 3, "head_width": 32},
        text_cfg={"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
    ).eval()
    clips = random_clips(2, frames=6)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (PREPROCESSING.mean, PREPROCESSING.std))
    pictures = (torch.from_numpy(clips).flatten(0, 1).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.inference_mode():
        frames = model.encode_image(pictures, normalize=True).unflatten(0, (2, 6))
    embedding = VideoEncoder(model.visual, PREPROCESSING, frames_per_clip=6).encode(clips)
    np.testing.assert_allclose(embedding.clips, normalize(frames.mean(1), dim=-1), atol=1e-5)
    halves = normalize(torch.stack([frames[:, :3].mean(1), frames[:, 3:].mean(1)], dim=1), dim=-1)
    np.testing.assert_allclose(embedding.segments, halves, atol=1e-5)


def test_with_reduction_a_clip_is_the_mean_of_its_segments() -> None:
    embedding = small_encoder(CENTERCLIP).encode(random_clips(2))
    mean = embedding.segments.mean(axis=1)
    np.testing.assert_allclose(embedding.clips, mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-6)


def test_reduction_changes_the_vectors_but_little() -> None:
    tower = small_tower()
    clips = random_clips(3)
    whole = VideoEncoder(tower, PREPROCESSING).encode(clips).clips
    reduced = VideoEncoder(tower, PREPROCESSING, CENTERCLIP).encode(clips).clips
    likeness = (whole * reduced).sum(axis=1)
    assert (likeness > 0.9).all()
    assert np.abs(whole - reduced).max() > 1e-4


@pytest.mark.parametrize("reducer", [UNREDUCED, CENTERCLIP], ids=["none", "centerclip"])
def test_a_clip_is_encoded_alike_alone_and_in_a_batch(reducer: TokenReducer) -> None:
    encoder = small_encoder(reducer)
    clips = random_clips(5)
    together = encoder.encode(clips)
    for number in range(5):
        alone = encoder.encode(clips[number : number + 1])
        np.testing.assert_allclose(alone.clips[0], together.clips[number], atol=1e-5)
        np.testing.assert_allclose(alone.segments[0], together.segments[number], atol=1e-5)


@pytest.mark.parametrize("reducer", [UNREDUCED, CENTERCLIP], ids=["none", "centerclip"])
def test_a_segment_vector_depends_on_the_frames_of_its_part_alone(reducer: TokenReducer) -> None:
    encoder = small_encoder(reducer)
    clips = random_clips(1)
    changed = clips.copy()
    changed[0, 6:9] = 255 - changed[0, 6:9]  # the third of four parts
    moved = np.abs(encoder.encode(clips).segments - encoder.encode(changed).segments).max(axis=2)[0] > 1e-4
    assert moved.tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("reducer", "segments"), [(TEMPME, 4), (FewerFrames(5), 5), (FewerFrames(12), 4), (SkipDuplicates(), 4)]
)
def test_segments_are_the_vectors_that_are_fewer_than_the_frames_or_groups_of_them(
    reducer: TokenReducer, segments: int
) -> None:
    encoder = small_encoder(reducer)
    clips = random_clips(3)
    embedding = encoder.encode(clips)
    assert embedding.segments.shape == (3, encoder.segments_per_clip, 20) == (3, segments, 20)
    mean = embedding.segments.mean(axis=1)
    likeness = (embedding.clips * mean / np.linalg.norm(mean, axis=1, keepdims=True)).sum(axis=1)
    np.testing.assert_allclose(likeness, 1, atol=1e-3)  # a group's mean is made a unit vector in between
    np.testing.assert_allclose(encoder.encode(clips[1:2]).segments[0], embedding.segments[1], atol=1e-5)


def test_where_frames_become_one_sequence_every_segment_has_seen_all_of_them() -> None:
    encoder = small_encoder(TEMPME)
    clips = random_clips(1)
    changed = clips.copy()
    changed[0, 6:9] = 255 - changed[0, 6:9]  # the third of four parts
    moved = np.abs(encoder.encode(clips).segments - encoder.encode(changed).segments).max(axis=2)[0]
    assert (moved > 1e-5).all()
    assert moved.argmax() == 2


def test_a_tower_that_is_no_vision_transformer_works_without_reduction() -> None:
    tower = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 5))
    encoder = VideoEncoder(tower, PREPROCESSING, frames_per_clip=6)
    assert encoder.dimension == 5
    assert encoder.encode(random_clips(2, frames=6)).segments.shape == (2, 2, 5)
    with pytest.raises(ValueError, match="cannot be reduced in the Sequential"):
        VideoEncoder(tower, PREPROCESSING, CENTERCLIP)


def test_a_tower_left_in_training_drops_no_patches() -> None:
    encoder = VideoEncoder(small_tower(patch_dropout=0.5).train(), PREPROCESSING)
    clips = random_clips(1)
    np.testing.assert_array_equal(encoder.encode(clips).clips, encoder.encode(clips).clips)


def test_half_precision_gives_nearly_the_same_float32_vectors() -> None:
    tower = small_tower()
    clips = random_clips(2)
    exact = VideoEncoder(tower, PREPROCESSING).encode(clips).clips
    coarse = VideoEncoder(tower, PREPROCESSING, dtype=torch.bfloat16).encode(clips).clips
    assert coarse.dtype == np.float32
    np.testing.assert_allclose((exact * coarse).sum(axis=1), 1, atol=2e-3)


def test_no_clips_give_no_vectors() -> None:
    embedding = small_encoder(CENTERCLIP).encode(random_clips(1)[:0])
    assert embedding.clips.shape == (0, 20)
    assert embedding.segments.shape == (0, 4, 20)


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (random_clips(1, frames=8), "clips have 8 frames: this encoder takes 12"),
        (random_clips(1)[0], r"\(12, 32, 32, 3\): wanted is \(B, T, 32, 32, 3\)"),
        (random_clips(1)[:, :, :16], r"\(1, 12, 16, 32, 3\): wanted is \(B, T, 32, 32, 3\)"),
        (random_clips(1).astype(np.float32), "float32: wanted is uint8"),
    ],
)
def test_clips_that_do_not_fit_are_refused(clips: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_encoder().encode(clips)


@pytest.mark.parametrize(
    ("reducer", "frames", "message"),
    [
        (CENTERCLIP, 10, "nearest that can be are 2 and 5"),
        (CenterClip((Stage(4, 4, 16),)), 12, "the tower has 4 blocks"),
        (CenterClip((Stage(2, 4, 49),)), 12, "1 to 48"),
        (UNREDUCED, 0, "frames_per_clip is 0"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_at_once(
    reducer: TokenReducer, frames: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        small_encoder(reducer, frames_per_clip=frames)


def test_damaged_weights_give_an_error_and_no_vectors() -> None:
    tower = small_tower()
    torch.nn.init.constant_(tower.ln_post.weight, float("nan"))
    with pytest.raises(ValueError, match="not finite"):
        VideoEncoder(tower, PREPROCESSING, CENTERCLIP).encode(random_clips(1))
