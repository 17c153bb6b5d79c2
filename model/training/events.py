"""What a training tells of itself while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from model.datasets.base import Refusal
from model.training.run import Validation


@dataclass(frozen=True)
class FramesRead:
    """The frames of ``done`` of ``total`` videos of a split are in the store."""

    split: str
    done: int
    total: int


@dataclass(frozen=True)
class Refused:
    """Items that cannot be used."""

    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class Started:
    """The steps begin, ``done`` of them done by an earlier process."""

    headline: str
    """What is trained, on what, and how, in a line."""
    done: int
    steps: int


@dataclass(frozen=True)
class StepDone:
    """One step, as it was."""

    step: int
    """From 1."""
    loss: float
    learning_rate: float
    """Of the first group of parameters."""
    scale: float
    """What cosines are multiplied by."""
    gradient_norm: float
    """Before it was limited."""
    step_s: float
    """Seconds of computing."""
    waiting_s: float
    """Seconds of waiting for frames before it."""
    pictures_per_s: float
    """Frames of all processes."""
    peak_memory_bytes: int
    """So far."""


Event: TypeAlias = FramesRead | Refused | Started | StepDone | Validation

Observe: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Do nothing about it."""
