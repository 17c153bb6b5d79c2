"""``python -m model.evaluation.prompts``: which sentences around the words of a search find most.

Each ``--prompt`` alone, all of them as an ensemble (their mean; CLIP, arXiv 2103.00020, section 3.1.4), and
the captions as they are for comparison, over the same videos or pictures, which are encoded once. To choose
on the validation split: what is chosen on the test split flatters itself. The choice goes into the
checkpoint's ``reelseek.json`` as ``prompts``.

Exit codes: 0 all items were evaluated, 1 some were refused (each is named) or could not be read at all,
2 wrong usage.
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.datasets.base import CaptionedItem, Split
from model.datasets.registry import DATASETS
from model.decoded_stream import VideoReadingError
from model.evaluation.caption_groups import evaluate_captions
from model.evaluation.retrieval.display import show_refusals
from model.evaluation.retrieval.encoders import load_retrieval_encoders
from model.evaluation.retrieval.encoding import EncodedItems, encode_captions, encode_items
from model.evaluation.retrieval.evaluation import NothingEvaluatedError
from model.evaluation.retrieval.reading import read_split
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.factory import AUTO
from model.prompts import AS_TYPED, check_prompts
from model.text_encoder import TextEncoder

ALL_EVALUATED, SOME_REFUSED, WRONG_USAGE = 0, 1, 2


@dataclass(frozen=True)
class PromptFigures:
    """What captions find, put into ``prompts``."""

    prompts: tuple[str, ...]
    metrics: RetrievalMetrics
    """Text → video; ties count half."""
    cut_captions: int
    """How many are longer than the model reads inside these prompts."""


DatasetName = Annotated[str, typer.Option("--dataset", help=f"One of {', '.join(DATASETS)}.")]
Data = Annotated[
    Path, typer.Option("--data", metavar="DIR|FILE", help="Where the dataset lies: its folder or file.")
]
Prompts = Annotated[
    list[str], typer.Option("--prompt", help="Such as 'a video of {}'; may be repeated, for an ensemble.")
]
SplitName = Annotated[Split, typer.Option("--split", help="Which part of it.")]
Preset = Annotated[str, typer.Option(help="Preset, checkpoint folder or ARCHITECTURE/TAG.")]
Reducer = Annotated[str, typer.Option(help="Token reduction such as centerclip:B6-4,49, none or auto.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Most items to evaluate, the first.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def main(  # noqa: PLR0913 - one argument an option
    dataset: DatasetName,
    data: Data,
    prompt: Prompts,
    split: SplitName = "validation",
    preset: Preset = "tiny",
    reducer: Reducer = AUTO,
    device: Device = AUTO,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Compare prompts by how well captions inside them find their videos."""
    console, errors = (Console(stderr=stderr, highlight=False) for stderr in (False, True))
    try:
        candidates = list_candidates(prompt)
        found = read_split(dataset, data, split)
        encoders = load_retrieval_encoders(preset, reducer, device)
        texts = [encoders.text.with_prompts(prompts) for prompts in candidates]  # wrong ones, before the work
        encoded = encode_items(found.items[:limit], encoders, batch=8)
        refusals = (*found.refusals, *encoded.refusals)
        show_refusals(errors, refusals)
        if not encoded.items:
            raise NothingEvaluatedError(found, refusals)
        figures = [measure_prompts(encoded, text) for text in texts]
    except (VideoReadingError, ValueError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        is_unreadable = isinstance(error, VideoReadingError | NothingEvaluatedError)
        raise typer.Exit(SOME_REFUSED if is_unreadable else WRONG_USAGE) from None
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in figures], indent=1, ensure_ascii=False) + "\n")
    else:
        console.print(_headline(found.name, found.split, preset, encoded.items), markup=False, soft_wrap=True)
        console.print(_table(figures))
    raise typer.Exit(SOME_REFUSED if refusals else ALL_EVALUATED)


def list_candidates(prompts: Sequence[str]) -> list[tuple[str, ...]]:
    """Return what to compare: no prompt, each alone, and all together; raises ValueError for wrong ones."""
    given = check_prompts(prompts)
    singles: list[tuple[str, ...]] = [AS_TYPED, *((one,) for one in given if (one,) != AS_TYPED)]
    return [*singles, given] if len(given) > 1 else singles


def measure_prompts(encoded: EncodedItems, encoder: TextEncoder) -> PromptFigures:
    """Return how well the captions find their items with the prompts of ``encoder``."""
    captions = encode_captions(encoded.items, encoder)
    metrics = evaluate_captions(captions.vectors @ encoded.vectors.T, captions.owners)
    return PromptFigures(encoder.prompts, metrics.text_to_video, captions.cut)


def _headline(dataset: str, split: str, preset: str, items: Sequence[CaptionedItem]) -> str:
    captions = sum(len(item.captions) for item in items)
    return f"{dataset}, {split}: {len(items):,} items found by {captions:,} captions, with {preset}"


def _table(figures: Sequence[PromptFigures]) -> Table:
    table = Table("prompts", box=box.MARKDOWN)
    for heading in ("R@1", "R@5", "R@10", "R-Sum", "cut"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in figures:
        metrics = one.metrics
        values = (metrics.recall_at_1, metrics.recall_at_5, metrics.recall_at_10, metrics.recall_sum)
        name = " + ".join(one.prompts)
        table.add_row(escape(name), *(f"{value:.2f}" for value in values), f"{one.cut_captions:,}")
    return table


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # open_clip warns of what load_encoders knows
    typer.run(main)
