"""The share of encoding that reduction takes."""

import pytest
from open_clip.transformer import VisionTransformer

from model.evaluation.reduction_share import measure_reduction_share
from model.preprocessing import Preprocessing
from model.token_reduction.base import TokenReducer, Unreduced
from model.token_reduction.centerclip import CenterClip
from model.token_reduction.segments import Stage
from model.video_encoder import VideoEncoder


def encoder(reducer: TokenReducer) -> VideoEncoder:
    tower = VisionTransformer(
        image_size=32, patch_size=8, width=32, layers=2, heads=2, mlp_ratio=4, output_dim=8
    )
    return VideoEncoder(tower, Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "squash"), reducer)


def test_reduction_takes_some_of_the_time_and_no_reduction_less() -> None:
    with_reduction = measure_reduction_share(encoder(CenterClip((Stage(1, 4, 16),))), clips=1, repeats=3)
    without = measure_reduction_share(encoder(Unreduced()), clips=1, repeats=3)
    assert without < with_reduction < 1


def test_measuring_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="repeats=0"):
        measure_reduction_share(encoder(Unreduced()), repeats=0)
