"""What a training came to, as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model.durable_file import write_durably
from model.training.run import TrainingOutcome, Validation

REPORT_FILE = "training.json"


def write_report(outcome: TrainingOutcome, folder: Path) -> Path:
    """Write ``training.json`` into the folder, whole or not at all, and return its path."""
    path = folder / REPORT_FILE
    write_durably(path, (json.dumps(to_json(outcome), indent=1, ensure_ascii=False) + "\n").encode())
    return path


def to_json(outcome: TrainingOutcome) -> dict[str, Any]:
    """Return the outcome as JSON values, with the R-Sums that it was selected by."""
    values: dict[str, Any] = asdict(outcome)
    values["validations"] = [_with_sums(validation) for validation in outcome.validations]
    values["best"] = _with_sums(outcome.best)
    return json.loads(json.dumps(values, default=str))  # type: ignore[no-any-return]


def _with_sums(validation: Validation) -> dict[str, Any]:
    values = asdict(validation)
    for direction, metrics in values["metrics"].items():
        metrics["recall_sum"] = getattr(validation.metrics, direction).recall_sum
    return values
