"""Corrections by other queries: what is reported, and where a bank's captions come from."""

from pathlib import Path

import numpy as np
import pytest

from model.datasets.registry import read_dataset
from model.evaluation.query_normalisation import dual_softmax
from model.evaluation.retrieval import reading
from model.evaluation.retrieval.figures import measure
from model.evaluation.retrieval.normalisation import Normalisation, correct_by_bank, correct_by_softmax
from model.evaluation.retrieval.reading import CaptionBank, read_bank


def write_captions(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    lines = ["file,caption,split", *(",".join(row) for row in rows)]
    (folder / "captions.csv").write_text("\n".join(lines) + "\n")
    for name, _, _ in rows:
        (folder / name).write_bytes(b"never decoded here")
    return folder


def bank_of(folder: Path) -> CaptionBank:
    return read_bank("folder", folder, read_dataset("folder", folder, "test").items)


def test_the_bank_is_the_captions_of_the_training_split(tmp_path: Path) -> None:
    rows = [("a.mp4", "a dog", "train"), ("a.mp4", "a hound", "train"), ("b.mp4", "a cat", "test")]
    assert bank_of(write_captions(tmp_path, rows)) == CaptionBank(("a dog", "a hound"), 2)


def test_captions_that_are_evaluated_never_enter_the_bank(tmp_path: Path) -> None:
    (tmp_path / "captions.csv").write_text("file,caption\na.mp4,a dog\nb.mp4,a cat\n")
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"")
    bank = bank_of(tmp_path)  # without splits the test is everything
    assert (bank.captions, bank.available) == ((), 0)
    assert "among those evaluated" in bank.absence


def test_a_dataset_without_a_training_split_says_so(tmp_path: Path) -> None:
    bank = bank_of(write_captions(tmp_path, [("b.mp4", "a cat", "test")]))
    assert not bank.captions
    assert "captions.csv has no row for train" in bank.absence


def test_a_bank_too_large_is_thinned_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BANK_LIMIT", 3)
    rows = [(f"{n}.mp4", f"caption {n}", "train") for n in range(9)]
    bank = bank_of(write_captions(tmp_path, [*rows, ("x.mp4", "a cat", "test")]))
    assert bank == CaptionBank(("caption 0", "caption 3", "caption 6"), 9)


def test_without_a_bank_there_are_no_figures_but_a_reason() -> None:
    bank = CaptionBank((), absence="there is no training split")
    found = correct_by_bank(np.eye(2), np.arange(2), np.empty((0, 2)), bank, ["expected"])
    assert found.to_json() == {"figures": None, "detail": "", "absence": "there is no training split"}


def test_dual_softmax_corrects_each_direction_over_its_own_queries() -> None:
    scores = np.random.default_rng(1).normal(size=(12, 12)).astype(np.float32) / 10
    owners = np.arange(12)
    found = correct_by_softmax(scores, owners, 100, ["expected"]).figures
    assert found is not None
    logits = scores.astype(np.float64) * 100
    backwards = measure(dual_softmax(logits.T), owners, ["expected"])
    assert found.video_to_text == backwards.text_to_video
    assert found.text_to_video == measure(dual_softmax(logits), owners, ["expected"]).text_to_video


@pytest.mark.parametrize("asked", list(Normalisation))
def test_all_asks_for_both_and_none_for_neither(asked: Normalisation) -> None:
    both = [asked.includes(Normalisation.DUAL_SOFTMAX), asked.includes(Normalisation.QUERYBANK)]
    assert both == {"none": [0, 0], "dsl": [1, 0], "qb-norm": [0, 1], "all": [1, 1]}[asked]
