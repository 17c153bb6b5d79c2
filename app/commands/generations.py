"""``reelseek generations`` and ``reelseek reindex``: models beside each other, and which one serves."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from app.config import ServiceSettings
from indexer.catalog import generation_states
from indexer.catalog.generation_states import Scope
from indexer.library import Library, open_library
from indexer.reindexing.listing import GenerationStatus, list_generations

generations = typer.Typer(
    name="generations",
    help="Compare the models that have read the library, and choose the one that serves.",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(metavar="N", help="Number of the generation, as the list shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")]
Partial = Annotated[
    bool, typer.Option("--partial", help="Though it lacks videos; the workers read those afterwards.")
]


@generations.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Print every generation: how far it is built, how fast, and what it lacks."""
    from app.generations.status_table import status_table

    with _library() as library:
        found = _statuses(library)
    if as_json:
        _write([asdict(one) for one in found])
    else:
        Console().print(status_table(found))


@generations.command()
def compare(one: Number, other: Number, as_json: AsJson = False) -> None:
    """Print how far two generations find the same, and what was judged says of them."""
    from app.generations.comparison import compare_generations
    from app.generations.tables import comparison_lines, comparison_table

    with _library() as library:
        comparison = compare_generations(library, one, other)
    if as_json:
        _write(asdict(comparison))
        return
    console = Console()
    console.print(comparison_table(comparison))
    for line in comparison_lines(comparison):
        console.print(line, markup=False)


@generations.command()
def promote(number: Number, partial: Partial = False) -> None:
    """Let a generation answer searches from now on; a running service changes over within seconds."""
    from indexer.generation_models import open_generation
    from indexer.reindexing import promotion

    with _library() as library:
        open_generation(library.database, number, library.settings.device)  # refused while nothing is changed
        promoted = promotion.promote(library, number, is_partial=partial)
    _tell(f"Generation {promoted.generation_id} ({promoted.preset}) answers searches.")
    _tell_queued(promoted.videos_queued)


@generations.command()
def rollback() -> None:
    """Let the generation that served before answer searches again."""
    from indexer.generation_models import open_generation
    from indexer.reindexing import promotion

    with _library() as library:
        with library.database.reading() as session:
            before = generation_states.previous(session).id
        open_generation(library.database, before, library.settings.device)
        promoted = promotion.roll_back(library)
    _tell(f"Generation {promoted.generation_id} ({promoted.preset}) answers searches again.")
    _tell_queued(promoted.videos_queued)


@generations.command()
def retire(number: Number) -> None:
    """Delete the vectors of a generation that does not serve; it cannot be rolled back to."""
    from indexer.reindexing import promotion

    with _library() as library:
        retired = promotion.retire(library, number)
    _tell(
        f"{retired.vectors:,} vectors and a snapshot of {retired.snapshot_bytes:,} bytes deleted. "
        "The database reuses their room; its file does not shrink by itself."
    )


@generations.command()
def pause(number: Number) -> None:
    """Let the workers that build a generation end the video they are at, and wait."""
    _set_paused(number, True)
    _tell(f"Generation {number} is paused: reelseek generations resume {number} lets it go on.")


@generations.command()
def resume(number: Number) -> None:
    """Let the workers that build a generation go on."""
    _set_paused(number, False)
    _tell(f"Generation {number} goes on, where reelseek reindex runs for it.")


def reindex(
    preset: Annotated[
        str | None, typer.Option(help="A model, as REELSEEK_MODEL; else to go on with what is being built.")
    ] = None,
    reduction: Annotated[
        str | None, typer.Option(help="Token reduction, as REELSEEK_REDUCTION; auto when not given.")
    ] = None,
    generation: Annotated[int | None, typer.Option(metavar="N", help="Go on with this one.")] = None,
    video: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this video; again for another.")
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this collection; again for another.")
    ] = None,
) -> None:
    """Read the library with another model, beside the one that serves. Run it again to go on."""
    from indexer.reindexing.command import Order, run_reindex

    if generation is not None and (preset is not None or reduction is not None):
        raise ValueError("--generation says which model it is: leave out --preset and --reduction")
    order = Order(preset, reduction, generation, Scope(video or (), collection or ()))
    raise typer.Exit(run_reindex(ServiceSettings(), order, Console(highlight=False)))


def _statuses(library: Library) -> list[GenerationStatus]:
    with library.database.reading() as session:
        return list_generations(session)


def _set_paused(number: int, is_paused: bool) -> None:
    with _library() as library, library.database.writing() as session:
        generation_states.set_paused(session, number, is_paused)


def _tell_queued(videos: int) -> None:
    if videos:
        _tell(f"{videos:,} videos that it lacks are queued for the workers of reelseek serve.")


def _tell(line: str) -> None:
    Console().print(line, markup=False, highlight=False, soft_wrap=True)


def _write(value: object) -> None:
    Console(file=sys.stdout).print_json(data=value, default=str)


@contextmanager
def _library() -> Iterator[Library]:
    library = open_library(ServiceSettings())
    try:
        yield library
    finally:
        library.close()
