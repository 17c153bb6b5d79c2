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

    def nearest(
        self,
        query: NDArray[np.float32],
        count: int,
        allowed_ids: NDArray[np.int64] | None = None,
        until_id: int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return ids and roughly known scores of the ``count`` nearest to a vector (D,), best first."""
        ...

    def __len__(self) -> int:
        """Return how many vectors there are."""
        ...
