"""An index is built for the size of the library, and its recall is what was measured."""

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.vector_index.building import RECALL, BuildStoppedError, IndexSizes, build_index
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from indexer.vector_index.faiss_index import FaissIndex, IndexKind
from indexer.vector_index.view import IndexView
from tests.factories import make_clip_ids

DIMENSION = 16
CLIPS = 6000
IVF_FROM_1000 = IndexSizes(flat_until=1000, largest_share_probed=1.0)


def made_table(clips: int = CLIPS, noise: float = 0.5, black: int = 0) -> ClipTable:
    """Return clips of videos, the 20 of one video being alike, all with something in common.

    The last ``black`` of them show the same.
    """
    chance = np.random.default_rng(0)
    videos = chance.standard_normal((clips // 20, DIMENSION)) + 1
    vectors = videos[np.arange(clips) // 20] + noise * chance.standard_normal((clips, DIMENSION))
    vectors[clips - black :] = np.ones(DIMENSION)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = ClipTable(DIMENSION)
    start_s = np.zeros(clips)
    number = np.arange(clips)
    columns = ClipColumns(number + 1, (number // 20).astype(np.int32), start_s, start_s + 4.0)
    names = [f"video {one}" for one in range(clips // 20)]
    table.add(columns, names, vectors.astype(np.float16), make_clip_ids(number))
    return table


@pytest.fixture(scope="module")
def table() -> ClipTable:
    return made_table()


@pytest.fixture(scope="module")
def ivf(table: ClipTable) -> FaissIndex:
    return build_index(table.frozen(), IVF_FROM_1000, lambda: False)


def words(rows: int) -> NDArray[np.float32]:
    """Return queries that no clip is like."""
    queries = np.random.default_rng(5).standard_normal((rows, DIMENSION)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    return queries


FILTERS = {
    "no filter": None,
    "most pass": np.arange(600, CLIPS, dtype=np.int64),
    "half of the videos": np.arange(1, CLIPS // 2, dtype=np.int64),
    "a tenth of the clips": np.arange(1, CLIPS, 10, dtype=np.int64),
}


@pytest.mark.parametrize("allowed_ids", FILTERS.values(), ids=FILTERS)
def test_an_ivf_finds_what_it_was_measured_to_find_under_filters_too(
    table: ClipTable, ivf: FaissIndex, allowed_ids: NDArray[np.int64] | None
) -> None:
    flat = build_index(table.frozen(), IndexSizes(), lambda: False)
    expected = IndexView(table, flat, 1).search(words(60), 20, allowed_ids)
    found = IndexView(table, ivf, 1).search(words(60), 20, allowed_ids)

    assert max(ivf.probes(query) for query in words(60)) < ivf.lists
    shares = [len(set(one) & set(other)) / 20 for one, other in zip(expected, found, strict=True)]
    assert np.mean(shares) >= RECALL


@pytest.mark.parametrize("black", [300, 3000, CLIPS])
def test_a_library_of_which_many_clips_are_the_same_gets_its_index(
    black: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    table, begun_s = made_table(black=black), time.monotonic()
    index = build_index(table.frozen(), IVF_FROM_1000, lambda: time.monotonic() > begun_s + 20)
    assert index.kind.name == "ivf"
    assert getattr(caplog.records[-1], "recall") >= RECALL  # noqa: B009


MANY = 20_000
"""So many that ``FEWEST_FOUND`` does not lead a search into lists that are beyond its reach."""


@pytest.fixture
def many() -> tuple[ClipTable, FaissIndex, FaissIndex]:
    """Return clips that lie scattered, their ivf, and what finds all of them."""
    table = made_table(MANY, noise=1.0)
    ivf, flat = (build_index(table.frozen(), sizes, lambda: False) for sizes in (IVF_FROM_1000, IndexSizes()))
    return table, ivf, flat


def share_found(
    many: tuple[ClipTable, FaissIndex, FaissIndex], query: NDArray[np.float32], passing: int = MANY
) -> float:
    """Return which share of the nearest is found among so many clips that are the farthest from a query."""
    table, ivf, flat = many
    view = IndexView(table, flat, 1)
    farthest = view.ids[np.sort(np.argsort(view.scores(view.ids, query))[:passing])]
    allowed_ids = farthest if passing < MANY else None
    expected = view.best(query, 100, allowed_ids).ids
    found = IndexView(table, ivf, 1).best(query, 100, allowed_ids).ids
    return float(np.isin(expected, found).mean())


@pytest.mark.parametrize("passing", [MANY, MANY // 2])
def test_clips_are_found_far_from_the_query_too(
    many: tuple[ClipTable, FaissIndex, FaissIndex], passing: int
) -> None:
    assert np.mean([many[1].probes(query) for query in words(40)]) < many[1].lists / 2
    assert np.mean([share_found(many, query, passing) for query in words(40)]) >= 0.985


def test_a_filter_that_leaves_out_what_a_query_is_like_is_searched_as_far_beyond() -> None:
    dimension, topics = 128, 300
    chance = np.random.default_rng(0)
    middles = chance.standard_normal((topics, dimension)) / dimension**0.5
    topic_of = chance.integers(0, topics, MANY)
    vectors = middles[topic_of] + 0.7 * chance.standard_normal((MANY, dimension)) / dimension**0.5
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table, ids = ClipTable(dimension), np.arange(1, MANY + 1)
    columns = ClipColumns(ids, np.zeros(MANY, np.int32), np.zeros(MANY), np.ones(MANY))
    table.add(columns, ["video"], vectors.astype(np.float16), make_clip_ids(ids))
    views = [
        IndexView(table, build_index(table.frozen(), sizes, lambda: False), 1)
        for sizes in (IVF_FROM_1000, IndexSizes())
    ]
    shares = []
    for query in vectors[:20].astype(np.float32):
        allowed_ids = ids[np.isin(topic_of, np.argsort(middles @ query)[: int(0.9 * topics)])]
        found, expected = (view.best(query, 100, allowed_ids).ids for view in views)
        shares.append(np.isin(expected, found).mean())
    assert np.mean(shares) >= 0.97


def test_what_is_left_when_half_of_the_clips_are_removed_is_found_as_before(
    many: tuple[ClipTable, FaissIndex, FaissIndex],
) -> None:
    gone = np.flatnonzero(np.random.default_rng(3).random(MANY) < 0.5) + 1
    for one in many:
        one.remove(gone)
    assert np.mean([share_found(many, query) for query in words(40)]) >= 0.985


def test_as_many_hits_as_asked_for_come_back_though_the_nearest_lists_hold_fewer(
    table: ClipTable, ivf: FaissIndex
) -> None:
    view = IndexView(table, ivf, 1)
    far = np.array([embedding_id for embedding_id, _ in view.search(words(1), CLIPS)[0][-5000:]])

    assert ivf.probes(words(1)[0]) < ivf.lists / 2
    assert len(view.search(words(1), CLIPS)[0]) == CLIPS
    assert len(view.search(words(1), 4900, np.sort(far))[0]) == 4900


@pytest.mark.parametrize("passing", [600, 3000, 5000])
def test_a_shorter_search_is_the_beginning_of_a_longer_one_though_what_passes_lies_far_away(
    table: ClipTable, ivf: FaissIndex, passing: int
) -> None:
    hasty = FaissIndex.from_bytes(ivf.to_bytes(), replace(ivf.kind, reach=-2.0))
    view = IndexView(table, hasty, 1)
    for query in words(10):
        by_score = [embedding_id for embedding_id, _ in view.search(query[None], CLIPS)[0]]
        far = np.sort(np.array(by_score[-passing:]))
        longest = view.search(query[None], 160, far)[0]
        for limit in (1, 5, 20, 80):
            assert view.search(query[None], limit, far)[0] == longest[:limit]


@pytest.mark.parametrize(
    ("sizes", "name"),
    [
        (IndexSizes(), "flat"),
        (IVF_FROM_1000, "ivf"),
        (IndexSizes(flat_until=1000, largest_share_probed=0.0), "sq8"),
    ],
)
def test_the_kind_follows_the_size_and_an_ivf_that_would_lose_clips_is_refused(
    table: ClipTable, sizes: IndexSizes, name: str
) -> None:
    index = build_index(table.frozen(), sizes, lambda: False)

    assert (index.kind.name, len(index)) == (name, CLIPS)
    assert sizes.suits(index.kind, CLIPS)


@pytest.mark.parametrize(
    ("kind", "count", "suits"),
    [
        (IndexKind("flat"), 1000, True),
        (IndexKind("flat"), 1001, False),
        (IndexKind("ivf", made_for=1001), 2002, True),
        (IndexKind("ivf", made_for=1001), 2003, False),
        (IndexKind("ivf", made_for=1001), 501, True),
        (IndexKind("ivf", made_for=1001), 499, False),
        (IndexKind("ivf", made_for=4000), 1999, False),
        (IndexKind("sq8", made_for=0), 1001, False),
    ],
)
def test_an_index_suits_until_the_library_has_grown_or_shrunk_by_much(
    kind: IndexKind, count: int, suits: bool
) -> None:
    assert IVF_FROM_1000.suits(kind, count) is suits


def test_a_build_stops_when_it_is_told_to(table: ClipTable) -> None:
    asked: list[bool] = []

    def is_stopped() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(BuildStoppedError):
        build_index(table.frozen(), IVF_FROM_1000, is_stopped)
    assert len(asked) == 4
