"""Which token reducers are compared, by their canonical names.

The defaults are the methods of CenterCLIP (arXiv 2205.00823) and TempMe (arXiv 2409.01156), two baselines
of CenterCLIP's ablations, and the control that every method must beat: fewer frames at the same cost.
"""

from collections.abc import Sequence

from torch import nn

from model.evaluation.macs import count_macs
from model.token_reduction.base import TokenReducer
from model.token_reduction.naming import parse_reduction
from model.vision_transformer.video_tower import VideoTower, open_trunk

UNREDUCED = "none"

REFERENCE = "centerclip"
"""The arm that the default control may cost as much as."""

DEFAULT_ARMS = (REFERENCE, "tempme", "pooling", "sparse")


def choose_arms(tower: nn.Module, names: Sequence[str], frames: int) -> list[str]:
    """Return the arms for videos of ``frames`` frames, each once, ``none`` first.

    Without ``names`` these are the defaults: sparse sampling draws anew at each step, as in the paper, and
    the control has as many frames as come nearest to CenterCLIP's multiply-accumulates. Raises ValueError
    for a reducer that is unknown or does not fit, and for a tower in which no token can be reduced.
    """
    shape = open_trunk(tower).shape
    asked = names or [*DEFAULT_ARMS, f"frames:{frames_of_equal_cost(tower, REFERENCE, frames)}"]
    reducers = [parse_reduction(name, shape, frames) for name in [UNREDUCED, *asked]]
    arms = list(dict.fromkeys(reducer.name for reducer in reducers))
    if len(arms) == 1:
        raise ValueError("none is always compared: name an --arm beside it, such as centerclip")
    return arms if names else [_draw_in_training(arm) for arm in arms]


def frames_of_equal_cost(tower: nn.Module, name: str, frames: int) -> int:
    """Return how many unreduced frames cost the tower most nearly what ``frames`` reduced ones do."""
    trunk = open_trunk(tower)
    cost = _cost(tower, parse_reduction(name, trunk.shape, frames), frames)
    whole = _cost(tower, parse_reduction(UNREDUCED, trunk.shape, frames), frames)
    return max(1, round(frames * cost / whole))


def _cost(tower: nn.Module, reducer: TokenReducer, frames: int) -> int:
    video = VideoTower(tower, reducer, frames)
    return count_macs(open_trunk(tower), video.schedule, video.vectors_per_video)


def _draw_in_training(arm: str) -> str:
    return f"{arm}/random" if arm.startswith("sparse:") else arm
