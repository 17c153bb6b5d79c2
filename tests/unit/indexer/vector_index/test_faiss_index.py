"""The index finds what a comparison with every vector finds, filters included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.vector_index.faiss_index import FaissIndex
from tests.factories import make_unit_vectors

DIMENSION = 8


def make_index(ids: list[int], seed: int = 0) -> FaissIndex:
    index = FaissIndex(DIMENSION)
    index.add(np.array(ids, dtype=np.int64), make_unit_vectors(seed, len(ids)))
    return index


@given(
    ids=st.lists(st.integers(1, 5000), unique=True, max_size=40),
    removed=st.sets(st.integers(1, 5000), max_size=10),
    allowed=st.none() | st.sets(st.integers(1, 5000), max_size=60),
    keep=st.floats(0, 1),
    limit=st.integers(1, 50),
)
def test_search_equals_comparing_every_vector(
    ids: list[int], removed: set[int], allowed: set[int] | None, keep: float, limit: int
) -> None:
    if allowed is not None:
        allowed |= set(ids[: int(len(ids) * keep)])
    index = make_index(ids)
    removed |= set(ids[::7])
    index.remove(np.array(sorted(removed), dtype=np.int64))
    queries = make_unit_vectors(1, 2)
    allowed_ids = None if allowed is None else np.array(sorted(allowed), dtype=np.int64)

    found = index.search(queries, limit, allowed_ids)

    vectors = dict(zip(ids, make_unit_vectors(0, len(ids)), strict=True))
    left = [n for n in ids if n not in removed and (allowed is None or n in allowed)]
    for query, hits in zip(queries, found, strict=True):
        scores = {n: float(query @ vectors[n]) for n in left}
        expected = sorted(left, key=lambda n: -scores[n])[:limit]
        assert [n for n, _ in hits] == expected
        assert np.allclose([score for _, score in hits], [scores[n] for n in expected], atol=1e-6)


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    index = FaissIndex(DIMENSION)
    same = np.repeat(make_unit_vectors(0, 1), 3, axis=0)
    index.add(np.array([7, 3, 5], dtype=np.int64), same)

    assert [n for n, _ in index.search(same[:1], 3, None)[0]] == [3, 5, 7]


def test_an_empty_index_and_a_filter_that_lets_nothing_pass_give_no_hits() -> None:
    queries = make_unit_vectors(1, 2)

    assert FaissIndex(DIMENSION).search(queries, 5, None) == [[], []]
    assert make_index([1, 2]).search(queries, 5, np.array([], dtype=np.int64)) == [[], []]
    assert make_index([1, 2]).search(queries, 5, np.array([9], dtype=np.int64)) == [[], []]


def test_written_as_bytes_and_read_again_it_is_the_same_index() -> None:
    index = make_index([4, 8, 15])
    query = make_unit_vectors(1, 1)

    again = FaissIndex.from_bytes(index.to_bytes())
    again.add(np.array([16], dtype=np.int64), make_unit_vectors(2, 1))
    again.remove(np.array([16], dtype=np.int64))

    assert again.search(query, 3, None) == index.search(query, 3, None)
    assert len(again) == 3


def test_bytes_that_are_no_index_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot read the index"):
        FaissIndex.from_bytes(np.frombuffer(b"not an index at all", np.uint8))


def test_wrong_shapes_and_limits_are_refused_with_their_values() -> None:
    index = make_index([1])

    with pytest.raises(ValueError, match=r"\(1, 9\): expected \(Q, 8\)"):
        index.search(make_unit_vectors(0, 1, dimension=9), 5, None)
    with pytest.raises(ValueError, match="limit is 0"):
        index.search(make_unit_vectors(0, 1), 0, None)
    with pytest.raises(ValueError, match=r"\(2, 8\): expected \(1, 8\)"):
        index.add(np.array([1], dtype=np.int64), make_unit_vectors(0, 2))
