"""A part of the training set kept for validation, the same on every machine and in every run."""

import hashlib
from collections.abc import Collection

SEED = "reelseek validation"


def hold_out(names: Collection[str], share: float) -> frozenset[str]:
    """Return the ``share`` of ``names`` whose hashes come first, at least one if there are two or more.

    The order of the names and of the rows they come from plays no part.
    """
    count = max(round(share * len(names)), 1) if len(names) > 1 else 0
    return frozenset(sorted(names, key=_hash)[:count])


def _hash(name: str) -> bytes:
    return hashlib.sha256(f"{SEED}:{name}".encode()).digest()
