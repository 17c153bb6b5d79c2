"""The fastest way to run a text tower on this processor that ranks as its float32 does."""

import importlib.util
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from model.text_runtime.probe_sentences import probe_sentences
from model.text_runtime.recall_gate import compare
from model.text_runtime.text_tower import TextTower

if TYPE_CHECKING:
    from model.text_runtime.onnx_graph import Precision
    from model.text_runtime.onnx_tower import OnnxTower

NEEDED = ("onnx", "onnxruntime")

RunTower = Callable[[Tensor], Tensor]
"""Token ids (Q, N) in, vectors (Q, D) out."""

Encode = Callable[[Sequence[str], RunTower], NDArray[np.float32]]
"""Texts and the tower to run in, unit vectors (Q, D) out."""

log = logging.getLogger(__name__)


def fastest_tower(tower: TextTower, encode: Encode) -> "OnnxTower | None":
    """Return the first of the towers of ``Precision`` that passes the gate; None if none does.

    None too where ONNX Runtime is not installed. A tower that fails to build is passed over.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        log.info("words are encoded by torch: %s not installed", " and ".join(missing))
        return None
    from model.text_runtime.onnx_graph import Precision

    asked, told = probe_sentences()
    reference, gallery = encode(asked, tower), encode(told, tower)
    for precision in Precision:
        candidate = _build(tower, precision)
        if candidate is None:
            continue
        agreement = compare(reference, encode(asked, candidate), gallery)
        verdict = "serves" if agreement.is_enough else "is refused"
        log.info("the text tower in ONNX Runtime, %s, %s: %s", precision, verdict, agreement)
        if agreement.is_enough:
            return candidate
    return None


def _build(tower: TextTower, precision: "Precision") -> "OnnxTower | None":
    from model.text_runtime.onnx_tower import OnnxTower

    try:
        return OnnxTower(tower, precision)
    except Exception:  # a runtime that lacks an operator, a graph over 2 GB: torch serves
        log.info("the text tower cannot be run in ONNX Runtime as %s", precision, exc_info=True)
        return None
