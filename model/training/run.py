"""What one training is asked to do, and what came of it."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal, TypeAlias

from model.datasets.base import Refusal
from model.evaluation.caption_groups import CaptionMetrics
from model.factory import AUTO
from model.training.recipes import Recipe

Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]
"""What the towers compute in; weights and loss are float32 always. ``auto``: bfloat16 where it is native."""


@dataclass(frozen=True)
class Overrides:
    """What of a recipe is to be otherwise; None leaves it."""

    epochs: int | None = None
    """Just so many, however few steps these are."""
    batch: int | None = None
    learning_rate: float | None = None
    new_learning_rate: float | None = None
    frames: int | None = None
    words: int | None = None

    def apply(self, recipe: Recipe) -> Recipe:
        """Return the recipe with what was asked for; raises ValueError for a number that cannot be."""
        asked = {field.name: getattr(self, field.name) for field in fields(self)}
        asked = {name: value for name, value in asked.items() if value is not None}
        for name, value in asked.items():
            if value <= 0:
                raise ValueError(f"{name.replace('_', ' ')} is {value}: ask for more than 0")
        if self.epochs is not None:
            recipe = replace(recipe, least_steps=0)
        return replace(recipe, **asked)


@dataclass(frozen=True)
class TrainingRun:
    """Everything that one training depends on, but for the processes that torchrun may start it in.

    Raises ValueError for a count that cannot be.
    """

    dataset: str
    """A name in ``model.datasets.registry``, or ``folder``: videos beside their captions.csv."""
    root: Path
    """The folder that the dataset lies in."""
    output: Path
    """The folder that the trained model is written to, whole; beside it lies ``work``."""
    preset: str = "tiny"
    """Preset, checkpoint folder or ARCHITECTURE/TAG to start from."""
    reducer: str = AUTO
    recipe: str = "folder"
    overrides: Overrides = Overrides()
    seed: int = 42
    device: str = AUTO
    precision: Precision = "auto"
    micro_batch: int | None = None
    """Pairs that a process sends through the towers at once; None: its whole share of the batch. Fewer take
    less memory and a third more time, and have the same gradients."""
    checkpointing: bool = False
    """Compute activations anew backwards instead of keeping them: less memory, more time, same gradients."""
    workers: int = 2
    """Threads of each process that read frames ahead."""
    save_every: int = 100
    """Steps between two states on disk; one is written after each epoch too."""
    max_steps: int | None = None
    """Train for so many steps at most: the schedule is made for them."""
    frame_store: Path | None = None
    """Where decoded frames are kept for the next run; None: in ``work``."""
    restart: bool = False
    """Whether to throw away what an earlier run left for the same ``output``, and begin anew."""

    def __post_init__(self) -> None:
        for name in ("micro_batch", "workers", "save_every", "max_steps"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"{name.replace('_', ' ')} is {count}: ask for 1 or more")

    @property
    def work(self) -> Path:
        """The folder ``OUTPUT.training``: state while it trains, TensorBoard logs, frames and report."""
        return self.output.with_name(f"{self.output.name}.training")


@dataclass(frozen=True)
class Validation:
    """How the captions of the validation split find their videos, and the reverse."""

    epoch: int
    """Epochs done; 0: before training."""
    step: int
    metrics: CaptionMetrics


@dataclass(frozen=True)
class Speed:
    """What the steps of this process cost; those before a resumption are not in it."""

    step_s: float
    """Median seconds of a step, without waiting for frames."""
    waiting_s: float
    """Median seconds that a step waited for frames."""
    pictures_per_s: float
    """Frames of all processes together in the median step."""
    peak_memory_bytes: int
    """Most bytes of tensors at one time: of all steps on a GPU, and of the second one on a CPU."""


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training gave; the model itself lies in the run's output folder."""

    run: TrainingRun
    reduction: str
    """The reduction that the model is served with, by its canonical name."""
    recipe: Recipe
    """With the overrides in it."""
    pairs: int
    """Pairs of video and caption in the training split."""
    steps: int
    losses: tuple[float, ...]
    """One a step."""
    validations: tuple[Validation, ...]
    """Before training, and after each epoch."""
    best: Validation
    """The epoch that was kept: the highest R-Sum of text → video, the later of equals."""
    speed: Speed
    trained_parameters: int
    """Numbers that were trained."""
    refusals: tuple[Refusal, ...]
    """What of training and validation split could not be used."""
    wall_s: float
    """Seconds from start to end; of the last process alone, where the run was resumed."""
