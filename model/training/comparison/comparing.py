"""A comparison from its settings to its report and the files that keep it."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

from model.datasets.base import Split
from model.datasets.registry import read_dataset
from model.evaluation.efficiency.figures import Conditions
from model.evaluation.efficiency.modes import Mode
from model.evaluation.machine import describe_machine
from model.evaluation.plotting import check_plotting
from model.factory import choose_device
from model.precision import fast_dtype
from model.training.comparison.arms import choose_arms
from model.training.comparison.parts import divide, keep_plan, write_whole
from model.training.comparison.plot import write_plot
from model.training.comparison.report import ComparisonReport, summarise
from model.training.comparison.running import Start, only_one, run_parts, start_process
from model.training.comparison.speed import ArmSpeed, open_backbone, speed_of
from model.training.comparison.tables import to_markdown
from model.training.recipes import Recipe, recipe_for
from model.training.run import TrainingRun

SPEED_BATCH = 8
"""Videos at once where arms are measured side by side."""

SPEED_REPEATS, STEP_REPEATS = 9, 5

Tell = Callable[[str], None]


class Comparison:
    """Arms, seeds, and the one budget that all of them have.

    ``processes`` share a training, one a GPU. Raises ValueError for an option that does not fit, before
    anything is trained.
    """

    def __init__(
        self, budget: TrainingRun, arms: Sequence[str], seeds: Sequence[int], processes: int = 1
    ) -> None:
        self.budget = budget
        self.seeds = seeds
        self.recipe: Recipe = budget.overrides.apply(recipe_for(budget.recipe, budget.dataset))
        self.arms = choose_arms(open_backbone(budget.preset).tower, arms, self.recipe.frames)
        self._device = choose_device(budget.device)
        self._processes = processes

    def run(
        self, output: Path, tell: Tell, *, start: Start | None = None, measures_speed: bool = True
    ) -> ComparisonReport:
        """Train and test what is not finished in ``output``, write the report there and return it.

        ``start`` runs a part; else each has a process of its own. Raises ValueError for data that is not
        there, and where ``output`` holds another comparison.
        """
        check_plotting()
        with only_one(output):
            self._tell_dataset(tell)
            keep_plan(self.budget, self._processes, output)
            parts = divide(self.arms, self.seeds, output)
            start = start or partial(start_process, processes=self._processes)
            results, failures = run_parts(parts, self.budget, start, tell)
            speeds = self._measure_speed(output, tell) if measures_speed else []
            report = ComparisonReport(
                settings=self._settings(),
                machine=describe_machine(self._device),
                arms=summarise(self.arms, results, speeds),
                failures=failures,
            )
            _write(report, output)
        return report

    def _tell_dataset(self, tell: Tell) -> None:
        """Read the dataset once, so that what it lacks is told before hours are spent."""
        for split in get_args(Split):
            dataset = read_dataset(self.budget.dataset, self.budget.root, split)
            refused = f", {len(dataset.refusals)} refused" if dataset.refusals else ""
            captions = sum(len(item.captions) for item in dataset.items)
            tell(f"{dataset.name}, {split}: {len(dataset.items)} videos, {captions} captions{refused}")

    def _measure_speed(self, output: Path, tell: Tell) -> list[ArmSpeed]:
        tell("measuring all arms side by side")
        conditions = Conditions(
            frames=self.recipe.frames,
            batch=min(SPEED_BATCH, self.recipe.batch),
            device=self._device,
            dtype=fast_dtype(self._device),
            mode=Mode.EAGER,
            repeats=SPEED_REPEATS,
            warm_up=1,
            training_repeats=STEP_REPEATS,
        )
        return speed_of(self.budget.preset, self.arms, conditions, output)

    def _settings(self) -> dict[str, object]:
        budget, recipe = self.budget, self.recipe
        return {
            "dataset": budget.dataset,
            "preset": Path(budget.preset).name,
            "recipe": recipe.name,
            "epochs": recipe.epochs,
            "max_steps": budget.max_steps,
            "batch": recipe.batch,
            "learning_rate": recipe.learning_rate,
            "frames": recipe.frames,
            "words": recipe.words,
            "precision": budget.precision,
            "processes": self._processes,
            "seeds": " ".join(map(str, self.seeds)),
        }


def _write(report: ComparisonReport, output: Path) -> None:
    write_whole(output / "comparison.json", json.dumps(report.to_json(), indent=1))
    if report.arms:
        write_whole(output / "comparison.md", to_markdown(report))
        write_plot(report, output / "comparison.png")
