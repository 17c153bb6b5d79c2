"""``python -m model.evaluation.text_speed``: what encoding the words of a search costs, run in several ways.

One sentence at a time, from its tokens to its vector: the model as open_clip runs it, all places, in float32
(1.00); cut at the end of the words; and in ONNX Runtime. Beside the times stands how alike each ranks, as
``model.text_runtime.recall_gate`` judges it. All ways are timed in turn, on one thread if
``OMP_NUM_THREADS=1``; ONNX Runtime takes as many as in service.

Exit codes: 0 measured, 2 wrong usage.
"""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import normalize

from model.config import resolve_preset
from model.evaluation.machine import describe_machine
from model.evaluation.timing import Spread, ratios, time_interleaved
from model.text_runtime.onnx_graph import Precision
from model.text_runtime.onnx_tower import OnnxTower
from model.text_runtime.probe_sentences import probe_sentences
from model.text_runtime.recall_gate import Agreement, compare
from model.text_runtime.text_tower import take_apart

WRONG_USAGE = 2
SENTENCES = 12
"""Timed as one sample: of six to fourteen tokens, as searches are."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class TextSpeed:
    """One way to encode words."""

    name: str
    milliseconds: Spread
    """A sentence."""
    times_as_fast: float
    """As all places in float32: the median over the repetitions."""
    agreement: Agreement
    is_accepted: bool


Preset = Annotated[str, typer.Option(help="Preset, checkpoint folder or ARCHITECTURE/TAG.")]
IsRandom = Annotated[bool, typer.Option("--random", help="Random weights of its architecture: no download.")]
Repeats = Annotated[int, typer.Option(min=1, help="How often each way is timed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def main(
    preset: Preset = "tiny", is_random: IsRandom = False, repeats: Repeats = 15, as_json: AsJson = False
) -> None:
    """Time the ways to encode the words of a search, and say how alike they rank."""
    try:
        speeds = measure_text_speed(preset, is_random=is_random, repeats=repeats)
    except ValueError as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_USAGE) from None
    machine = describe_machine(CPU)
    if as_json:
        report = {"preset": preset, "is_random": is_random, "machine": machine, "ways": speeds}
        sys.stdout.write(json.dumps(report, indent=1, default=asdict) + "\n")
        return
    console = Console(highlight=False)
    weights = "random weights" if is_random else "its weights"
    console.print(f"{preset}, {weights}, {machine['processor']}, {machine['threads']} torch threads")
    console.print(_table(speeds))


def measure_text_speed(preset: str, *, is_random: bool = False, repeats: int = 15) -> list[TextSpeed]:
    """Return what each way to encode words costs, all places in float32 first.

    Raises ValueError for a model that cannot be had, or whose text tower is of an unknown kind.
    """
    source = resolve_preset(preset).source
    model, tokenizer = source.build(is_trained=not is_random), source.tokenizer()
    length = int(model.context_length)
    asked, told = (tokenizer(sentences, context_length=length) for sentences in probe_sentences())
    tower = take_apart(model, asked[:2])
    if tower is None:
        raise ValueError(
            f"the text tower of {preset!r} is of a kind that is run as it is: nothing to compare"
        )
    ways: dict[str, Callable[[Tensor], Tensor]] = {"all places": model.encode_text, "cut": tower}
    ways |= {f"ONNX Runtime, {precision}": OnnxTower(tower, precision) for precision in Precision}
    reference, gallery = _vectors(tower, asked), _vectors(tower, told)
    runs = [lambda run=run: [_vectors(run, row[None]) for row in asked[:SENTENCES]] for run in ways.values()]
    seconds = time_interleaved(runs, repeats=repeats, warm_up=1, device=CPU)
    speeds = []
    for (name, run), taken in zip(ways.items(), seconds, strict=True):
        agreement = compare(reference, _vectors(run, asked), gallery)
        spread = Spread.of([1000 * one / SENTENCES for one in taken])
        fold = Spread.of(ratios(seconds[0], taken)).median
        speeds.append(TextSpeed(name, spread, fold, agreement, agreement.is_enough))
    return speeds


@torch.inference_mode()
def _vectors(run: Callable[[Tensor], Tensor], ids: Tensor) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = torch.cat([normalize(run(part)) for part in ids.split(64)]).numpy()
    return vectors


def _table(speeds: Sequence[TextSpeed]) -> Table:
    table = Table("way", box=box.MARKDOWN)
    for heading in ("ms", "of all places", "R@10", "overlap@10", "least cosine", "accepted"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in speeds:
        agreement, times = one.agreement, (f"{one.milliseconds.median:.2f}", f"{1 / one.times_as_fast:.3f}")
        ranks = (f"{agreement.recall:.3f}", f"{agreement.overlap:.3f}", f"{agreement.cosine:.5f}")
        table.add_row(one.name, *times, *ranks, "yes" if one.is_accepted else "no")
    return table


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # open_clip warns of random weights
    typer.run(main)
