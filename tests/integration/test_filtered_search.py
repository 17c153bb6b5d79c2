"""Whatever the library, filters and index: as many hits as there are, and each of them passes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import select

from indexer.catalog import vector_codec
from indexer.catalog.clip_filters import ClipFilters, video_ids_where
from indexer.catalog.session import Database
from indexer.catalog.states import EmbeddingKind
from indexer.catalog.tables import Clip, Embedding, Generation, Video
from indexer.vector_index import view as view_module
from indexer.vector_index.building import IndexSizes
from indexer.vector_index.follower import IndexFollower
from tests.factories import make_generation, make_unit_vectors
from tests.random_libraries import passes, random_filters, store_random_video

DIMENSION = 8
FILTERS_EACH = 10

FLAT = IndexSizes()
SMALL = IndexSizes(flat_until=20, largest_share_probed=1.0)
"""An ivf from 21 clips on."""


@contextmanager
def a_library(
    database: Database, chance: Random, sizes: IndexSizes
) -> Iterator[tuple[Generation, IndexFollower]]:
    """Yield a generation of its own with random videos, some of which came after the index was made."""
    with database.writing() as session:
        session.add(generation := make_generation(dimension=DIMENSION))
    store_videos(database, generation, chance)
    with tempfile.TemporaryDirectory() as folder:
        snapshot_path = Path(folder) / "snapshot"
        follower = IndexFollower(
            database, generation.id, generation.fingerprint, DIMENSION, snapshot_path, sizes
        )
        store_videos(database, generation, chance)
        yield generation, follower
        follower.close()


def store_videos(database: Database, generation: Generation, chance: Random) -> None:
    with database.writing() as session:
        for _ in range(chance.randrange(20)):
            store_random_video(session, generation, chance)


def brute_force(
    database: Database, generation: Generation, filters: ClipFilters, query: NDArray[np.float32]
) -> list[tuple[int, float]]:
    """Return all (embedding id, cosine) of videos that pass, best first, compared row by row."""
    with database.reading() as session:
        rows = session.execute(
            select(Embedding.id, Embedding.vector, Video)
            .join(Clip, Embedding.clip_id == Clip.id)
            .join(Video, Clip.video_id == Video.id)
            .where(Embedding.generation_id == generation.id, Embedding.kind == EmbeddingKind.CLIP)
        ).all()
    passing = [(embedding_id, vector) for embedding_id, vector, video in rows if passes(video, filters)]
    vectors = vector_codec.unpack([vector for _, vector in passing], DIMENSION)
    scores = vector_codec.cosines(vectors, query).tolist()
    hits = zip([embedding_id for embedding_id, _ in passing], scores, strict=True)
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))


@pytest.mark.parametrize("sizes", [FLAT, SMALL], ids=["flat", "ivf"])
@given(chance=st.randoms(use_true_random=False))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_filtered_search_equals_comparing_every_row(
    database: Database, monkeypatch: pytest.MonkeyPatch, sizes: IndexSizes, chance: Random
) -> None:
    monkeypatch.setattr(view_module, "FEW", 2)  # so that the index filters, small as the library is
    with a_library(database, chance, sizes) as (generation, follower):
        with database.reading() as session:
            video_ids = list(session.scalars(select(Video.id)))
        for number in range(FILTERS_EACH):
            filters, limit = random_filters(chance, video_ids), chance.choice([1, 3, 20, 200])
            query = make_unit_vectors(number, 1, DIMENSION)
            with database.reading() as session:
                allowed = video_ids_where(session, filters)
            with follower.reading() as view:
                allowed_ids = None if allowed is None else view.ids_of_videos(allowed)
                found = view.search(query, limit, allowed_ids)[0]

            expected = brute_force(database, generation, filters, query[0])
            assert len(found) == min(limit, len(expected)), filters
            assert set(found) <= set(expected), filters
            if follower.kind.name == "flat" or limit >= len(expected):
                assert found == expected[:limit], filters
