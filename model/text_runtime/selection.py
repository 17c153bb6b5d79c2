"""The fastest way to run a text tower on this processor that ranks as its float32 does."""

import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.text_runtime.probe_sentences import probe_sentences
from model.text_runtime.probe_vectors import Encode, probe_vectors
from model.text_runtime.recall_gate import compare
from model.text_runtime.text_tower import TextTower

if TYPE_CHECKING:
    from model.text_runtime.onnx_graph import Precision
    from model.text_runtime.onnx_tower import OnnxTower

NEEDED = ("onnx", "onnxruntime")

log = logging.getLogger(__name__)


def fastest_tower(
    tower: TextTower, encode: Encode, prompts: Sequence[str], folder: Path | None
) -> "OnnxTower | None":
    """Return the first of the towers of ``Precision`` that passes the gate; None if none does.

    ``encode`` puts texts into ``prompts``. What the float32 tower says is kept in ``folder``. None too where
    ONNX Runtime is not installed. A tower that fails to build is passed over.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        log.info("words are encoded by torch: %s not installed", " and ".join(missing))
        return None
    from model.text_runtime.onnx_graph import Precision

    reference, gallery = probe_vectors(tower, encode, prompts, folder)
    asked, _ = probe_sentences()
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
