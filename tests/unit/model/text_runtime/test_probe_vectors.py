"""The vectors that a trial compares with, kept for the next start."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.text_runtime.probe_vectors import RunTower, probe_vectors
from model.text_runtime.text_tower import TextTower, take_apart
from tests.text_towers import ids_of_lengths, random_tower

PROMPTS = ("{}",)


class CountingEncode:
    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, texts: Sequence[str], run: RunTower) -> NDArray[np.float32]:
        self.runs += 1
        return np.full((len(texts), 4), self.runs, dtype=np.float32)


@pytest.fixture
def tower() -> TextTower:
    model = random_tower("ViT-B-32")
    tower = take_apart(model, ids_of_lengths(model, [4]))
    assert tower is not None
    return tower


def test_vectors_are_found_again_without_encoding(tower: TextTower, tmp_path: Path) -> None:
    encode = CountingEncode()
    first = probe_vectors(tower, encode, PROMPTS, tmp_path / "new")
    again = probe_vectors(tower, encode, PROMPTS, tmp_path / "new")
    assert encode.runs == 2
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_other_weights_and_other_prompts_have_vectors_of_their_own(tower: TextTower, tmp_path: Path) -> None:
    encode = CountingEncode()
    probe_vectors(tower, encode, PROMPTS, tmp_path)
    probe_vectors(tower, encode, ("a video of {}",), tmp_path)
    with torch.no_grad():
        tower.holder.transformer.resblocks[1].mlp.c_fc.bias[0] += 1e-3
    probe_vectors(tower, encode, PROMPTS, tmp_path)
    assert encode.runs == 6


@pytest.mark.parametrize("kept", [0, 10, 1000, 5000])
def test_a_damaged_file_is_written_anew(tower: TextTower, tmp_path: Path, kept: int) -> None:
    encode = CountingEncode()
    probe_vectors(tower, encode, PROMPTS, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:kept])
    vectors, _ = probe_vectors(tower, encode, PROMPTS, tmp_path)
    assert (encode.runs, vectors[0, 0]) == (4, 3)
    probe_vectors(tower, encode, PROMPTS, tmp_path)
    assert encode.runs == 4


def test_a_flipped_byte_is_noticed(tower: TextTower, tmp_path: Path) -> None:
    encode = CountingEncode()
    probe_vectors(tower, encode, PROMPTS, tmp_path)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    probe_vectors(tower, encode, PROMPTS, tmp_path)
    assert encode.runs == 4


def test_a_folder_that_cannot_be_written_costs_no_more_than_time(tower: TextTower, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    vectors, _ = probe_vectors(tower, CountingEncode(), PROMPTS, tmp_path / "file")
    assert len(vectors) == 240
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
