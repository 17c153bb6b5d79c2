"""What an index of clip vectors must do, whatever library it is made of."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Hit = tuple[int, float]
"""Embedding id and cosine."""


class VectorIndex(Protocol):
    """Unit vectors by embedding id. Searches may run side by side; nothing may run beside a change."""

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add vectors (N, D) under new ids (N,)."""
        ...

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Take out what is there of ids (N,)."""
        ...

    def search(
        self, vectors: NDArray[np.float32], limit: int, allowed_ids: NDArray[np.int64] | None
    ) -> list[list[Hit]]:
        """Return the ``limit`` best hits among ``allowed_ids`` (all when None) for each of vectors (Q, D)."""
        ...

    def __len__(self) -> int:
        """Return how many vectors there are."""
        ...
