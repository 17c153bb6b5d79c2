"""The gate that a faster text tower must pass."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.text_runtime.probe_sentences import COUNT, probe_sentences
from model.text_runtime.recall_gate import compare


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


@pytest.fixture
def sentences() -> NDArray[np.float64]:
    return np.random.default_rng(0).standard_normal((COUNT, 64)) + 1


@pytest.fixture
def gallery(sentences: NDArray[np.float64]) -> NDArray[np.float32]:
    return unit(sentences + 0.8 * np.random.default_rng(1).standard_normal(sentences.shape))


def test_a_tower_that_says_the_same_passes_with_full_marks(
    sentences: NDArray[np.float64], gallery: NDArray[np.float32]
) -> None:
    agreement = compare(unit(sentences), unit(sentences), gallery)
    assert agreement.recall == agreement.reference_recall > 0.9
    assert agreement.overlap == 1
    assert agreement.cosine == pytest.approx(1)
    assert agreement.is_enough


@pytest.mark.parametrize(("noise", "is_enough"), [(0.01, True), (0.2, False), (1.0, False)])
def test_the_more_the_vectors_are_off_the_less_they_pass(
    sentences: NDArray[np.float64], gallery: NDArray[np.float32], noise: float, is_enough: bool
) -> None:
    off = unit(sentences + noise * np.random.default_rng(2).standard_normal(sentences.shape))
    assert compare(unit(sentences), off, gallery).is_enough == is_enough


def test_one_sentence_gone_wrong_is_enough_to_fail(
    sentences: NDArray[np.float64], gallery: NDArray[np.float32]
) -> None:
    reference, candidate = unit(sentences), unit(sentences)
    candidate[7] = reference[8]
    agreement = compare(reference, candidate, gallery)
    assert agreement.recall > agreement.reference_recall - 0.01
    assert not agreement.is_enough


def test_numbers_that_are_none_fail(sentences: NDArray[np.float64], gallery: NDArray[np.float32]) -> None:
    broken = np.full_like(gallery, np.nan)
    assert not compare(unit(sentences), broken, gallery).is_enough


def test_the_scenes_of_the_probe_differ_and_are_told_in_other_words() -> None:
    asked, told = probe_sentences()
    assert len(set(asked)) == len(set(told)) == COUNT
    assert not set(asked) & set(told)
