"""The image teacher: an int8 MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) run by LiteRT.

Its last feature map teaches the student's patch tokens, its pooled features the student's embedding.
"""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TEACHER_SIZE = 224  # pixels: the input the teacher was quantised for
TEACHER_CHANNELS = 1280
TEACHER_GRID = 7  # cells a side of the last feature map


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
