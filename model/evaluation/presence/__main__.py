"""``python -m model.evaluation.presence``: whether scores tell what is there, and what order is best.

Each search is made in libraries drawn from the dataset, once with what it should find and once without. AUROC
says how often the former's statistic is the higher. Corrections of hubs are compared by recall. To choose on
the validation split: what is chosen on the test split flatters itself.

Exit codes: 0 all items were evaluated, 1 some were refused (each is named) or could not be read at all,
2 wrong usage.
"""

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from model.calibration.phrases import search_phrases
from model.datasets.base import Split
from model.datasets.registry import DATASETS
from model.decoded_stream import VideoReadingError
from model.evaluation.plotting import check_plotting
from model.evaluation.presence.figures import PresenceFigures, summarise_presence
from model.evaluation.presence.measuring import Measured, measure_orders, measure_presence
from model.evaluation.presence.plot import write_plot
from model.evaluation.presence.searches import CAPTIONS, caption_searches, noun_searches
from model.evaluation.presence.statistics import STATISTICS
from model.evaluation.retrieval.display import show_refusals
from model.evaluation.retrieval.encoders import load_retrieval_encoders
from model.evaluation.retrieval.encoding import EncodedItems, encode_items
from model.evaluation.retrieval.evaluation import NothingEvaluatedError
from model.evaluation.retrieval.reading import read_split
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.factory import AUTO
from model.text_encoder import TextEncoder

ALL_EVALUATED, SOME_REFUSED, WRONG_USAGE = 0, 1, 2

SIZES = [38, 200, 1000]

Orders: TypeAlias = dict[int, dict[str, RetrievalMetrics]]
"""By clips of the library and name of the correction."""

DatasetName = Annotated[str, typer.Option("--dataset", help=f"One of {', '.join(DATASETS)}.")]
Data = Annotated[Path, typer.Option("--data", metavar="DIR|FILE", help="Where the dataset lies.")]
SplitName = Annotated[Split, typer.Option("--split", help="Which part of it.")]
Preset = Annotated[str, typer.Option(help="Preset, checkpoint folder or ARCHITECTURE/TAG.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Sizes = Annotated[list[int], typer.Option("--size", min=5, help="Clips of a library; may be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="PNG", help="Draw the captions' figures.")]


def main(  # noqa: PLR0913 - one argument an option
    dataset: DatasetName,
    data: Data,
    split: SplitName = "validation",
    preset: Preset = "tiny",
    device: Device = AUTO,
    size: Sizes = SIZES,
    as_json: AsJson = False,
    plot: Plot = None,
) -> None:
    """Measure how well scores tell what a library does not hold, and compare corrections of hubs."""
    console, errors = (Console(stderr=stderr, highlight=False) for stderr in (False, True))
    try:
        if plot is not None:
            check_plotting()
        found = read_split(dataset, data, split)
        encoders = load_retrieval_encoders(preset, AUTO, device)
        encoded = encode_items(found.items, encoders, batch=8)
        refusals = (*found.refusals, *encoded.refusals)
        show_refusals(errors, refusals)
        if len(encoded.items) < min(size):
            raise NothingEvaluatedError(found, refusals)
        parts, orders = _measure(encoded, encoders.text, size)
        title = f"{found.name}, {found.split}: {len(encoded.items):,} items, {preset}"
        if plot is not None:
            write_plot([part for part in parts if part.style == CAPTIONS], title, plot)
    except (VideoReadingError, ValueError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        is_unreadable = isinstance(error, VideoReadingError | NothingEvaluatedError)
        raise typer.Exit(SOME_REFUSED if is_unreadable else WRONG_USAGE) from None
    figures = [*(summarise_presence([part]) for part in parts), summarise_presence(parts)]
    if as_json:
        shown = {"presence": [asdict(one) for one in figures], "orders": _to_json(orders)}
        sys.stdout.write(json.dumps({"title": title, **shown}, indent=1) + "\n")
    else:
        console.print(title, markup=False, soft_wrap=True)
        for table in (_presence_table(figures), _level_table(figures), _order_table(orders)):
            console.print(table)
    raise typer.Exit(SOME_REFUSED if refusals else ALL_EVALUATED)


def _measure(encoded: EncodedItems, encoder: TextEncoder, asked: list[int]) -> tuple[list[Measured], Orders]:
    sizes = sorted({min(size, len(encoded.items)) for size in asked})
    bank = encoder.encode(search_phrases())
    captions, nouns = (make(encoded.items, encoder) for make in (caption_searches, noun_searches))
    styles = [captions, nouns] if len(nouns.vectors) else [captions]
    parts = [measure_presence(encoded.vectors, style, bank, size) for style in styles for size in sizes]
    return parts, {size: measure_orders(encoded.vectors, captions, bank, size) for size in sizes}


def _to_json(orders: Orders) -> list[dict[str, object]]:
    return [
        {"clips": clips, "order": name, **asdict(metrics)}
        for clips, compared in orders.items()
        for name, metrics in compared.items()
    ]


def _presence_table(figures: list[PresenceFigures]) -> Table:
    table = Table("searches", "clips", *STATISTICS, "false “nothing”", "true “nothing”", box=box.MARKDOWN)
    for one in figures:
        areas = [f"{one.auroc[name]:.1f}" for name in STATISTICS]
        said = (f"{one.nothing_if_there:.1f} %", f"{one.nothing_if_absent:.1f} %")
        table.add_row(one.style, _clips(one), *areas, *said)
    return table


def _level_table(figures: list[PresenceFigures]) -> Table:
    table = Table("searches", "clips", "level", "share", "right", "right if there", box=box.MARKDOWN)
    for one in figures:
        for level in one.levels:
            shares = (_percent(level.share), _percent(level.right), _percent(level.right_if_there))
            table.add_row(one.style, _clips(one), level.level, *shares)
    return table


def _order_table(orders: Orders) -> Table:
    table = Table("clips", "order", "R@1", "R@5", "R@10", box=box.MARKDOWN)
    for clips, compared in orders.items():
        for name, metrics in compared.items():
            recalls = (metrics.recall_at_1, metrics.recall_at_5, metrics.recall_at_10)
            table.add_row(f"{clips:,}", name, *(f"{recall:.2f}" for recall in recalls))
    return table


def _clips(figures: PresenceFigures) -> str:
    return "all sizes" if figures.clips is None else f"{figures.clips:,}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # open_clip warns of what load_encoders knows
    typer.run(main)
