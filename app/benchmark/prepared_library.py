"""A library ready to be measured: filled, its index built and kept on disk, and what that index finds."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

import numpy as np
from sqlalchemy import func, select

from app.benchmark.queries import queries
from app.benchmark.synthetic_library import LibrarySize, fill_library, topics_of
from app.config import ServiceSettings
from app.dependencies import Services, assemble_services
from indexer.catalog import generations
from indexer.catalog.tables import Clip
from indexer.library import Library, open_library
from indexer.vector_index.building import ROWS_AT_ONCE, Nearest
from model.calibration.phrases import search_phrases
from model.factory import Encoders, load_encoders

TOPICS = 512

RECALL_QUERIES = 200
RECALL_AT = 10


@dataclass(frozen=True)
class Preparation:
    """What was made, and how good its index is."""

    clips: int
    recall: float
    """Share of the ten nearest clips that the index finds, of searches in words."""
    fill_s: float
    """0 for a library that was there."""
    build_s: float
    """Reading it, and building the index."""


def prepare_library(settings: ServiceSettings, size: LibrarySize) -> Preparation:
    """Return what was made in the home folder of ``settings``, by a process that takes its memory along.

    A library that is there is used as it is; raises ValueError when it has another size.
    """
    _require_size(settings, size)
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawning) as pool:
        return pool.submit(_prepare, settings, size).result()


def _require_size(settings: ServiceSettings, size: LibrarySize) -> None:
    library = open_library(settings)
    try:
        with library.database.reading() as session:
            clips = session.scalar(select(func.count()).select_from(Clip))
    finally:
        library.close()
    if clips not in (0, size.clips):
        raise ValueError(f"{settings.home_folder} holds {clips:,} clips, not {size.clips:,}")


def _prepare(settings: ServiceSettings, size: LibrarySize) -> Preparation:
    encoders = load_encoders(settings.model, reduction=settings.reduction, device=settings.device)
    library = open_library(settings)
    encoders.text.prepare(settings.home_folder / "index")
    started = perf_counter()
    is_new = _fill_once(library, encoders, size)
    filled = perf_counter()
    services = assemble_services(settings, library, encoders)
    services.follower.wait_for_build()
    services.calibrator.prepare()
    built = perf_counter()
    try:
        clips, recall = len(services.follower), _recall(services)
    finally:
        services.close()
    return Preparation(clips, recall, filled - started if is_new else 0.0, built - filled)


def _fill_once(library: Library, encoders: Encoders, size: LibrarySize) -> bool:
    with library.database.writing() as session:
        generation = generations.ensure(session, encoders.settings)
        revision, generation_id = generation.revision, generation.id
    if revision:
        return False
    phrases = list(search_phrases())[:TOPICS]
    fill_library(library, generation_id, topics_of(encoders.text.encode(phrases)), size)
    return True


def _recall(services: Services) -> float:
    vectors = np.stack([services.queries.encode(words).vector for words in islice(queries(), RECALL_QUERIES)])
    truth = Nearest(len(vectors))
    with services.follower.reading() as view:
        ids = view.ids
        for start in range(0, len(ids), ROWS_AT_ONCE):
            part = ids[start : start + ROWS_AT_ONCE]
            truth.compare(vectors, part, view.vectors(part))
        found = [[hit[0] for hit in hits] for hits in view.search(vectors, RECALL_AT)]
    exact = truth.ids[:, :RECALL_AT]
    return float(np.mean([np.isin(best, there).mean() for best, there in zip(exact, found, strict=True)]))
