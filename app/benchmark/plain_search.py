"""The plain implementation, which the service is measured against: what one writes first.

- Words: ``encode_text`` of open_clip as it is, all places of the context, float32, with every processor.
- Clips: a flat FAISS index, whatever their number.

All else, rows and HTTP, is the service's own.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from numpy import float32
from numpy.typing import NDArray
from torch.nn.functional import normalize

from app.dependencies import Services
from app.query_encoder import QueryEncoder
from indexer.catalog import generations
from indexer.vector_index.building import IndexSizes
from indexer.vector_index.follower import IndexFollower
from model.config import resolve_source
from model.text_runtime.threads import usable_processors

ANY_NUMBER = 1 << 62


class PlainTextEncoder:
    """Words to vectors with open_clip alone."""

    def __init__(self, model: str) -> None:
        """Load a preset or checkpoint folder."""
        source = resolve_source(model)
        self._model = source.build()
        self._tokenizer = source.tokenizer()

    def prepare(self, folder: Path, is_stopped: Callable[[], bool]) -> None:
        """Do nothing: this is as fast as it gets."""

    @torch.inference_mode()
    def encode_readable(self, text: str) -> tuple[NDArray[float32], str]:
        """Return the unit vector (D,) of ``text``, and that."""
        torch.set_num_threads(usable_processors())
        vector: NDArray[float32] = normalize(self._model.encode_text(self._tokenizer([text])))[0].numpy()
        return vector, text


def plain_services(services: Services) -> Services:
    """Return ``services`` with the plain encoder and the flat index in the place of their own."""
    services.follower.close()
    with services.library.database.reading() as session:
        generation = generations.get(session, services.generation_id)
    follower = IndexFollower(
        database=services.library.database,
        generation_id=generation.id,
        fingerprint=generation.fingerprint,
        dimension=generation.dimension,
        snapshot_path=services.settings.home_folder / "index" / "plain.snapshot",  # never written
        sizes=IndexSizes(flat_until=ANY_NUMBER),
    )
    queries = QueryEncoder(PlainTextEncoder(services.settings.model))
    return replace(services, queries=queries, follower=follower)
