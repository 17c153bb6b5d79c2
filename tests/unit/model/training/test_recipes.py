"""The numbers of the recipes, and which of them a dataset takes."""

import pytest

from model.training.recipes import RECIPES, recipe_for


def test_the_recipes_are_the_published_ones() -> None:
    centerclip, tempme = RECIPES["centerclip"], RECIPES["tempme"]
    for recipe in (centerclip, tempme):
        assert (recipe.epochs, recipe.batch, recipe.words, recipe.frames) == (5, 128, 32, 12)
        assert (recipe.weight_decay, recipe.warm_up, recipe.gradient_norm, recipe.epsilon) == (
            0.2,
            0.1,
            1.0,
            1e-6,
        )
    assert (centerclip.learning_rate, centerclip.betas, centerclip.trains) == (5e-6, (0.9, 0.98), "all")
    assert (tempme.learning_rate, tempme.betas, tempme.trains) == (6e-4, (0.9, 0.999), "lora")
    assert (centerclip.augments, tempme.augments) == (False, True)


@pytest.mark.parametrize(
    ("name", "dataset", "epochs", "learning_rate", "frames", "words"),
    [
        ("centerclip", "msr-vtt-9k", 5, 5e-6, 12, 32),
        ("centerclip", "activitynet", 8, 1e-5, 60, 77),
        ("tempme", "lsmdc", 5, 6e-4, 12, 32),
        ("tempme", "activitynet", 5, 6e-4, 64, 64),
        ("tempme", "didemo", 5, 6e-4, 64, 64),
        ("tempme-full", "didemo", 5, 5e-6, 64, 64),
    ],
)
def test_long_videos_have_a_recipe_of_their_own(
    name: str, dataset: str, epochs: int, learning_rate: float, frames: int, words: int
) -> None:
    recipe = recipe_for(name, dataset)
    assert (recipe.epochs, recipe.learning_rate) == (epochs, learning_rate)
    assert (recipe.frames, recipe.words) == (frames, words)
    assert RECIPES[recipe.name] is recipe


def test_the_recipe_for_folders_is_the_same_for_all_of_them() -> None:
    assert recipe_for("folder", "folder") is recipe_for("folder", "didemo") is RECIPES["folder"]


def test_an_unknown_recipe_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no training recipe 'clip4clip': known are centerclip, "):
        recipe_for("clip4clip", "msvd")
