"""A text tower run by ONNX Runtime."""

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.text_runtime.onnx_graph import EMBEDDED, ENDS, VECTORS, Precision, write_graph
from model.text_runtime.text_tower import TextTower
from model.text_runtime.threads import query_threads


class OnnxTower:
    """Token ids (Q, N) in, vectors (Q, D) of any length out; safe to call from many threads.

    Texts are run one by one: each at its own length, and in int8 its vector then depends on no other text.
    Raises ValueError for a tower that cannot be written as a graph.
    """

    def __init__(self, tower: TextTower, precision: Precision) -> None:
        self.name = f"ONNX Runtime, {precision}"
        self._tower = tower
        self._words, self._places = tower.tables()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = query_threads()
        options.inter_op_num_threads = 1
        # Helpers wait awake between the steps of a run: waking them takes longer than their share of it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        graph = write_graph(tower, precision)
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: Tensor) -> Tensor:
        """Return the vectors (Q, D) of ids (Q, N)."""
        return torch.from_numpy(np.concatenate([self._encode(row[None]) for row in ids]))

    @torch.inference_mode()
    def _encode(self, ids: Tensor) -> NDArray[np.float32]:
        ends = self._tower.ends(ids)
        length = self._tower.length(ends)
        # With NumPy: for so few numbers each call of torch takes longer than what it does.
        embedded = self._words[ids[:, :length].numpy()] + self._places[:length]
        vectors: NDArray[np.float32] = self._session.run(
            [VECTORS], {EMBEDDED: embedded, ENDS: ends[:, None].numpy()}
        )[0]
        return vectors
