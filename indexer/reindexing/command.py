"""``reelseek reindex``: build a generation with another model beside the one that serves.

Exit codes: 0 all read, 1 some videos could not be or the database failed, 2 wrong usage, 130 interrupted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console
from rich.logging import RichHandler
from sqlalchemy.exc import OperationalError

from indexer import generation_models
from indexer.batch.display import BatchDisplay, printable
from indexer.catalog import generation_states, generations
from indexer.catalog.generation_states import Scope
from indexer.catalog.states import GenerationState
from indexer.catalog.tables import Generation
from indexer.config import Settings
from indexer.generation_models import GenerationModel
from indexer.library import Library, open_library
from indexer.log_output import log_through
from indexer.process_end import exit_at_once, stop_on_sigterm
from indexer.reindexing import reindex
from indexer.reindexing.listing import GenerationStatus, list_generations
from indexer.worker import Worker

ALL_READ, SOME_UNREAD, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Order:
    """What is to be built."""

    preset: str | None = None
    reduction: str | None = None
    generation_id: int | None = None
    scope: Scope = field(default_factory=Scope)


def run_reindex(settings: Settings, order: Order, console: Console) -> int:
    """Build what is ordered, show how far it is, and return the exit code; raises ValueError."""
    log_through(RichHandler(console=console, markup=False), "%(message)s")
    stop_on_sigterm()
    try:
        library = open_library(settings)
        try:
            return _build(library, order, console)
        finally:
            library.close()
    except OperationalError as error:
        message = f"The database failed: {error.orig}. Run the same command again to go on."
        console.print(message, style="red", soft_wrap=True)
        return SOME_UNREAD
    except KeyboardInterrupt:
        console.print("Interrupted. What was read is kept; run the same command again to go on.")
        exit_at_once(INTERRUPTED)


def _build(library: Library, order: Order, console: Console) -> int:
    model = _begin(library, order)
    _tell_what_is_built(library, model, console)
    result = reindex.build(Worker(library, model), BatchDisplay(console))
    for one in result.unread:
        line = f"{printable(one.filename)}: {one.code}: {printable(one.reason)}"
        console.print(line, style="red", soft_wrap=True, markup=False)
    console.print(f"{result.read} read here, {len(result.unread)} could not be")
    if result.duration_s:
        speed = result.duration_s / max(result.elapsed_s, 1e-3)
        elapsed = timedelta(seconds=max(round(result.elapsed_s), 1))
        console.print(f"{result.duration_s / 60:.1f} min of video in {elapsed} ({speed:.1f}× real time)")
    with library.database.reading() as session:
        every = list_generations(session)
    for line in what_next(every, model.generation_id):
        console.print(line, soft_wrap=True, markup=False)
    return SOME_UNREAD if result.unread else ALL_READ


def _begin(library: Library, order: Order) -> GenerationModel:
    settings = library.settings
    if order.preset is not None or order.reduction is not None:
        named = settings.model_copy(
            update={"model": order.preset or settings.model, "reduction": order.reduction or generations.AUTO}
        )
        encoders = generation_models.encoders_of(named)
    else:
        with library.database.reading() as session:
            generation_id = order.generation_id or _what_to_go_on_with(generations.list_all(session))
        encoders = generation_models.open_generation(
            library.database, generation_id, settings.device
        ).encoders
    return reindex.start_building(library, encoders, order.scope)


def _what_to_go_on_with(every: Sequence[Generation]) -> int:
    """Return the generation that is being built, or the one that serves; raises ValueError."""
    building = [one.id for one in every if one.state is GenerationState.BUILDING]
    if len(building) > 1:
        numbers = " and ".join(map(str, building))
        raise ValueError(f"generations {numbers} are being built: name one with --generation")
    going_on = building or [one.id for one in every if one.state is GenerationState.SERVING]
    if not going_on:
        raise ValueError("nothing is indexed yet: name a model with --preset, or run python -m indexer.batch")
    return going_on[0]


def _tell_what_is_built(library: Library, model: GenerationModel, console: Console) -> None:
    with library.database.reading() as session:
        generation = generation_states.find(session, model.generation_id)
    left = reindex.left_to_read(library.database, model.generation_id)
    name = f"Generation {generation.id} ({generation.preset}, {generation_models.reduction_of(generation)})"
    aside = "serves" if generation.state is GenerationState.SERVING else "is built beside the one that serves"
    console.print(f"{name} {aside}: {left.files:,} videos to read", markup=False, soft_wrap=True)


def what_next(every: Sequence[GenerationStatus], generation_id: int) -> list[str]:
    """Return what a person may do now that a generation was built."""
    built = next(one for one in every if one.generation == generation_id)
    serving = next((one for one in every if one.state is GenerationState.SERVING), None)
    if built.state is GenerationState.SERVING:
        return [f"Generation {generation_id} serves and has {built.videos:,} videos."]
    if built.state is GenerationState.RETIRED:
        return [f"Generation {generation_id} was retired meanwhile."]
    lines = [f"Generation {generation_id} has {built.videos:,} videos and lacks {built.videos_lacking:,}."]
    if serving is not None:
        lines.append(f"Compare:  reelseek generations compare {serving.generation} {generation_id}")
    lines.append(f"Let it serve:  reelseek generations promote {generation_id}")
    return lines
