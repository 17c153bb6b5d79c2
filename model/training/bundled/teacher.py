"""The image teacher: an int8 MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), read and run by LiteRT.

Its convolutions are the stem of the student's tower, its classifier teaches what is in a picture. Its last
feature map and its pooled features teach a student that has no such stem.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.vision_transformer.mobilenet_hybrid import MobileNetStem

TEACHER_SIZE = 224  # pixels: the input the teacher was quantised for
TEACHER_CHANNELS = 1280
TEACHER_GRID = 7  # cells a side of the last feature map
TEACHER_MEAN = 127 / 255
TEACHER_STD = 127.5 / 255  # what the network subtracts from colours of 0 to 1, and divides them by


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


class MobileNetTeacher:
    """Gives features of single pictures; needs the package ``ai-edge-litert`` (extra ``training``)."""

    def __init__(self, weights: Path) -> None:
        """Load the ``.tflite`` file; raises ValueError if it has no 7x7x1280 feature map."""
        from ai_edge_litert.interpreter import Interpreter

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # keeping intermediate tensors is what we are here for
            self._interpreter = Interpreter(
                str(weights), num_threads=1, experimental_preserve_all_tensors=True
            )
        self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        shape = (1, TEACHER_GRID, TEACHER_GRID, TEACHER_CHANNELS)
        maps = [d for d in self._interpreter.get_tensor_details() if tuple(d["shape"]) == shape]
        if not maps:
            raise ValueError(
                f"{weights} has no feature map of shape {shape}: it is not the MobileNetV2 teacher"
            )
        self._feature_map: int = maps[-1]["index"]
        scale, zero_point = maps[-1]["quantization"]
        self._scale, self._zero_point = np.float32(scale), np.float32(zero_point)

    def features(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the last feature map (7, 7, 1280) of a picture (224, 224, 3)."""
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        quantised: NDArray[np.int8] = self._interpreter.get_tensor(self._feature_map)[0]
        features: NDArray[np.float32] = (quantised.astype(np.float32) - self._zero_point) * self._scale
        return features
