"""Command-line options that a training and a comparison of trainings have in common."""

from typing import Annotated

import typer

Preset = Annotated[str, typer.Option(help="Preset, checkpoint folder or ARCHITECTURE/TAG to start from.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="For the recipe's.")]
Batch = Annotated[int | None, typer.Option(min=2, help="Pairs a step over all GPUs, for the recipe's.")]
Rate = Annotated[float | None, typer.Option("--learning-rate", help="For the recipe's.")]
NewRate = Annotated[
    float | None, typer.Option("--new-learning-rate", help="Of TempMe's clip positions, for the recipe's.")
]
Frames = Annotated[int | None, typer.Option(min=1, help="Frames a video, for the recipe's.")]
Words = Annotated[int | None, typer.Option(min=3, help="Token ids a caption, for the recipe's.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Checkpointing = Annotated[bool, typer.Option("--checkpointing", help="Less memory, a third more time.")]
