"""Examples, joined into the one vector that the index is asked with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.dependencies import Services
from app.search.query import Term, Words


@dataclass(frozen=True)
class Target:
    """What the library is compared with."""

    vector: NDArray[np.float32]
    """(D,), unit."""
    is_words: bool
    """Whether it is one description and nothing else: what confidence is calibrated for."""
    said: str = ""
    """The positive words, for words said; empty if there are none."""
    excluded: tuple[str, ...] = ()
    """The negative words, for words said."""
    notices: tuple[str, ...] = ()
    own_ids: tuple[str, ...] = ()
    """Ids of the clips among the examples: a clip "like this" is not its own answer."""


def aim(
    services: Services, terms: Sequence[Term], relevant: Sequence[str] = (), irrelevant: Sequence[str] = ()
) -> Target:
    """Return the target of ``terms`` and judged clips."""
    words = [term for term in terms if isinstance(term.example, Words)]
    total = sum(
        (
            np.float32(term.weight) * services.queries.encode(term.example.text).vector
            for term in words
            if isinstance(term.example, Words)
        ),
        np.zeros(1, np.float32),
    )
    vector: NDArray[np.float32] = total / np.linalg.norm(total)
    return Target(
        vector=vector,
        is_words=len(terms) == len(words) == 1,
        said=" ".join(t.example.text for t in words if t.weight > 0 and isinstance(t.example, Words)),
        excluded=tuple(t.example.text for t in words if t.weight < 0 and isinstance(t.example, Words)),
    )
