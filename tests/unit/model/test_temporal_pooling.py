"""Mean pooling: each part counts the same."""

import pytest
import torch

from model.temporal_pooling import pool_mean, pool_parts


def test_the_pooled_vector_is_the_unit_vector_of_the_mean_of_unit_vectors() -> None:
    vectors = torch.tensor([[[10.0, 0.0], [0.0, 1.0]], [[3.0, 4.0], [6.0, 8.0]]])
    expected = torch.tensor([[0.5**0.5, 0.5**0.5], [0.6, 0.8]])
    torch.testing.assert_close(pool_mean(vectors), expected)


def test_parts_are_contiguous_and_in_time_order() -> None:
    vectors = torch.eye(6).unsqueeze(0)  # one video, each moment in a direction of its own
    parts = pool_parts(vectors, 3)
    expected = torch.tensor([[[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]]) * 0.5**0.5
    torch.testing.assert_close(parts, expected)


def test_as_many_parts_as_vectors_only_change_the_length() -> None:
    vectors = torch.randn(2, 4, 8)
    expected = vectors / vectors.norm(dim=2, keepdim=True)
    torch.testing.assert_close(pool_parts(vectors, 4), expected)


@pytest.mark.parametrize("parts", [0, 5, 8])
def test_unequal_parts_are_refused(parts: int) -> None:
    with pytest.raises(ValueError, match=f"4 vectors cannot be divided into {parts} equal parts"):
        pool_parts(torch.randn(1, 4, 8), parts)
