"""The learning rate of every step: a linear warm-up, then half a cosine to zero (MODEL-SPEC 1.8, 2.6)."""

import math

from torch.optim import AdamW

from model.training.trainable_model import TrainableModel

WARM_UP_FROM = 1e-8
"""CenterCLIP's rate of the first step. TempMe's is not known; a rate of zero would waste the step."""


def make_optimizer(trainable: TrainableModel) -> AdamW:
    """Return AdamW over the trained parameters, with the recipe's rates, decay, betas and epsilon."""
    recipe = trainable.recipe
    groups = [dict(group) for group in trainable.parameter_groups()]
    return AdamW(groups, betas=recipe.betas, eps=recipe.epsilon)


def set_learning_rate(optimizer: AdamW, step: int, steps: int, warm_up: float) -> None:
    """Set the rate of each group for ``step`` of ``steps``; it depends on these alone, so a run can resume.

    Raises ValueError for a step that is not among them.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(step, steps, warm_up, group["peak"])


def learning_rate_at(step: int, steps: int, warm_up: float, peak: float) -> float:
    """Return the rate of ``step`` (0 to ``steps`` - 1) if it is to reach ``peak`` after a ``warm_up`` share.

    Raises ValueError for another step.
    """
    if not 0 <= step < steps:
        raise ValueError(f"step {step} is not among the {steps} steps, which are counted from 0")
    rising = round(steps * warm_up)
    if step < rising:
        return WARM_UP_FROM + (peak - WARM_UP_FROM) * step / rising
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / (steps - rising)))
