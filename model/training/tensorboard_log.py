"""The figures of a training as TensorBoard shows them: ``tensorboard --logdir OUTPUT.training``."""

from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from model.training.events import Event, Started, StepDone
from model.training.run import Validation

TAGS = {
    "loss": "training/loss",
    "learning_rate": "training/learning_rate",
    "scale": "training/scale",
    "gradient_norm": "training/gradient_norm",
    "step_s": "speed/step_s",
    "waiting_s": "speed/waiting_s",
    "pictures_per_s": "speed/pictures_per_s",
    "peak_memory_bytes": "memory/peak_bytes",
}
"""Where each number of a step is shown."""


class TensorBoardLog:
    """Writes event files into a folder; steps that an earlier process wrote and lost again are hidden.

    Raises ValueError, naming the extra, where TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = load_summary_writer()
        self._writer: Any = None

    def __call__(self, event: Event) -> None:
        """Write what has a number."""
        match event:
            case Started():
                self._writer = self._open(str(self._folder), purge_step=event.done + 1)
                self._writer.add_text("run", event.headline, event.done)
            case StepDone():
                for name, tag in TAGS.items():
                    self._writer.add_scalar(tag, getattr(event, name), event.step)
            case Validation():
                self._write_metrics(event)

    def _write_metrics(self, validation: Validation) -> None:
        for direction, metrics in asdict(validation.metrics).items():
            for name, value in metrics.items():
                self._writer.add_scalar(f"{direction}/{name}", value, validation.step)
        recall_sum = validation.metrics.text_to_video.recall_sum
        self._writer.add_scalar("text_to_video/recall_sum", recall_sum, validation.step)
        self._writer.flush()

    def __enter__(self) -> "TensorBoardLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()


def load_summary_writer() -> Any:
    """Return TensorBoard's writer; raises ValueError, naming the extra, where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError(
            'training writes its logs for TensorBoard: pip install "reelseek[training]"'
        ) from error
    return SummaryWriter
