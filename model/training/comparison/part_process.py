"""``python -m model.training.comparison.part_process ARM SEED FOLDER``: train and test one part.

``python -m model.training.compare`` starts it, so that the peak memory of a part is its own, under torchrun
where several GPUs share a training. It ends when its standard input does: a comparison that was killed leaves
nothing behind that still trains.
"""

import json
import logging
from pathlib import Path

import typer

from model.training.comparison.parent_watch import end_with_parent
from model.training.comparison.parts import RUN_FILE, Part, run_from_json, write_whole
from model.training.comparison.results import PartResult, write_result
from model.training.comparison.testing import test_model
from model.training.gathering import is_first_process
from model.training.report import REPORT_FILE
from model.training.trainer import train


def main(arm: str, seed: int, folder: Path) -> None:
    """Train as the folder's run.json says, test, and write what was found, or why not.

    A training that had ended before its test did is not repeated: it writes its report last.
    """
    end_with_parent()
    part = Part(arm, seed, folder)
    try:
        run = run_from_json(json.loads((folder / RUN_FILE).read_text()))
        report = run.work / REPORT_FILE
        if not report.exists():
            train(run)
        if is_first_process():
            training = json.loads(report.read_text(encoding="utf-8"))
            write_result(part, PartResult.of(part, training, test_model(run)))
    except Exception as error:  # whatever it is, the other parts go on, and the log has the traceback
        write_whole(part.failure_file, f"{type(error).__name__}: {str(error).strip() or 'no reason given'}")
        raise


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("model").setLevel(logging.INFO)
    typer.run(main)
