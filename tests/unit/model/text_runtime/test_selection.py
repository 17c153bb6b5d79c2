"""The choice of a text tower: the fastest that ranks alike, and torch whenever in doubt."""

import importlib.util
import logging
from collections.abc import Sequence

import numpy as np
import onnxruntime
import open_clip
import pytest
import torch
from numpy.typing import NDArray

from model.text_encoder import TextEncoder
from model.text_runtime import onnx_tower, recall_gate
from model.text_runtime.onnx_graph import Precision
from model.text_runtime.text_tower import TextTower

WORDS = ["a cat on a sofa", "two men cooking"]


@pytest.fixture
def encoder() -> TextEncoder:
    text = {"context_length": 32, "width": 64, "heads": 2, "layers": 2}
    vision = {"image_size": 16, "patch_size": 8, "width": 32, "layers": 1, "head_width": 16}
    return TextEncoder(open_clip.CLIP(64, vision, text).eval(), open_clip.SimpleTokenizer())


class Crude(onnx_tower.OnnxTower):
    """Adds noise in int8, the more the faster."""

    def __init__(self, tower: TextTower, precision: Precision) -> None:
        super().__init__(tower, precision)
        self._noise = {Precision.INT8: 1.0, Precision.INT8_BLOCKS: 0.5, Precision.FLOAT32: 0.0}[precision]

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        vectors = super().__call__(ids)
        return vectors + self._noise * vectors.std() * torch.randn_like(vectors)


def same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(((one * other).sum(1) > 0.99999).all())


def test_int8_serves_where_it_ranks_alike_and_the_log_says_how_well(
    encoder: TextEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "model.text_runtime")
    before = encoder.encode(WORDS)
    encoder.prepare()
    after = encoder.encode(WORDS)
    assert not np.array_equal(before, after)
    assert ((before * after).sum(1) > 0.99).all()
    assert "int8, serves: recall@10 " in caplog.text
    np.testing.assert_array_equal(encoder.encode_readable(WORDS[0])[0], after[0])


def test_what_ranks_otherwise_is_refused_for_the_next_that_does_not(
    encoder: TextEncoder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "model.text_runtime")
    monkeypatch.setattr(onnx_tower, "OnnxTower", Crude)
    before = encoder.encode(WORDS)
    encoder.prepare()
    assert same(before, encoder.encode(WORDS))
    verdicts = [message.split(":")[0].rsplit(", ", 2)[1:] for message in caplog.messages]
    assert verdicts == [["int8", "is refused"], ["int8 in blocks", "is refused"], ["float32", "serves"]]


def test_where_none_passes_torch_goes_on(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall_gate, "MIN_COSINE", 1.1)
    before = encoder.encode(WORDS)
    encoder.prepare()
    np.testing.assert_array_equal(before, encoder.encode(WORDS))


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_packages_torch_goes_on_and_says_so_once(
    encoder: TextEncoder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    caplog.set_level(logging.INFO, "model.text_runtime")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    before = encoder.encode(WORDS)
    encoder.prepare()
    np.testing.assert_array_equal(before, encoder.encode(WORDS))
    assert caplog.messages == [f"words are encoded by torch: {missing} not installed"]


def test_a_runtime_that_cannot_load_the_graph_leaves_torch_to_serve(
    encoder: TextEncoder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator")

    caplog.set_level(logging.INFO, "model.text_runtime")
    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    before = encoder.encode(WORDS)
    encoder.prepare()
    np.testing.assert_array_equal(before, encoder.encode(WORDS))
    assert caplog.messages[0] == "the text tower cannot be run in ONNX Runtime as int8"


def test_a_crash_while_trying_changes_nothing(
    encoder: TextEncoder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("model.text_runtime.selection.compare", crash)
    before = encoder.encode(WORDS)
    encoder.prepare()
    np.testing.assert_array_equal(before, encoder.encode(WORDS))
    assert "no faster way could be tried" in caplog.text


def test_prompts_are_averaged_alike_in_every_runtime(encoder: TextEncoder) -> None:
    several = encoder.with_prompts(["{}", "a video of {}", "{} in a film"])
    before = several.encode(WORDS)
    several.prepare()
    assert ((before * several.encode(WORDS)).sum(1) > 0.99).all()


def test_a_tower_of_unknown_structure_is_not_tried() -> None:
    class Odd(torch.nn.Module):
        context_length = 8

        def encode_text(self, ids: torch.Tensor) -> torch.Tensor:
            return ids.float() + 1

    def spell(texts: Sequence[str], context_length: int | None = None) -> torch.Tensor:
        rows = [[ord(letter) for letter in text] for text in texts]
        return torch.tensor([row + [0] * ((context_length or 8) - len(row)) for row in rows])

    encoder = TextEncoder(Odd(), spell)
    before = encoder.encode(["a cat"])
    encoder.prepare()
    np.testing.assert_array_equal(before, encoder.encode(["a cat"]))
