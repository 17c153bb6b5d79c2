"""How long a training is, and what its frames are drawn from."""

import pytest

from model.training.preparation import candidates_for, count_steps
from model.training.recipes import RECIPES
from model.training.run import Overrides


@pytest.mark.parametrize(
    ("name", "steps_per_epoch", "most", "steps"),
    [
        ("centerclip", 1406, None, 7030),
        ("centerclip", 1, None, 5),
        ("centerclip", 1406, 100, 100),
        ("folder", 1, None, RECIPES["folder"].least_steps),
        ("folder", 1, 20, 20),
        ("folder", 100, None, 100 * RECIPES["folder"].epochs),
    ],
)
def test_few_pairs_are_seen_until_the_recipe_has_its_least_steps(
    name: str, steps_per_epoch: int, most: int | None, steps: int
) -> None:
    assert count_steps(RECIPES[name], steps_per_epoch, most) == steps


def test_epochs_that_were_asked_for_are_all_there_are() -> None:
    recipe = Overrides(epochs=2).apply(RECIPES["folder"])
    assert count_steps(recipe, 3, None) == 6


@pytest.mark.parametrize(("frames", "candidates"), [(12, 60), (60, 180), (64, 192)])
def test_frames_of_long_videos_are_drawn_from_three_times_as_many(frames: int, candidates: int) -> None:
    assert candidates_for(frames).most == candidates
