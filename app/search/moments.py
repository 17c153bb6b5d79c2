"""Where in a clip the words are true: its segments tell."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import vector_codec
from indexer.catalog.tables import Clip, Embedding


def best_at(query: NDArray[np.float32], clip: Clip, segments: Sequence[Embedding]) -> float:
    """Return the second in the video at the middle of the segment nearest to ``query`` (D,).

    The clip's own middle when it has no segments; the earlier of two equally near ones.
    """
    if not segments:
        return (clip.start_s + clip.end_s) / 2
    vectors = vector_codec.unpack([segment.vector for segment in segments], len(query))  # (S, D)
    best = segments[int(np.argmax(vectors @ query))]
    return (best.start_s + best.end_s) / 2
