"""The share of encoding that reduction takes."""

import pytest
from open_clip.transformer import VisionTransformer

from model.evaluation.reduction_share import measure_reduction_share
from model.preprocessing import Preprocessing
from model.token_reduction.base import TokenReducer
from model.token_reduction.centerclip import CenterClip
from model.video_encoder import VideoEncoder


def encoder(reducer: TokenReducer | None) -> VideoEncoder:
    tower = VisionTransformer(
        image_size=32, patch_size=8, width=32, layers=2, heads=2, mlp_ratio=4, output_dim=8
    )
    return VideoEncoder(tower, Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "squash"), reducer)


def test_reduction_takes_some_of_the_time_and_no_reduction_takes_none() -> None:
    assert 0 < measure_reduction_share(encoder(CenterClip(1, 4, 16)), clips=1, repeats=1) < 1
    assert measure_reduction_share(encoder(None), clips=1, repeats=1) == 0


def test_measuring_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="repeats=0"):
        measure_reduction_share(encoder(None), repeats=0)
