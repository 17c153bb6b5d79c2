"""RandAugment for videos: alike in all frames, the same from a seed, and timm's operations."""

import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from timm.data.auto_augment import _RAND_INCREASING_TRANSFORMS, LEVEL_TO_ARG, AugmentOp

from model.training.augmentation import ARGUMENTS, GREY, Alteration, augment, draw_alterations


def picture(seed: int = 0) -> NDArray[np.uint8]:
    """Return smooth colours with some noise, (32, 40, 3)."""
    rows, columns = np.mgrid[0:32, 0:40]
    ramps = np.stack([rows * 7, columns * 5, (rows + columns) * 3], axis=-1)
    noise = np.random.default_rng(seed).integers(0, 30, ramps.shape)
    return np.clip(ramps + noise, 0, 255).astype(np.uint8)


def test_equal_frames_stay_equal_whatever_is_drawn() -> None:
    still = np.stack([picture()] * 3)
    for seed in range(40):
        altered = augment(still, np.random.default_rng(seed))
        assert np.array_equal(altered[0], altered[1]) and np.array_equal(altered[0], altered[2])


def test_a_frame_is_altered_as_it_is_alone() -> None:
    frames = np.stack([picture(seed) for seed in range(4)])
    for seed in range(10):
        together = augment(frames, np.random.default_rng(seed))
        alone = [augment(frame[None], np.random.default_rng(seed))[0] for frame in frames]
        assert np.array_equal(together, np.stack(alone))


def test_equal_seeds_alter_equally_and_others_do_not() -> None:
    frames = picture()[None]
    first = [augment(frames, np.random.default_rng(seed)) for seed in range(20)]
    again = [augment(frames, np.random.default_rng(seed)) for seed in range(20)]
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert len({one.tobytes() for one in first}) > 15


def test_neither_the_frames_nor_anyone_elses_random_numbers_are_touched() -> None:
    frames = np.stack([picture()] * 2)
    before, states = frames.copy(), global_states()
    altered = augment(frames, np.random.default_rng(3))
    assert np.array_equal(frames, before)
    assert altered.shape == frames.shape
    assert altered.dtype == np.dtype(np.uint8)
    assert states == global_states()


def global_states() -> tuple[object, object]:
    """Return the states of Python's and numpy's random numbers."""
    of_numpy: Any = np.random.get_state()
    return random.getstate(), of_numpy[1].tolist()


def test_frames_that_cannot_be_written_are_taken() -> None:
    frames = np.stack([picture()] * 2)
    frames.flags.writeable = False
    assert augment(frames, np.random.default_rng(0)).shape == frames.shape


def test_half_of_four_operations_are_carried_out_at_magnitudes_around_seven() -> None:
    generator = np.random.default_rng(0)
    draws = [draw_alterations(generator) for _ in range(4000)]
    counts = np.bincount([len(drawn) for drawn in draws], minlength=5) / len(draws)
    assert counts == pytest.approx([1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16], abs=0.02)
    drawn = [alteration for alterations in draws for alteration in alterations]
    names = {alteration.name for alteration in drawn}
    assert names == set(ARGUMENTS)
    degrees = np.array([alteration.arguments[0] for alteration in drawn if alteration.name == "Rotate"])
    assert np.abs(degrees).mean() == pytest.approx(21, abs=0.3)  # 30 degrees at magnitude 10
    assert np.abs(degrees).std() == pytest.approx(1.5, abs=0.2)
    assert (degrees > 0).mean() == pytest.approx(0.5, abs=0.1)


def test_the_operations_are_those_timm_draws_from() -> None:
    assert set(ARGUMENTS) == set(_RAND_INCREASING_TRANSFORMS)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
@pytest.mark.parametrize("magnitude", [0.0, 3.3, 7.0, 10.0])
def test_an_operation_has_timms_arguments(name: str, magnitude: float) -> None:
    level_to_argument: Any = LEVEL_TO_ARG[name]
    theirs = set() if level_to_argument is None else both_directions(level_to_argument, magnitude)
    ours = {ARGUMENTS[name](direction * magnitude / 10) for direction in (1, -1)} - {()}
    assert len(ours) == len(theirs)
    for one, other in zip(sorted(ours), sorted(theirs), strict=True):
        assert one == pytest.approx(other)


def both_directions(level_to_argument: Any, magnitude: float) -> set[tuple[float, ...]]:
    """Return what timm makes of a magnitude: it turns a coin for the sign, where there is one."""
    state = random.getstate()
    random.seed(0)
    arguments = {tuple(level_to_argument(magnitude, {"translate_pct": 0.45})) for _ in range(30)}
    random.setstate(state)
    return arguments


@pytest.mark.parametrize("name", ["Rotate", "ShearX", "TranslateYRel", "SolarizeAdd", "ColorIncreasing"])
def test_an_operation_gives_timms_picture(name: str) -> None:
    shown = Image.fromarray(picture())
    settings = {"interpolation": Image.Resampling.BICUBIC, "img_mean": GREY}
    state = random.getstate()
    random.seed(1)
    operation: Any = AugmentOp
    theirs = np.asarray(operation(name, prob=1.0, magnitude=7, hparams=settings)(shown))
    random.setstate(state)
    ours = [np.asarray(Alteration(name, ARGUMENTS[name](sign * 0.7)).alter(shown)) for sign in (1, -1)]
    assert any(np.array_equal(one, theirs) for one in ours)
    assert not np.array_equal(theirs, np.asarray(shown))
