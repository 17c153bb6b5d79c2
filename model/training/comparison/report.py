"""What a comparison found: each arm over its seeds, beside the unreduced one with the same seeds."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median, stdev
from typing import NamedTuple

from model.training.comparison.arms import UNREDUCED
from model.training.comparison.results import PartResult
from model.training.comparison.running import FailedPart
from model.training.comparison.speed import ArmSpeed

Figure = Callable[[PartResult], float]


class OverSeeds(NamedTuple):
    """A figure of one arm."""

    mean: float
    deviation: float | None
    """Of a single training (n - 1 in the denominator); None where there was one seed."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "OverSeeds":
        """Summarise at least one value."""
        return cls(mean(values), stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True)
class ArmSummary:
    """One arm over its seeds."""

    arm: str
    results: tuple[PartResult, ...]
    baseline: tuple[PartResult, ...]
    """Of the unreduced arm, with the same seeds; those seeds that it has not are left out of differences."""
    speed: ArmSpeed | None

    def over_seeds(self, figure: Figure) -> OverSeeds:
        """Return a figure's mean and deviation."""
        return OverSeeds.of([figure(result) for result in self.results])

    def difference(self, figure: Figure) -> OverSeeds | None:
        """Return how much a figure is above the unreduced arm's with the same seed."""
        pairs = self._pairs()
        return OverSeeds.of([figure(own) - figure(other) for own, other in pairs]) if pairs else None

    def ratio(self, figure: Figure) -> float | None:
        """Return the median over the seeds of a figure over the unreduced arm's with the same seed.

        A training that was stopped after its last step was timed by nobody: its zeros are left out.
        """
        values = [(figure(own), figure(other)) for own, other in self._pairs()]
        ratios = [own / other for own, other in values if own and other]
        return median(ratios) if ratios else None

    def _pairs(self) -> list[tuple[PartResult, PartResult]]:
        by_seed = {result.seed: result for result in self.baseline}
        return [(own, by_seed[own.seed]) for own in self.results if own.seed in by_seed]


@dataclass(frozen=True)
class ComparisonReport:
    """All that one comparison found."""

    settings: dict[str, object]
    machine: dict[str, object]
    arms: tuple[ArmSummary, ...]
    """Those with a result, in the order they were asked for."""
    failures: tuple[FailedPart, ...]

    @property
    def unequal(self) -> list[str]:
        """Say where arms did not do the same work, so that their figures cannot be compared."""
        told = []
        for what, count in _WORK.items():
            counts = {count(result) for arm in self.arms for result in arm.results}
            if len(counts) > 1:
                told.append(f"not all parts had the same {what}: {', '.join(map(str, sorted(counts)))}")
        return told

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values: summaries, and below each the results by seed."""
        return {
            "settings": self.settings,
            "machine": self.machine,
            "arms": [_arm_json(arm) for arm in self.arms],
            "failures": [asdict(failure) for failure in self.failures],
            "unequal": self.unequal,
        }


def summarise(
    arms: Sequence[str], results: Sequence[PartResult], speeds: Sequence[ArmSpeed]
) -> tuple[ArmSummary, ...]:
    """Return the summary of each arm that has a result."""
    by_arm = {arm: tuple(result for result in results if result.arm == arm) for arm in arms}
    by_name = {speed.arm: speed for speed in speeds}
    baseline = by_arm.get(UNREDUCED, ())
    return tuple(ArmSummary(arm, own, baseline, by_name.get(arm)) for arm, own in by_arm.items() if own)


def recall_sum(result: PartResult) -> float:
    """Return the papers' R-Sum of text → video: R@1 + R@5 + R@10."""
    return result.test.text_to_video.recall_sum


def recall_sum_back(result: PartResult) -> float:
    """Return the R-Sum of video → text."""
    return result.test.video_to_text.recall_sum


def recall_at_1(result: PartResult) -> float:
    """Return R@1 of text → video, in per cent."""
    return result.test.text_to_video.recall_at_1


def recall_at_1_back(result: PartResult) -> float:
    """Return R@1 of video → text, in per cent."""
    return result.test.video_to_text.recall_at_1


def recall_at_5(result: PartResult) -> float:
    """Return R@5 of text → video, in per cent."""
    return result.test.text_to_video.recall_at_5


def recall_at_10(result: PartResult) -> float:
    """Return R@10 of text → video, in per cent."""
    return result.test.text_to_video.recall_at_10


def median_rank(result: PartResult) -> float:
    """Return the median rank of text → video."""
    return result.test.text_to_video.median_rank


def step_s(result: PartResult) -> float:
    """Return the median seconds of a training step."""
    return result.speed.step_s


def peak_memory(result: PartResult) -> float:
    """Return the most bytes that the training took at one time."""
    return float(result.speed.peak_memory_bytes)


_WORK: dict[str, Callable[[PartResult], int]] = {
    "number of training pairs": lambda result: result.pairs,
    "number of steps": lambda result: result.steps,
    "number of test captions": lambda result: result.test.text_to_video.queries,
    "number of test videos": lambda result: result.test.video_to_text.queries,
}

_SUMMARISED: dict[str, Figure] = {
    "text_to_video_recall_sum": recall_sum,
    "text_to_video_recall_at_1": recall_at_1,
    "video_to_text_recall_sum": recall_sum_back,
    "video_to_text_recall_at_1": recall_at_1_back,
    "step_s": step_s,
    "peak_memory_bytes": peak_memory,
}


def _arm_json(arm: ArmSummary) -> dict[str, object]:
    differences = {name: arm.difference(figure) for name, figure in _SUMMARISED.items()}
    return {
        "arm": arm.arm,
        "over_seeds": {name: arm.over_seeds(figure)._asdict() for name, figure in _SUMMARISED.items()},
        "above_none": {name: one and one._asdict() for name, one in differences.items()},
        "ratio_to_none": {"step_s": arm.ratio(step_s), "peak_memory_bytes": arm.ratio(peak_memory)},
        "speed": None if arm.speed is None else asdict(arm.speed),
        "seeds": [asdict(result) for result in arm.results],
    }
