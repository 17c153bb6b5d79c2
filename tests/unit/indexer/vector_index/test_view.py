"""A search finds what a comparison with every clip finds, whatever the index is and whatever filters it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.catalog import vector_codec
from indexer.vector_index.building import IndexSizes, build_index, quick_index
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from indexer.vector_index.faiss_index import FaissIndex
from indexer.vector_index.view import IndexView
from tests.factories import make_clip_ids, make_unit_vectors

DIMENSION = 8

KINDS = ("flat", "quick sq8", "sq8", "ivf", "ivf of all lists")


@dataclass(frozen=True)
class MadeLibrary:
    """A library made up for a test."""

    ids: list[int]
    seed: int
    copies: bool
    """Whether every other clip looks like the one before it."""
    removed: set[int]


libraries = st.builds(
    MadeLibrary,
    ids=st.lists(st.integers(1, 3000), unique=True, min_size=1, max_size=150).map(sorted),
    seed=st.integers(0, 1000),
    copies=st.booleans(),
    removed=st.sets(st.integers(1, 3000), max_size=60),
)


def stored_vectors(library: MadeLibrary) -> NDArray[np.float16]:
    vectors = make_unit_vectors(library.seed, len(library.ids), DIMENSION)
    if library.copies:
        vectors[1::2] = vectors[: 2 * (len(vectors) // 2) : 2]
    return vectors.astype(np.float16)


def add(table: ClipTable, ids: list[int], vectors: NDArray[np.float16]) -> None:
    """Add clips to ``table``: three to a video."""
    number = np.arange(len(ids))
    start_s = np.multiply(4.0, number, dtype=np.float64)
    columns = ClipColumns(np.array(ids, np.int64), number.astype(np.int32), start_s, start_s + 4.0)
    table.add(columns, [f"video {one // 3}" for one in number], vectors, make_clip_ids(ids))


def made_index(table: ClipTable, kind: str) -> FaissIndex:
    """Return an index of what is in ``table``, small libraries being large ones here."""
    clips = table.frozen()
    sizes = IndexSizes(flat_until=0, largest_share_probed=1.0 if kind.startswith("ivf") else 0.0)
    if kind == "flat":
        sizes = IndexSizes()
    if kind == "quick sq8":
        vectors = clips.vectors(np.arange(len(clips.ids)))
        index = quick_index(vectors)
        index.add(clips.ids, vectors)
        return index
    index = build_index(clips, sizes, lambda: False)
    if kind == "ivf of all lists":
        index.kind = replace(index.kind, reach=2.0)
    return index


def made_view(library: MadeLibrary, kind: str) -> IndexView:
    """Return a view whose index was made with half of the clips, the rest being added, some removed."""
    vectors, half = stored_vectors(library), (len(library.ids) + 1) // 2
    table = ClipTable(DIMENSION)
    add(table, library.ids[:half], vectors[:half])
    index = made_index(table, kind)
    later = np.array(library.ids[half:], np.int64)
    add(table, library.ids[half:], vectors[half:])
    index.add(later, vector_codec.unit(vectors[half:]))
    removed = np.array(sorted(library.removed | set(library.ids[::7])), np.int64)
    table.remove(removed)
    index.remove(removed)
    return IndexView(table, index, revision=1)


@pytest.mark.parametrize("kind", KINDS)
@given(
    library=libraries,
    allowed=st.none() | st.sets(st.integers(1, 3000), max_size=60),
    keep=st.floats(0, 1),
    until=st.none() | st.integers(0, 3100),
    limit=st.integers(1, 40),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_search_equals_comparing_every_clip(
    kind: str,
    library: MadeLibrary,
    allowed: set[int] | None,
    keep: float,
    until: int | None,
    limit: int,
) -> None:
    view = made_view(library, kind)
    if allowed is not None:
        allowed |= set(library.ids[: int(len(library.ids) * keep)])
    queries = make_unit_vectors(library.seed + 1, 2)

    found = view.search(
        queries, limit, None if allowed is None else np.array(sorted(allowed), np.int64), until
    )

    vectors = dict(zip(library.ids, vector_codec.unit(stored_vectors(library)), strict=True))
    gone = library.removed | set(library.ids[::7])
    left = [
        one
        for one in library.ids
        if one not in gone and (allowed is None or one in allowed) and (until is None or one <= until)
    ]
    for query, hits in zip(queries, found, strict=True):
        scores = {one: float(vector_codec.cosines(vectors[one], query)) for one in left}
        expected = sorted(left, key=lambda one: (-scores[one], one))[:limit]
        if kind == "ivf":  # finds nearly all; that there are as many holds always
            assert len(hits) == len(expected)
            assert dict(hits).items() <= scores.items()
        else:
            assert hits == [(one, scores[one]) for one in expected]


def test_wrong_queries_and_limits_are_refused_with_their_values() -> None:
    view = made_view(MadeLibrary([1, 2, 3], seed=0, copies=False, removed=set()), "flat")

    with pytest.raises(ValueError, match=r"\(1, 9\): expected \(Q, 8\)"):
        view.search(make_unit_vectors(0, 1, dimension=9), 5)
    with pytest.raises(ValueError, match="limit is 0"):
        view.search(make_unit_vectors(0, 1), 0)


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    table = ClipTable(DIMENSION)
    add(table, [3, 5, 7], np.repeat(make_unit_vectors(0, 1), 3, axis=0).astype(np.float16))
    view = IndexView(table, made_index(table, "flat"), revision=1)

    assert [one for one, _ in view.search(make_unit_vectors(0, 1), 3)[0]] == [3, 5, 7]


def test_a_score_is_that_of_the_vector_alone_whatever_the_limit() -> None:
    library = MadeLibrary(list(range(1, 400)), seed=1, copies=False, removed=set())
    view = made_view(library, "ivf of all lists")
    queries = make_unit_vectors(2, 3)

    (most, _, _) = view.search(queries, 300)
    assert view.search(queries[:1], 30)[0] == most[:30]
    for embedding_id, score in most:
        alone = view.vectors(np.array([embedding_id]))
        assert float(vector_codec.cosines(alone, queries[0])[0]) == score
