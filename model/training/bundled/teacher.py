"""The image teacher: an int8 MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), read by LiteRT.

Its convolutions are the stem of the tower, its classifier a teacher of what is in a picture.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import linear

from model.vision_transformer.mobilenet_hybrid import MobileNetStem


class Layer(NamedTuple):
    """A convolution, batch norm folded in."""

    weight: Tensor
    """(filters, channels / groups, H, W) float32"""
    bias: Tensor
    """(filters,) float32"""


@dataclass(frozen=True)
class TeacherWeights:
    """What an int8 MobileNetV2 has learnt, as float32."""

    convolutions: tuple[Layer, ...]
    """In the order in which they run."""
    classifier_weight: Tensor
    """(1001, 1280), on pooled features; class 0 is the background."""
    classifier_bias: Tensor
    """(1001,)"""

    def classify(self, pooled: Tensor) -> Tensor:
        """Return logits (n, 1000) of pooled features (n, 1280): the background is no class of ImageNet."""
        return linear(pooled, self.classifier_weight[1:], self.classifier_bias[1:])

    def load_into(self, stem: MobileNetStem) -> None:
        """Copy the convolutions into ``stem``; raises ValueError if it is of another shape."""
        layers = [layer for layer in stem.modules() if isinstance(layer, nn.Conv2d)]
        mine = [tuple(layer.weight.shape) for layer in self.convolutions]
        theirs = [tuple(layer.weight.shape) for layer in layers]
        if mine != theirs:
            raise ValueError(
                f"the teacher's {len(mine)} convolutions do not fit the stem's {len(theirs)}: only a "
                "MobileNetV2 of full width is both"
            )
        with torch.no_grad():
            for layer, learnt in zip(layers, self.convolutions, strict=True):
                layer.weight.copy_(learnt.weight)
                layer.bias.copy_(learnt.bias)  # type: ignore[union-attr]


def read_teacher(weights: Path) -> TeacherWeights:
    """Return the weights of the ``.tflite`` file, made float again.

    Needs the package ``ai-edge-litert`` (extra ``training``). Raises ValueError if the file is no
    network of convolutions quantised by channel.
    """
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(weights), num_threads=1)
    interpreter.allocate_tensors()
    by_channel = [
        tensor
        for tensor in interpreter.get_tensor_details()
        if len(tensor["quantization_parameters"]["scales"]) > 1
    ]
    kernels = [tensor for tensor in by_channel if tensor["dtype"] is np.int8]
    biases = [tensor for tensor in by_channel if tensor["dtype"] is np.int32]
    if not kernels or len(kernels) != len(biases) or any(len(kernel["shape"]) != 4 for kernel in kernels):
        raise ValueError(
            f"{weights} has {len(kernels)} kernels and {len(biases)} biases quantised by channel: it is not "
            "the MobileNetV2 teacher"
        )
    *convolutions, classifier = (
        Layer(_dequantise(interpreter, kernel).permute(0, 3, 1, 2), _dequantise(interpreter, bias))
        for kernel, bias in zip(kernels, biases, strict=True)
    )
    return TeacherWeights(tuple(convolutions), classifier.weight.flatten(1), classifier.bias)


def _dequantise(interpreter: Any, tensor: dict[str, Any]) -> Tensor:
    """Return the float32 values, the output channels first: (filters, H, W, channels) or (filters,)."""
    quantisation = tensor["quantization_parameters"]
    values: NDArray[np.float32] = interpreter.get_tensor(tensor["index"]).astype(np.float32)
    # A depthwise kernel is (1, H, W, filters), any other (filters, H, W, channels).
    filters_first = np.swapaxes(values, 0, quantisation["quantized_dimension"])
    scales = quantisation["scales"].reshape(-1, *[1] * (values.ndim - 1))
    return torch.from_numpy(np.ascontiguousarray(filters_first * scales))
