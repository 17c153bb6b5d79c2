"""The learning rate of given steps, against numbers worked out by hand."""

import pytest
from torch import nn

from model.token_reduction.tempme import TempMe
from model.training.recipes import RECIPES, Recipe
from model.training.schedule import learning_rate_at, make_optimizer, set_learning_rate
from model.training.trainable_model import prepare_for_training
from tests.dual_encoders import small_clip

MSR_VTT_STEPS = 7030  # 1,406 of 128 pairs in each of 5 epochs


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 1e-8),
        (1, 1e-8 + 4.99e-6 / 703),
        (302, 1e-8 + 4.99e-6 * 302 / 703),
        (702, 5e-6 - 4.99e-6 / 703),
        (703, 5e-6),
        (703 + 2109, 3.75e-6),  # a third of the 6,327 steps of the fall: (1 + cos 60°) / 2 = 3/4
        (703 + 4218, 1.25e-6),  # two thirds: (1 + cos 120°) / 2 = 1/4
        (7029, 3.0818e-13),  # 5e-6 * (π / 6327)² / 4, all but zero
    ],
)
def test_the_rate_rises_for_a_tenth_of_the_steps_and_then_falls_along_a_cosine(
    step: int, rate: float
) -> None:
    assert learning_rate_at(step, MSR_VTT_STEPS, 0.1, 5e-6) == pytest.approx(rate, rel=1e-4)


def test_ten_steps_warm_up_in_one_and_four_in_none() -> None:
    assert [learning_rate_at(step, 10, 0.1, 1.0) for step in (0, 1)] == [1e-8, 1.0]
    assert learning_rate_at(0, 4, 0.1, 1.0) == 1.0


@pytest.mark.parametrize("step", [-1, 10])
def test_a_step_that_is_not_among_the_steps_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match=f"step {step} is not among the 10 steps"):
        learning_rate_at(step, 10, 0.1, 1.0)


@pytest.mark.parametrize("recipe", [RECIPES["centerclip"], RECIPES["tempme"]])
def test_adamw_has_the_betas_and_the_epsilon_of_the_recipe(recipe: Recipe) -> None:
    model = small_clip()
    optimizer = make_optimizer(prepare_for_training(model, TempMe((2, 2, 3), 1, 0.7, 0.9, layers=4), recipe))
    for group in optimizer.param_groups:
        assert (group["betas"], group["eps"]) == (recipe.betas, 1e-6)


def test_each_group_goes_to_its_own_peak() -> None:
    trainable = prepare_for_training(
        small_clip(), TempMe((2, 2, 3), 1, 0.7, 0.9, layers=4), RECIPES["centerclip"]
    )
    optimizer = make_optimizer(trainable)
    set_learning_rate(optimizer, 1, 10, 0.1)
    rates = {group["name"]: group["lr"] for group in optimizer.param_groups}
    assert rates == {"model, decayed": 5e-6, "model, not decayed": 5e-6, "clip positions, decayed": 5e-3}
    set_learning_rate(optimizer, 4, 10, 0.1)  # a third of the way down
    assert optimizer.param_groups[2]["lr"] == pytest.approx(3.75e-3)
    set_learning_rate(optimizer, 1, 10, 0.1)  # whatever the rate was before
    assert optimizer.param_groups[2]["lr"] == 5e-3


def test_the_groups_hold_the_trained_parameters_and_each_of_them_once() -> None:
    trainable = prepare_for_training(
        small_clip(), TempMe((2, 2, 3), 1, 0.7, 0.9, layers=4), RECIPES["centerclip"]
    )
    grouped: list[nn.Parameter] = [
        p for group in make_optimizer(trainable).param_groups for p in group["params"]
    ]
    assert sorted(map(id, grouped)) == sorted(map(id, trainable.trained_parameters().values()))
