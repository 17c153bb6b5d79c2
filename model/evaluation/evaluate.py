"""``python -m model.evaluation.evaluate``: how well an encoder finds videos, or pictures, by captions.

Reads a dataset, encodes each item whole, and reports recall and ranks in both directions (MODEL-SPEC §6).
Exit codes: 0 all items were evaluated, 1 some were refused (each is named) or could not be read at all,
2 wrong usage.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from model.datasets.base import Dataset, Photograph, Split
from model.datasets.registry import DATASETS
from model.decoded_stream import VideoReadingError
from model.evaluation.plotting import check_plotting
from model.evaluation.retrieval.display import COLUMNS, show_refusals, show_report
from model.evaluation.retrieval.encoders import load_retrieval_encoders
from model.evaluation.retrieval.evaluation import NothingEvaluatedError, Plan, evaluate_dataset
from model.evaluation.retrieval.normalisation import Normalisation
from model.evaluation.retrieval.plot import write_plot
from model.evaluation.retrieval.reading import CaptionBank, read_bank, read_split
from model.evaluation.retrieval.report import RetrievalReport
from model.evaluation.retrieval_metrics import TiePolicy
from model.factory import AUTO, choose_device
from model.whole_folder import check_replaceable, whole_folder

ALL_EVALUATED, SOME_REFUSED, WRONG_USAGE = 0, 1, 2

JSON_FILE, PLOT_FILE = "evaluation.json", "evaluation.png"
WRITTEN = {JSON_FILE, PLOT_FILE}

UNREDUCED = "none"


class Ties(StrEnum):
    """What a tie with the truth costs; see ``TiePolicy``."""

    EXPECTED = "expected"
    OPTIMISTIC = "optimistic"
    PESSIMISTIC = "pessimistic"
    LEGACY = "legacy"
    ALL = "all"

    @property
    def policies(self) -> tuple[TiePolicy, ...]:
        """The policies to report, the one asked for or all four."""
        return tuple(ties for ties in get_args(TiePolicy) if self in (ties, Ties.ALL))


DatasetName = Annotated[str, typer.Option("--dataset", help=f"One of {', '.join(DATASETS)}.")]
Data = Annotated[
    Path, typer.Option("--data", metavar="DIR|FILE", help="Where the dataset lies: its folder or file.")
]
SplitName = Annotated[Split, typer.Option("--split", help="Which part of it.")]
Preset = Annotated[str, typer.Option(help="Preset, checkpoint folder or ARCHITECTURE/TAG.")]
Reducer = Annotated[str, typer.Option(help="Token reduction such as centerclip:B6-4,49, none or auto.")]
TiesOption = Annotated[Ties, typer.Option(help="What a tie with the truth costs.")]
NormalisationOption = Annotated[
    Normalisation, typer.Option(help="Corrections by other queries, in sections of their own.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Batch = Annotated[int, typer.Option(min=1, help="Videos encoded at once.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Most items to evaluate, the first.")]
Output = Annotated[Path, typer.Option(metavar="DIR", help=f"Where {JSON_FILE} and {PLOT_FILE} go.")]


def main(  # noqa: PLR0913 - one argument an option
    dataset: DatasetName,
    data: Data,
    split: SplitName = "test",
    preset: Preset = "tiny",
    reducer: Reducer = AUTO,
    ties: TiesOption = Ties.EXPECTED,
    normalisation: NormalisationOption = Normalisation.NONE,
    device: Device = AUTO,
    batch: Batch = 8,
    limit: Limit = None,
    output: Output = Path("evaluation"),
) -> None:
    """Evaluate an encoder on a dataset: R@1/5/10, MdR, MnR and R-Sum in both directions."""
    console, errors = (Console(stderr=stderr, highlight=False, markup=False) for stderr in (False, True))
    console.width = max(console.width, COLUMNS)  # a narrow terminal breaks lines, and figures are not cut off
    try:
        check_plotting()
        check_replaceable(output, WRITTEN)  # before the work: whole_folder looks once it is done
        found = read_split(dataset, data, split)
        encoders = load_retrieval_encoders(preset, _reduction_for(found, reducer), device)
        plan = Plan(
            device=choose_device(device),
            policies=ties.policies,
            limit=limit,
            batch=batch,
            uses_dual_softmax=normalisation.includes(Normalisation.DUAL_SOFTMAX),
            bank=_bank_for(found, data, normalisation),
        )
        with _progress(len(found.items[:limit]), errors) as on_item:
            report = evaluate_dataset(found, encoders, plan, on_item)
        show_report(console, report)
        show_refusals(errors, report.refusals)
        write_report(report, output)
    except NothingEvaluatedError as error:
        show_refusals(errors, error.refusals)
        _fail(errors, error, SOME_REFUSED)
    except VideoReadingError as error:
        _fail(errors, error, SOME_REFUSED)
    except ValueError as error:
        _fail(errors, error, WRONG_USAGE)
    raise typer.Exit(SOME_REFUSED if report.refusals else ALL_EVALUATED)


def write_report(report: RetrievalReport, folder: Path) -> None:
    """Write the figures and their plot into ``folder``, both or neither; raises ValueError if it cannot."""
    try:
        with whole_folder(folder, WRITTEN) as unfinished:
            (unfinished / JSON_FILE).write_text(
                json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8"
            )
            write_plot(report, unfinished / PLOT_FILE)
    except OSError as error:
        raise ValueError(f"{folder} cannot be written ({error.strerror}): name another folder") from error


def _reduction_for(dataset: Dataset, reducer: str) -> str:
    """Return the reduction to encode with; raises ValueError for one where there is nothing to reduce."""
    if not all(isinstance(item.media, Photograph) for item in dataset.items):
        return reducer
    if reducer.strip().lower() not in (AUTO, UNREDUCED):
        raise ValueError(
            f"{dataset.name} holds single pictures, where {reducer} has no frames to reduce: "
            f"leave --reducer out, or name {UNREDUCED}"
        )
    return UNREDUCED


def _bank_for(dataset: Dataset, data: Path, normalisation: Normalisation) -> CaptionBank | None:
    if not normalisation.includes(Normalisation.QUERYBANK):
        return None
    return read_bank(dataset.name, data, dataset.items)


@contextmanager
def _progress(items: int, console: Console) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal, and yield what moves it by one."""
    columns = (TextColumn("Encoding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=items)
        yield lambda: bar.advance(task)


def _fail(console: Console, error: Exception, code: int) -> NoReturn:
    console.print(str(error), style="red", soft_wrap=True)
    raise typer.Exit(code) from None


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # open_clip warns of what load_encoders knows
    typer.run(main)
