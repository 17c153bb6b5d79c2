"""The bundled model's text tower, cut and in int8."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import open_clip
import torch
from torch.nn.functional import normalize

from model.checkpoint import ModelSource
from model.config import resolve_preset
from model.text_encoder import TextEncoder

WORDS = ["snow", "a man cooking pasta", "two women talk in a dark car at night while it rains outside"]


def source() -> ModelSource:
    return resolve_preset("tiny").source


def test_the_bundled_model_says_the_same_cut_at_the_end_of_the_words() -> None:
    model, tokenizer = source().build(), open_clip.SimpleTokenizer()
    seen: list[int] = []
    encoder = TextEncoder(model, tokenizer)
    with torch.inference_mode():
        own = normalize(model.encode_text(tokenizer(WORDS, context_length=32)), dim=-1).numpy()
    model.text.transformer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    for words, vector in zip(WORDS, own, strict=True):
        np.testing.assert_allclose(encoder.encode([words])[0], vector, atol=1e-5)
    assert seen == [3, 6, 15]


def test_the_bundled_model_is_served_in_int8() -> None:
    encoder = TextEncoder(source().build(), source().tokenizer())
    before = encoder.encode(WORDS)
    encoder.prepare()
    cosines = (before * encoder.encode(WORDS)).sum(1)
    assert (cosines > 0.999).all()
    assert (cosines < 1 - 1e-6).all()


ENDS_EARLY = """
import sys, pathlib, time
from app.query_encoder import QueryEncoder
from model.factory import load_encoders
queries = QueryEncoder(load_encoders("tiny", device="cpu").text)
queries.prepare(pathlib.Path(sys.argv[1]))
queries.encode("a cat")
time.sleep(0.2)
"""


def test_a_service_that_ends_while_a_faster_way_is_tried_ends_well(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENDS_EARLY, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
