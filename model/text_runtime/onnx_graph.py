"""A text tower as an ONNX graph, from embedded tokens to vectors.

The graph is written node by node, so it needs neither tracing nor an exporter, and is there in a fraction of
a second. Words are looked up outside it: the table is half of a tower's weights, and stays where it is.
The int8 of ``INT8`` is dynamic: a weight has one scale for each output, and an activation tensor one scale,
found as it comes. ``INT8_BLOCKS`` has one for every 64 numbers of both, which large outliers harm less.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from open_clip.transformer import LayerScale, QuickGELU, ResidualAttentionBlock
from torch import Tensor, nn

from model.text_runtime.text_tower import TextTower

EMBEDDED, ENDS, VECTORS = "embedded", "ends", "vectors"
"""The inputs (Q, n, C) and (Q, 1), and the output (Q, D)."""

BLOCK = 64
OPSET, IR_VERSION = 21, 10
"""Of 2024: every runtime since reads them."""

EXTENSIONS = "com.microsoft"
"""ONNX Runtime's own operators."""


class Precision(StrEnum):
    """What the large matrices are multiplied in; the fastest first."""

    INT8 = "int8"
    INT8_BLOCKS = "int8 in blocks"
    FLOAT32 = "float32"


def write_graph(tower: TextTower, precision: Precision) -> bytes:
    """Return the graph of ``tower``; raises ValueError for parts that it has no words for."""
    graph = _Graph(precision)
    tokens = EMBEDDED
    for block in tower.holder.transformer.resblocks:
        tokens = graph.block(tokens, block, is_causal=tower.is_causal)
    read = graph.add("GatherND", tokens, ENDS, batch_dims=1)
    return graph.finish(graph.project(graph.norm(read, tower.holder.ln_final), tower.holder.text_projection))


class _Graph:
    """Nodes and weights as they are added; each method returns the name of what comes out."""

    def __init__(self, precision: Precision) -> None:
        self._multiply = {
            Precision.INT8: self._multiply_int8,
            Precision.INT8_BLOCKS: self._multiply_int8_blocks,
            Precision.FLOAT32: self._multiply_float,
        }[precision]
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> str:
        """Add a node; its outputs after the first are called as the first, with ``.1`` and so on behind."""
        name = f"{operator}{len(self._nodes)}"
        names = [name, *(f"{name}.{number}" for number in range(1, outputs))]
        self._nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return name

    def block(self, tokens: str, block: Any, *, is_causal: bool) -> str:
        """Add a residual block of attention and a multilayer perceptron."""
        if type(block) is not ResidualAttentionBlock or type(block.attn) is not nn.MultiheadAttention:
            raise ValueError(f"the graph has no words for {type(block).__name__}")
        seen = self._attend(self.norm(tokens, block.ln_1), block.attn, is_causal)
        tokens = self.add("Add", tokens, self._rescale(seen, block.ls_1))
        hidden = self._linear(self.norm(tokens, block.ln_2), block.mlp.c_fc)
        hidden = self._linear(self._activate(hidden, block.mlp.gelu), block.mlp.c_proj)
        return self.add("Add", tokens, self._rescale(hidden, block.ls_2))

    def norm(self, tokens: str, norm: nn.Module) -> str:
        """Add a layer norm."""
        if not isinstance(norm, nn.LayerNorm):
            raise ValueError(f"the graph has no words for {type(norm).__name__}")
        weights = self._store(_array(norm.weight)), self._store(_array(norm.bias))
        return self.add("LayerNormalization", tokens, *weights, epsilon=norm.eps)

    def project(self, read: str, projection: Any) -> str:
        """Add the projection into the common space, in float32: it is small."""
        if projection is None:
            return read
        if isinstance(projection, nn.Linear):
            return self._multiply_float(read, _array(projection.weight), _array(projection.bias))
        return self._multiply_float(read, _array(projection).T, None)

    def finish(self, result: str) -> bytes:
        """Return the whole, with ``result`` as its output."""
        self._nodes.append(helper.make_node("Identity", [result], [VECTORS]))
        described = [
            helper.make_tensor_value_info(EMBEDDED, TensorProto.FLOAT, ["Q", "n", None]),
            helper.make_tensor_value_info(ENDS, TensorProto.INT64, ["Q", 1]),
        ]
        output = helper.make_tensor_value_info(VECTORS, TensorProto.FLOAT, ["Q", None])
        graph = helper.make_graph(self._nodes, "text tower", described, [output], self._weights)
        operators = [helper.make_opsetid("", OPSET), helper.make_opsetid(EXTENSIONS, 1)]
        model = helper.make_model(graph, opset_imports=operators, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())

    def _attend(self, tokens: str, attention: Any, is_causal: bool) -> str:
        weight, bias = attention.in_proj_weight, attention.in_proj_bias
        if weight is None or bias is None or attention.bias_k is not None or attention.add_zero_attn:
            raise ValueError("the graph has no words for attention with such parts")
        joint = self._multiply(tokens, _array(weight), _array(bias))
        parts = self.add("Split", joint, outputs=3, axis=-1, num_outputs=3)
        options = {"num_heads": attention.num_heads, "unidirectional": int(is_causal)}
        sources = (parts, f"{parts}.1", f"{parts}.2")
        seen = self.add("MultiHeadAttention", *sources, domain=EXTENSIONS, **options)
        return self._linear(seen, attention.out_proj)

    def _activate(self, hidden: str, activation: nn.Module) -> str:
        if isinstance(activation, QuickGELU):
            return self.add("QuickGelu", hidden, domain=EXTENSIONS, alpha=1.702)
        if isinstance(activation, nn.GELU):
            return self.add("Gelu", hidden, approximate=activation.approximate)
        raise ValueError(f"the graph has no words for {type(activation).__name__}")

    def _rescale(self, tokens: str, scale: nn.Module) -> str:
        if isinstance(scale, nn.Identity):
            return tokens
        if isinstance(scale, LayerScale):
            return self.add("Mul", tokens, self._store(_array(scale.gamma)))
        raise ValueError(f"the graph has no words for {type(scale).__name__}")

    def _linear(self, tokens: str, linear: nn.Module) -> str:
        if not isinstance(linear, nn.Linear):
            raise ValueError(f"the graph has no words for {type(linear).__name__}")
        return self._multiply(tokens, _array(linear.weight), _array(linear.bias))

    def _multiply_float(
        self, tokens: str, weight: NDArray[np.float32], bias: NDArray[np.float32] | None
    ) -> str:
        product = self.add("MatMul", tokens, self._store(weight.T))
        return product if bias is None else self.add("Add", product, self._store(bias))

    def _multiply_int8(self, tokens: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        scales = _scales(weight)  # (outputs, 1)
        stored = [np.rint(weight / scales).astype(np.int8).T, scales[:, 0], None, bias]
        return self.add("DynamicQuantizeMatMul", tokens, *self._store_all(stored), domain=EXTENSIONS)

    def _multiply_int8_blocks(
        self, tokens: str, weight: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> str:
        outputs, inputs = weight.shape
        blocks = np.pad(weight, ((0, 0), (0, -inputs % BLOCK))).reshape(outputs, -1, BLOCK)
        scales = _scales(blocks)  # (outputs, blocks, 1)
        whole = (np.rint(blocks / scales) + 128).astype(np.uint8)  # the operator's zero is 128
        stored = [whole, scales[..., 0], None, None, bias]
        options = {"K": inputs, "N": outputs, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}  # 4: int8
        return self.add("MatMulNBits", tokens, *self._store_all(stored), domain=EXTENSIONS, **options)

    def _store_all(self, arrays: Sequence[NDArray[Any] | None]) -> list[str]:
        return ["" if array is None else self._store(array) for array in arrays]

    def _store(self, array: NDArray[Any]) -> str:
        name = f"weight{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def _scales(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what one step of int8 is worth in each row of ``weight``; 1 where all is zero."""
    largest = np.abs(weight).max(-1, keepdims=True)
    return np.where(largest > 0, largest / 127, 1).astype(np.float32)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array
