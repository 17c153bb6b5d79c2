"""Crops of the training photographs and the components of the teacher's features."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model.training.bundled.views import MAP_CHANNELS, SMALLEST_CROP, principal_components, random_crop


@given(st.integers(20, 300), st.integers(20, 300), st.integers(0, 2**32 - 1))
def test_a_random_crop_lies_inside_the_picture_and_is_not_too_small(
    width: int, height: int, seed: int
) -> None:
    crop = random_crop(Image.new("RGB", (width, height)), np.random.default_rng(seed))
    assert crop.width <= width and crop.height <= height
    longest = max(width, height) / min(width, height)
    if longest < 4 / 3:
        assert crop.width * crop.height >= 0.7 * SMALLEST_CROP * width * height


def test_the_same_seed_gives_the_same_crop() -> None:
    picture = Image.effect_noise((64, 48), 80).convert("RGB")
    first, second = (random_crop(picture, np.random.default_rng(3)) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_projected_features_have_unit_variance_and_keep_the_strongest_directions() -> None:
    generator = np.random.default_rng(0)
    cells = generator.normal(size=(2000, 200)).astype(np.float32)
    cells[:, :MAP_CHANNELS] *= 10
    mean, components = principal_components(cells)
    projected = (cells - mean) @ components
    assert components.shape == (200, MAP_CHANNELS)
    np.testing.assert_allclose(projected.var(0).mean(), 1, rtol=0.05)
    assert np.abs(components[MAP_CHANNELS:]).max() < 0.1 * np.abs(components[:MAP_CHANNELS]).max()
