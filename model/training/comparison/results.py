"""What one part of a comparison found, as a file that its process writes and the comparison reads."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from model.evaluation.caption_groups import CaptionMetrics
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.training.comparison.parts import Part, write_whole
from model.training.comparison.testing import Tested
from model.training.run import Speed


@dataclass(frozen=True)
class PartResult:
    """One arm trained with one seed, and tested."""

    arm: str
    seed: int
    reduction: str
    """What it was tested with: the arm, but for what it draws at random in training."""
    test: CaptionMetrics
    """Of the epoch that the validation split chose."""
    validation: CaptionMetrics
    best_epoch: int
    pairs: int
    """Pairs of video and caption in the training split."""
    steps: int
    speed: Speed
    wall_s: float
    first_loss: float
    last_loss: float
    refused: tuple[str, ...]
    """Of all videos that could not be used: split, name and code."""

    @classmethod
    def of(cls, part: Part, training: dict[str, Any], tested: Tested) -> "PartResult":
        """Return what is kept of a training, as its report tells of it, and of its test."""
        return cls(
            arm=part.arm,
            seed=part.seed,
            reduction=training["reduction"],
            test=tested.metrics,
            validation=_metrics(training["best"]["metrics"]),
            best_epoch=training["best"]["epoch"],
            pairs=training["pairs"],
            steps=training["steps"],
            speed=Speed(**training["speed"]),
            wall_s=training["wall_s"],
            first_loss=training["losses"][0],
            last_loss=training["losses"][-1],
            refused=(
                *(f"train or validation {one['name']}: {one['code']}" for one in training["refusals"]),
                *(f"test {name}" for name in tested.refused),
            ),
        )


def write_result(part: Part, result: PartResult) -> None:
    """Write the part's result; from then on the part is finished."""
    write_whole(part.result_file, json.dumps(asdict(result), indent=1))


def read_result(part: Part) -> PartResult | None:
    """Return the result of a finished part, or None.

    Raises ValueError for a file that holds none: nothing but a person can have made it.
    """
    try:
        values: dict[str, Any] = json.loads(part.result_file.read_text(encoding="utf-8"))
        return PartResult(
            **{
                **values,
                "test": _metrics(values["test"]),
                "validation": _metrics(values["validation"]),
                "speed": Speed(**values["speed"]),
                "refused": tuple(values["refused"]),
            }
        )
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{part.result_file} is no result of a comparison: delete it, and this part is trained again"
        ) from error


def _metrics(values: dict[str, dict[str, Any]]) -> CaptionMetrics:
    """Return the metrics of both directions; what is derived from others, such as the R-Sum, is left out."""
    names = {field.name for field in fields(RetrievalMetrics)}
    return CaptionMetrics(
        **{
            direction: RetrievalMetrics(**{name: value for name, value in one.items() if name in names})
            for direction, one in values.items()
        }
    )
