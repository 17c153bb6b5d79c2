"""From which cosine on clips count as copies."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.calibration.likeness import LEAST_DISTANCE, SHARE, USUAL_COPY_COSINE, copy_cosine
from tests.factories import make_unit_vectors


def leaning(towards: float) -> NDArray[np.float32]:
    """Return unit vectors that have more in common the higher ``towards`` is."""
    vectors = make_unit_vectors(seed=1, rows=300, dimension=64)
    vectors[:, 0] += np.float32(towards)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize("towards", [0.0, 0.5, 1.0, 2.0])
def test_copies_are_a_tenth_of_the_usual_distance_apart_whatever_the_model(towards: float) -> None:
    vectors = leaning(towards)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    assert 1 - copy_cosine(vectors) == pytest.approx(SHARE * (1 - np.median(cosines)), rel=0.05)


def test_a_library_of_a_few_clips_says_nothing() -> None:
    assert copy_cosine(leaning(0.0)[:19]) == USUAL_COPY_COSINE


def test_clips_that_are_all_alike_are_copies() -> None:
    assert copy_cosine(np.repeat(leaning(0.0)[:1], 50, axis=0)) == pytest.approx(1 - LEAST_DISTANCE)
