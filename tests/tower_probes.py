"""What goes on in a tower that a reducer acts in: its tokens, its gradients, and how often its parts run."""

import torch
from torch import Tensor, nn

from model.token_reduction.base import TokenReducer, Tokens, Unreduced
from model.vision_transformer.video_tower import VideoTower


class Observer(Unreduced):
    """Changes nothing, and notes what it is given."""

    def __init__(self) -> None:
        self.before: list[Tensor] = []
        self.after: list[Tensor] = []
        self.keys: list[Tensor] = []

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        self.before.append(tokens.values)
        return tokens

    def wants_keys(self, block: int) -> bool:
        return True

    def after_attention(self, block: int, tokens: Tokens, keys: Tensor | None) -> Tokens:
        assert keys is not None
        self.after.append(tokens.values)
        self.keys.append(keys)
        return tokens


def gradients(tower: nn.Module, reducer: TokenReducer, pictures: Tensor) -> tuple[Tensor, ...]:
    """Return those of the tower's parameters by some loss of one video."""
    vectors = VideoTower(tower, reducer, len(pictures)).run(pictures).vectors
    return torch.autograd.grad(vectors.square().sum(), list(tower.parameters()))


def count_runs(module: nn.Module) -> list[nn.Module]:
    """Return a list that grows whenever the module runs."""
    runs: list[nn.Module] = []
    module.register_forward_pre_hook(lambda module, _: runs.append(module))
    return runs
