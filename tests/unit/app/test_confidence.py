"""How sure an answer is: what is claimed, of what, and what is kept between starts."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.confidence import Calibrator, Confidence, QueryLevel
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from indexer.vector_index.faiss_index import FaissIndex
from indexer.vector_index.view import IndexView
from model.calibration.certainty import FEWEST_CLIPS
from model.calibration.phrases import search_phrases
from model.calibration.reach import Reach, measure_reach
from tests.factories import make_clip_ids, make_unit_vectors
from tests.fakes import DIMENSION, FakeTextEncoder, unit_vector

REACH = Reach(mean=0.3, spread=0.05, clips=100)
TARGET = unit_vector("a dog")


@dataclass(frozen=True)
class Aim:
    vector: NDArray[np.float32] = field(default_factory=TARGET.copy)
    is_words: bool = True


class CountingEncoder(FakeTextEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += len(texts)
        return super().encode(texts)


class HeldEncoder(FakeTextEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.may_encode = threading.Event()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.may_encode.wait(timeout=30)
        return super().encode(texts)


class BrokenEncoder(FakeTextEncoder):
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise ValueError("the weights are damaged")


def library_of(count: int, revision: int = 1, seed: int = 0) -> IndexView:
    table = ClipTable(DIMENSION)
    numbers = np.arange(count)
    starts = 4 * numbers.astype(np.float64)
    columns = ClipColumns(numbers.astype(np.int64) + 1, numbers.astype(np.int32), starts, starts + 4)
    table.add(
        columns,
        [f"video {one}" for one in numbers],
        make_unit_vectors(seed, count, DIMENSION).astype(np.float16),
        make_clip_ids(numbers),
    )
    return IndexView(table, FaissIndex(DIMENSION), revision)


def ready(folder: Path) -> Calibrator:
    calibrator = Calibrator(FakeTextEncoder(), "model", folder)
    calibrator.prepare()
    return calibrator


def test_words_are_measured_against_the_phrases_of_the_bank(tmp_path: Path) -> None:
    view = library_of(60)
    level = ready(tmp_path).calibrate(view, Aim())
    _, vectors = view.sample(60)
    assert level.reach == measure_reach(FakeTextEncoder().encode(search_phrases()), vectors)
    assert level.spread == pytest.approx((vectors @ TARGET).std(), abs=1e-6)
    np.testing.assert_array_equal(level.ranking_vector, TARGET)


def test_a_far_better_score_than_phrases_reach_is_sure_and_a_common_one_is_not() -> None:
    level = QueryLevel(TARGET, 0.1, REACH)
    assert level.confidence(0.3 + 6 * 0.05) is Confidence.HIGH
    assert level.confidence(0.3 + 2.5 * 0.05) is Confidence.MEDIUM
    assert level.confidence(0.3) is Confidence.LOW


def test_nothing_is_found_when_the_best_is_far_below_what_phrases_reach() -> None:
    level = QueryLevel(TARGET, 0.1, REACH)
    assert level.is_nothing(0.3 - 2 * 0.05)
    assert not level.is_nothing(0.3)
    assert level.is_nothing(None)


def test_without_a_yardstick_nothing_is_claimed_but_that_no_hit_is_nothing() -> None:
    level = QueryLevel(TARGET, 0.1)
    assert level.confidence(0.9) is None
    assert not level.is_nothing(-0.9)
    assert level.is_nothing(None)


@pytest.mark.parametrize(
    ("count", "aim"), [(FEWEST_CLIPS - 1, Aim()), (60, Aim(is_words=False))], ids=["few clips", "a picture"]
)
def test_small_libraries_and_pictures_carry_no_confidence(tmp_path: Path, count: int, aim: Aim) -> None:
    assert ready(tmp_path).calibrate(library_of(count), aim).reach is None


@pytest.mark.parametrize("count", [0, 1])
def test_a_library_of_hardly_a_clip_still_has_a_spread_to_divide_by(tmp_path: Path, count: int) -> None:
    assert ready(tmp_path).calibrate(library_of(count), Aim()).spread == 1


def test_the_library_is_measured_anew_when_it_has_changed(tmp_path: Path) -> None:
    calibrator = ready(tmp_path)
    before = calibrator.calibrate(library_of(60), Aim())
    after = calibrator.calibrate(library_of(80, revision=2), Aim())
    assert before.reach and after.reach
    assert (before.reach.clips, after.reach.clips) == (60, 80)


def test_the_phrases_are_encoded_aside_and_claims_begin_when_they_are(tmp_path: Path) -> None:
    encoder = HeldEncoder()
    calibrator = Calibrator(encoder, "model", tmp_path)
    calibrator.prepare_when_needed()
    assert not phrases_being_encoded()
    assert calibrator.calibrate(library_of(60), Aim()).reach is None
    encoder.may_encode.set()
    for thread in phrases_being_encoded():
        thread.join(timeout=30)
    assert calibrator.calibrate(library_of(60), Aim()).reach is not None


def phrases_being_encoded() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "search-phrases"]


def test_who_searches_once_encodes_no_phrases_and_uses_those_of_a_service(tmp_path: Path) -> None:
    alone = Calibrator(BrokenEncoder(), "model", tmp_path)
    assert alone.calibrate(library_of(60), Aim()).reach is None
    assert not phrases_being_encoded()
    ready(tmp_path)
    assert Calibrator(BrokenEncoder(), "model", tmp_path).calibrate(library_of(60), Aim()).reach is not None


def test_a_service_that_closes_gives_up_encoding_and_keeps_nothing_half_done(tmp_path: Path) -> None:
    class ClosingEncoder(CountingEncoder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            closing.start()  # once: a thread cannot be started twice
            while not calibrator._encoding.is_stopped():
                time.sleep(0.001)
            return super().encode(texts)

    encoder = ClosingEncoder()
    calibrator = Calibrator(encoder, "model", tmp_path)
    closing = threading.Thread(target=calibrator.close)
    calibrator.prepare_when_needed()
    calibrator.calibrate(library_of(60), Aim())
    for thread in phrases_being_encoded():
        thread.join(timeout=30)
    closing.join(timeout=30)
    assert 0 < encoder.encoded < len(search_phrases())
    assert not list(tmp_path.iterdir())


def test_the_phrases_are_encoded_once_for_a_model(tmp_path: Path) -> None:
    ready(tmp_path)
    again, other = CountingEncoder(), CountingEncoder()
    Calibrator(again, "model", tmp_path).prepare()
    Calibrator(other, "another model", tmp_path).prepare()
    assert (again.encoded, other.encoded) == (0, len(search_phrases()))


def test_vectors_that_were_damaged_on_disk_are_made_anew(tmp_path: Path) -> None:
    ready(tmp_path)
    (kept,) = tmp_path.iterdir()
    content = kept.read_bytes()
    kept.write_bytes(content[: len(content) // 2])
    encoder = CountingEncoder()
    Calibrator(encoder, "model", tmp_path).prepare()
    assert encoder.encoded == len(search_phrases())
    assert kept.read_bytes() == content


def test_an_encoder_that_fails_leaves_searches_without_claims(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calibrator = Calibrator(BrokenEncoder(), "model", tmp_path)
    calibrator.prepare_when_needed()
    calibrator.calibrate(library_of(60), Aim())
    for thread in phrases_being_encoded():
        thread.join(timeout=30)
    assert calibrator.calibrate(library_of(60), Aim()).reach is None
    assert "the search phrases were not encoded" in caplog.text
