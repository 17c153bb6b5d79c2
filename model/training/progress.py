"""A training on a terminal: a progress bar, and a line for each thing that is worth one."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from model.training.events import Event, FramesRead, Refused, Started, StepDone
from model.training.run import Validation

MOST_LISTED = 20
"""Refused items that are listed on a terminal."""


class TerminalDisplay:
    """Shows events while it is entered."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._steps = 0

    def __call__(self, event: Event) -> None:
        """Move the bar, or print a line."""
        match event:
            case FramesRead():
                self._move(f"Reading {event.split} videos", event.done, event.total)
            case Refused():
                self._list(event)
            case Started():
                self._steps = event.steps
                self._begin(event)
            case StepDone():
                self._move("Training", event.step, self._steps, f"Training, loss {event.loss:.3f}")
            case Validation():
                self._console.print(describe(event))

    def _list(self, refused: Refused) -> None:
        self._console.print(f"{len(refused.refusals)} items cannot be used:", style="yellow")
        for refusal in refused.refusals[:MOST_LISTED]:
            self._console.print(f"  {refusal.name}: {refusal.reason}", style="yellow", soft_wrap=True)
        if len(refused.refusals) > MOST_LISTED:
            self._console.print("  and others: training.json will list them all", style="yellow")

    def _begin(self, started: Started) -> None:
        self._console.print(started.headline, soft_wrap=True)
        if started.done:
            self._console.print(f"Going on after step {started.done} of an unfinished training.")
        self._move("Training", started.done, started.steps)

    def _move(self, name: str, done: int, total: int, description: str | None = None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        task = self._tasks[name]
        self._progress.update(task, completed=done, total=total, description=description or name)
        if done >= total:
            self._progress.remove_task(self._tasks.pop(name))

    def __enter__(self) -> "TerminalDisplay":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def describe(validation: Validation) -> str:
    """Return a measurement in a line."""
    when = f"Epoch {validation.epoch}" if validation.epoch else "Before training"
    found = validation.metrics.text_to_video
    return (
        f"{when}: validation text → video R@1 {found.recall_at_1:.1f}, R@5 {found.recall_at_5:.1f}, "
        f"R@10 {found.recall_at_10:.1f}, R-Sum {found.recall_sum:.1f} ({found.queries} captions)"
    )
