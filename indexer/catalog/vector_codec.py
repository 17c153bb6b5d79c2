"""Unit vectors as they lie in rows: float16, little-endian, normalised again when read."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STORED_DTYPE = np.dtype("<f2")

UNIT_TOLERANCE = 1e-2
"""How far from 1 a length may be: half precision and bfloat16 encoders stay well below."""


def pack(vectors: NDArray[np.float32]) -> list[bytes]:
    """Return the bytes of each of the unit vectors (N, D); raises ValueError for one of another length."""
    lengths = np.linalg.norm(vectors, axis=-1)
    wrong = ~(np.abs(lengths - 1) <= UNIT_TOLERANCE)  # also catches NaN
    if wrong.any():
        raise ValueError(
            f"vector {int(np.argmax(wrong))} has length {lengths[wrong][0]}: give finite vectors of length 1"
        )
    return [row.tobytes() for row in vectors.astype(STORED_DTYPE)]


def unpack(packed: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """Return the unit vectors (N, D) of ``packed``; raises ValueError when one has another dimension."""
    return unit(stack(packed, dimension))


def stack(packed: Sequence[bytes], dimension: int) -> NDArray[np.float16]:
    """Return the vectors (N, D) of ``packed`` as stored; raises ValueError as ``unpack``."""
    size_bytes = dimension * STORED_DTYPE.itemsize
    for row in packed:
        if len(row) != size_bytes:
            raise ValueError(
                f"a stored vector has {len(row)} bytes, {dimension} dimensions need {size_bytes}"
            )
    return np.frombuffer(b"".join(packed), STORED_DTYPE).reshape(-1, dimension)


def unit(stored: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return stored vectors (N, D) at length 1; each comes out the same in any company."""
    vectors = stored.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
