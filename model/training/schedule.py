"""The learning rate of every step, and AdamW as the recipes take it."""

from torch.optim import AdamW

from model.training.recipes import TrainableModel


def make_optimizer(trainable: TrainableModel) -> AdamW:
    """Return AdamW over the trained parameters, with the recipe's rates, decay, betas and epsilon."""
    raise NotImplementedError


def set_learning_rate(optimizer: AdamW, step: int, steps: int, warm_up: float) -> None:
    """Set the rate of each group for ``step`` (from 0) of ``steps``: a function of these alone."""
    raise NotImplementedError
