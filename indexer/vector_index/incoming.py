"""What changes of the catalog are to an index and to the table of its clips."""

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import vector_codec
from indexer.catalog.generations import Changes
from indexer.vector_index.building import ROWS_AT_ONCE, IndexSizes, quick_index
from indexer.vector_index.clip_table import ClipColumns
from indexer.vector_index.faiss_index import FaissIndex


def add_stored(index: FaissIndex, ids: NDArray[np.int64], stored: NDArray[np.float16]) -> None:
    """Add vectors (N, D), as stored, to ``index``; all of a large library would not fit as float32."""
    for start in range(0, len(ids), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        index.add(ids[rows], vector_codec.unit(stored[rows]))


def columns_of(changes: Changes) -> ClipColumns:
    """Return the clips that were added."""
    return ClipColumns(
        ids=changes.added_ids,
        video=np.arange(len(changes.added_ids), dtype=np.int32),
        start_s=changes.added_start_s,
        end_s=changes.added_end_s,
    )


def index_for(changes: Changes, index: FaissIndex, sizes: IndexSizes) -> FaissIndex:
    """Return the index to add to: a whole large library is not put in as float32 first."""
    if len(index) or len(changes.added_ids) <= sizes.flat_until:
        return index
    return quick_index(
        vector_codec.unit(changes.added_vectors[:: -(-len(changes.added_ids) // ROWS_AT_ONCE)])
    )
