"""Vectors survive being stored as float16."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog import vector_codec
from tests.factories import make_unit_vectors


@given(seed=st.integers(0, 10_000), rows=st.integers(0, 5), dimension=st.integers(1, 600))
def test_what_is_unpacked_is_a_unit_vector_within_half_precision_of_what_was_packed(
    seed: int, rows: int, dimension: int
) -> None:
    vectors = make_unit_vectors(seed, rows, dimension)

    unpacked = vector_codec.unpack(vector_codec.pack(vectors), dimension)

    assert unpacked.dtype == np.float32
    assert unpacked.shape == (rows, dimension)
    assert np.allclose(np.linalg.norm(unpacked, axis=1), 1, atol=1e-6)
    assert ((unpacked * vectors).sum(axis=1) > 0.99999).all()


def test_a_vector_is_stored_as_little_endian_float16() -> None:
    assert vector_codec.pack(np.array([[1.0, 0.0]], dtype=np.float32)) == [b"\x00\x3c\x00\x00"]


@pytest.mark.parametrize("value", [0.0, 0.9, 2.0, np.nan, np.inf])
def test_what_is_not_a_unit_vector_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="vector 1 has length"):
        vector_codec.pack(np.array([[1.0, 0.0], [value, 0.0]], dtype=np.float32))


def test_bytes_of_another_dimension_are_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes, 9 dimensions need 18"):
        vector_codec.unpack([bytes(16)], 9)


def test_every_finite_half_is_widened_to_the_same_number() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = halves[np.isfinite(halves)]
    widened = vector_codec.widened(finite)
    assert np.array_equal(
        widened.view(np.uint32), finite.astype(np.float32).view(np.uint32)
    )  # zeros' signs too


def test_a_cosine_is_the_same_alone_and_in_company() -> None:
    vectors, query = make_unit_vectors(0, 300, 515), make_unit_vectors(1, 1, 515)[0]
    together = vector_codec.cosines(vectors, query)
    assert [float(vector_codec.cosines(one[None], query)[0]) for one in vectors] == together.tolist()
