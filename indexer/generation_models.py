"""Which model a process works with: the library says it, and the settings only where nothing is indexed yet.

- A library without vectors begins with the model that the settings name.
- From then on the generation that serves is loaded, by its own preset and reduction, whatever they name.
- A model that is another one than the vectors were made by (its weights were exchanged) cannot go on: a new
  generation of what the settings name begins, and serves.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.catalog import generation_states, generations
from indexer.catalog.session import Database
from indexer.catalog.tables import Generation
from indexer.config import Settings
from indexer.errors import ModelChanged, ModelUnavailable

if TYPE_CHECKING:
    from model.factory import Encoders

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GenerationModel:
    """A generation and the encoders that make its vectors."""

    generation_id: int
    encoders: "Encoders"


def begin(database: Database, encoders: "Encoders") -> GenerationModel:
    """Let the generation of ``encoders`` serve from now on, whichever did before."""
    with database.writing() as session:
        return GenerationModel(generations.ensure(session, encoders.settings).id, encoders)


def open_serving(database: Database, settings: Settings) -> GenerationModel:
    """Return the model that serves, after beginning with that of ``settings`` where none can.

    Raises ValueError when what the settings name cannot be loaded, ModelUnavailable for what serves.
    """
    while True:
        serving = _serving_with_vectors(database)
        if serving is not None:
            try:
                return GenerationModel(serving.id, _load_or_find(serving, settings))
            except ModelChanged as error:
                log.warning("%s; a new generation begins", error, extra={"action": "model_changed"})
        encoders = encoders_of(settings)
        with database.writing() as session:
            now_serving = generations.serving(session)
            is_same = serving is None or (now_serving is not None and now_serving.id == serving.id)
            has_begun = serving is None and now_serving and generations.has_vectors(session, now_serving.id)
            if is_same and not has_begun:
                return GenerationModel(generations.ensure(session, encoders.settings).id, encoders)


def open_generation(database: Database, generation_id: int, device: str) -> GenerationModel:
    """Return a generation's model; raises UnknownGeneration and ModelUnavailable."""
    with database.reading() as session:
        generation = generation_states.find(session, generation_id)
    return GenerationModel(generation_id, load(generation, device))


def load(generation: Generation, device: str) -> "Encoders":
    """Return what made the vectors of a generation; raises ModelUnavailable, and ModelChanged."""
    from model import factory  # imports torch: seconds that wrong usage need not wait for

    try:
        encoders = factory.load_encoders(generation.preset, reduction=reduction_of(generation), device=device)
    except (ValueError, OSError) as error:
        raise ModelUnavailable(
            f"the model of generation {generation.id} cannot be loaded: {error}"
        ) from error
    if encoders.settings.fingerprint != generation.fingerprint:
        raise ModelChanged(
            f"the model that {generation.preset!r} names now is another one than the one that made the "
            f"vectors of generation {generation.id}: put that back, or index the library anew"
        )
    return encoders


def encoders_of(settings: Settings) -> "Encoders":
    """Return the encoders that the settings name; raises ValueError naming the known presets."""
    from model import factory

    return factory.load_encoders(
        absolute(settings.model), reduction=settings.reduction, device=settings.device
    )


def absolute(preset: str) -> str:
    """Return the name of a model by which it is found from everywhere: a folder's absolute path."""
    folder = Path(preset)
    return str(folder.resolve()) if preset and folder.is_dir() and folder.parts[1:] else preset


def reduction_of(generation: Generation) -> str:
    """Return the token reduction of a generation, proportions included."""
    return str(generation.settings.get("reduction", generations.AUTO))


def _serving_with_vectors(database: Database) -> Generation | None:
    with database.reading() as session:
        serving = generations.serving(session)
        return serving if serving is not None and generations.has_vectors(session, serving.id) else None


def _load_or_find(serving: Generation, settings: Settings) -> "Encoders":
    """Return the model that serves, also from where the settings say that it lies now."""
    is_named = generations.is_named(serving, absolute(settings.model), settings.reduction)
    try:
        encoders = load(serving, settings.device)
    except ModelChanged:
        raise
    except ModelUnavailable as error:
        if is_named:
            raise
        return _moved(serving, settings, error)
    if settings.model_fields_set & {"model", "reduction"} and not is_named:
        log.warning(
            "generation %d (%s, %s) serves, and not what REELSEEK_MODEL and REELSEEK_REDUCTION name: to "
            "change the model, run reelseek reindex --preset %s, then reelseek generations promote",
            serving.id,
            serving.preset,
            reduction_of(serving),
            settings.model,
            extra={"action": "other_model_named"},
        )
    return encoders


def _moved(serving: Generation, settings: Settings, error: ModelUnavailable) -> "Encoders":
    encoders = encoders_of(settings)
    if encoders.settings.fingerprint != serving.fingerprint:
        raise ModelUnavailable(
            f"{error}. It made the vectors that are searched: put it back, name the place where it is now "
            "with REELSEEK_MODEL, or let another one serve with reelseek generations promote"
        ) from error
    return encoders
