"""Views of the training photographs, and what is kept of them."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model.datasets.photographs import CaptionedPhotograph
from model.preprocessing import Preprocessing
from model.training.bundled.photograph_views import (
    GRID,
    NARROW_CHANNELS,
    SMALLEST_CROP,
    ViewRecipe,
    jitter,
    make_views,
    random_crop,
    random_view,
)
from model.vision_transformer.mobilenet_hybrid import LAST_CHANNELS, MobileNetStem

PREPROCESSING = Preprocessing(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest")


@given(st.integers(20, 300), st.integers(20, 300), st.integers(0, 2**32 - 1))
def test_a_random_crop_lies_inside_the_picture_and_is_not_too_small(
    width: int, height: int, seed: int
) -> None:
    crop = random_crop(Image.new("RGB", (width, height)), np.random.default_rng(seed))
    assert crop.width <= width and crop.height <= height
    if max(width, height) / min(width, height) < 4 / 3:
        assert crop.width * crop.height >= 0.7 * SMALLEST_CROP * width * height


def test_the_same_seed_gives_the_same_view() -> None:
    picture = Image.effect_noise((64, 48), 80).convert("RGB")
    first, second = (random_view(picture, 32, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (32, 32, 3)
    np.testing.assert_array_equal(first, second)


def test_another_light_keeps_the_picture() -> None:
    picture = np.asarray(Image.effect_noise((64, 48), 60).convert("RGB"))
    changed = jitter(picture, np.random.default_rng(0))
    assert changed.dtype == np.uint8 and not np.array_equal(changed, picture)
    assert np.corrcoef(changed.ravel(), picture.ravel())[0, 1] > 0.95


def test_features_are_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    Image.effect_noise((40, 30), 80).convert("RGB").save(stream, "PNG")
    photographs = [CaptionedPhotograph(name, stream.getvalue(), ("a wall",)) for name in "ab"]
    stem = MobileNetStem()
    made = make_views(photographs, ViewRecipe(stem, PREPROCESSING, 2), tmp_path)
    assert made.maps.shape == (4, GRID**2, NARROW_CHANNELS)
    assert made.pooled.shape == (4, LAST_CHANNELS)
    assert not np.array_equal(made.maps[0], made.maps[1])
    cells = torch.from_numpy(made.maps[3].T.astype(np.float32)).unflatten(1, (GRID, GRID))[None]
    with torch.inference_mode():
        pooled = stem.widen(cells).mean((2, 3))[0]
    np.testing.assert_allclose(made.pooled[3].astype(np.float32), pooled, atol=0.02)
    monkeypatch.setattr(CaptionedPhotograph, "decode", None)
    kept = make_views(photographs, ViewRecipe(stem, PREPROCESSING, 2), tmp_path)
    np.testing.assert_array_equal(kept.maps, made.maps)
