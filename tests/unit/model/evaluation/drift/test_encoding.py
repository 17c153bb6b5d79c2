"""One tower, several reducers, the same clips."""

import numpy as np
import pytest
from numpy.typing import NDArray
from open_clip.transformer import VisionTransformer
from torch import nn

from model.evaluation.drift.encoding import (
    CLIPS_PER_BATCH,
    TIMED_BATCHES,
    choose_reducers,
    encode_with_each,
    with_reducer,
)
from model.preprocessing import Preprocessing
from model.serving_settings import FRAMES_PER_CLIP
from model.video_encoder import VideoEncoder

PREPROCESSING = Preprocessing(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "squash")
FRAMES = FRAMES_PER_CLIP


def unreduced(layers: int = 4) -> VideoEncoder:
    tower = VisionTransformer(
        image_size=16, patch_size=4, width=16, layers=layers, heads=2, mlp_ratio=2, output_dim=8
    )
    return VideoEncoder(tower, PREPROCESSING, frames_per_clip=FRAMES)


def convolutional() -> VideoEncoder:
    tower = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return VideoEncoder(tower, PREPROCESSING, frames_per_clip=FRAMES)


def clips(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, FRAMES, 16, 16, 3), dtype=np.uint8)


def names(encoder: VideoEncoder, *asked: str) -> list[str]:
    return [reducer.name for reducer in choose_reducers(encoder, asked)]


@pytest.mark.parametrize("count", [3, CLIPS_PER_BATCH * (TIMED_BATCHES + 1) + 1])
def test_every_encoder_sees_every_clip_in_one_order(count: int) -> None:
    encoder = unreduced(layers=1)
    pictures = clips(count)
    first, second = encode_with_each(
        [encoder, with_reducer(encoder, choose_reducers(encoder, ["frames:12"])[0])], pictures
    )
    np.testing.assert_allclose(first.vectors.clips, second.vectors.clips, atol=1e-6)
    wanted = encoder.encode(pictures)
    for made, alone in ((first.vectors.clips, wanted.clips), (first.vectors.segments, wanted.segments)):
        assert made.shape == alone.shape
        np.testing.assert_allclose(_sorted(made), _sorted(alone), atol=1e-5)
    assert first.timed_clips == min(count, CLIPS_PER_BATCH * TIMED_BATCHES)
    assert len(first.batch_s) == min(-(-count // CLIPS_PER_BATCH), TIMED_BATCHES)
    assert min(first.batch_s) > 0


def _sorted(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = vectors.reshape(len(vectors), -1)
    return flat[np.argsort(flat[:, 0])]


def test_reducers_share_one_tower() -> None:
    encoder = unreduced()
    [reducer] = choose_reducers(encoder, ["tome:1"])
    assert with_reducer(encoder, reducer).tower.tower is encoder.tower.tower


def test_no_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="no clips"):
        encode_with_each([unreduced()], [])


def test_without_names_there_is_one_of_each_family_that_fits() -> None:
    found = names(unreduced())
    assert {name.partition(":")[0] for name in found} >= {"pooling", "sparse", "frames", "tome"}
    assert "none" not in found


def test_names_are_taken_once_each_and_none_is_compared_anyway() -> None:
    assert names(unreduced(), "frames:2", "none", "Frames:2", "tome:1") == ["frames:2", "tome:1"]
    with pytest.raises(ValueError, match="name another"):
        names(unreduced(), "none")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'tomme' is no known token reduction.*tome"):
        names(unreduced(), "tomme")


def test_a_tower_that_does_not_come_apart_is_offered_a_choice_of_frames_only() -> None:
    assert {name.partition(":")[0] for name in names(convolutional())} == {"frames", "skip-duplicates"}
    with pytest.raises(ValueError, match=r"tokens cannot be reduced in .*Sequential"):
        names(convolutional(), "tome:1")
