"""The index under the clips: what it holds, and what it refuses."""

import faiss
import numpy as np
import pytest

from indexer.vector_index.faiss_index import FaissIndex, IndexKind, one_thread
from tests.factories import make_unit_vectors

DIMENSION = 8


def make_index(ids: list[int], seed: int = 0) -> FaissIndex:
    index = FaissIndex(DIMENSION)
    index.add(np.array(ids, dtype=np.int64), make_unit_vectors(seed, len(ids)))
    return index


def test_an_empty_index_and_a_filter_that_lets_nothing_pass_give_nothing() -> None:
    query = make_unit_vectors(1, 1)[0]

    assert len(FaissIndex(DIMENSION).nearest(query, 5)[0]) == 0
    assert len(make_index([1, 2]).nearest(query, 5, np.array([], dtype=np.int64))[0]) == 0
    assert len(make_index([1, 2]).nearest(query, 5, np.array([9], dtype=np.int64))[0]) == 0
    assert len(make_index([4, 5]).nearest(query, 5, until_id=3)[0]) == 0


def test_written_as_bytes_and_read_again_it_is_the_same_index() -> None:
    index = make_index([4, 8, 15])
    query = make_unit_vectors(1, 1)[0]

    again = FaissIndex.from_bytes(index.to_bytes(), IndexKind())
    again.add(np.array([16], dtype=np.int64), make_unit_vectors(2, 1))
    again.remove(np.array([16], dtype=np.int64))

    assert again.nearest(query, 3)[0].tolist() == index.nearest(query, 3)[0].tolist()
    assert len(again) == 3


def test_bytes_that_are_no_index_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot read the index"):
        FaissIndex.from_bytes(np.frombuffer(b"not an index at all", np.uint8), IndexKind())


def test_vectors_of_another_shape_are_refused_with_their_values() -> None:
    with pytest.raises(ValueError, match=r"\(2, 8\): expected \(1, 8\)"):
        make_index([1]).add(np.array([1], dtype=np.int64), make_unit_vectors(0, 2))


def test_searching_in_one_thread_leaves_the_number_of_threads_as_it_was() -> None:
    before = faiss.omp_get_max_threads()

    with one_thread():
        assert faiss.omp_get_max_threads() == 1

    assert faiss.omp_get_max_threads() == before
