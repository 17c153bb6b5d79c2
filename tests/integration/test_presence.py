"""Whether scores tell what a library holds, measured on what is known and on a small folder of videos."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from model.calibration.phrases import NOUNS
from model.datasets.base import CaptionedItem, VideoFile
from model.evaluation.presence import __main__ as command
from model.evaluation.presence.figures import summarise_presence
from model.evaluation.presence.measuring import RAW_ORDER, measure_orders, measure_presence
from model.evaluation.presence.searches import CAPTIONS, NOUN, Searches, noun_searches
from model.evaluation.presence.statistics import REACH, STATISTICS, auroc
from tests.factories import make_unit_vectors
from tests.fakes import FakeTextEncoder
from tests.synthetic_video import write_two_scenes

ITEMS = 40
VECTORS = make_unit_vectors(1, ITEMS, 64)
BANK = make_unit_vectors(2, 100, 64)
OWN = np.eye(ITEMS, dtype=bool)


def test_searches_that_hit_their_item_exactly_are_told_apart_from_those_without_it() -> None:
    for size in (10, ITEMS):
        figures = summarise_presence(
            [measure_presence(VECTORS, Searches(CAPTIONS, VECTORS, OWN), BANK, size)]
        )
        assert (figures.style, figures.clips, figures.right) == (CAPTIONS, size, 100)
        assert figures.auroc[REACH] == 100
        assert figures.nothing_if_there == 0
        assert sum(level.share for level in figures.levels) == pytest.approx(100)


def test_searches_for_anything_at_all_tell_nothing_apart() -> None:
    searches = Searches(CAPTIONS, make_unit_vectors(3, ITEMS, 64), OWN)
    measured = measure_presence(VECTORS, searches, BANK, 20)
    figures = summarise_presence([measured, measure_presence(VECTORS, searches, BANK, ITEMS)])
    assert (figures.clips, figures.searches) == (None, len(measured.is_right) + ITEMS)
    assert all(40 < figures.auroc[name] < 65 for name in STATISTICS)
    assert figures.right < 20


def test_the_area_under_the_curve_is_how_often_the_one_lies_above_the_other() -> None:
    assert auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 100
    assert auroc(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 50
    assert auroc(np.array([0.0, 2.0]), np.array([1.0])) == 50


def test_every_correction_of_hubs_leaves_exact_searches_right() -> None:
    searches = Searches(CAPTIONS, VECTORS, OWN)
    orders = measure_orders(VECTORS, searches, BANK, 20)
    assert RAW_ORDER in orders
    assert {metrics.recall_at_1 for metrics in orders.values()} == {100}
    with pytest.raises(ValueError, match="only captions have one right item"):
        measure_orders(VECTORS, Searches(NOUN, VECTORS, OWN), BANK, 20)


def test_nouns_find_all_that_mention_them_unless_nearly_everything_does() -> None:
    captions = ["A dog and an owl.", "two dogs", *(["a man"] * 18)]
    items = [CaptionedItem(str(place), (one,), VideoFile(Path("x"))) for place, one in enumerate(captions)]
    searches = noun_searches(items, FakeTextEncoder())
    encoder = FakeTextEncoder()
    kept = [noun for noun in NOUNS if noun in {"dog", "owl"}]
    expected = encoder.encode([f"{'an' if noun == 'owl' else 'a'} {noun}" for noun in kept])
    np.testing.assert_array_equal(searches.vectors, expected)
    found = {noun: np.flatnonzero(row).tolist() for noun, row in zip(kept, searches.is_right, strict=True)}
    assert found == {"dog": [0, 1], "owl": [0]}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    rows = ["file,caption"]
    for place, what in enumerate(("dog", "cat", "owl", "boat", "lake", "train", "piano")):
        write_two_scenes(folder / f"{place}.mp4", 0.2 + 0.2 * place, 1.8 - 0.2 * place)
        rows.append(f"{place}.mp4,a {what} in the rain")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


def run(dataset: Path, *arguments: str) -> Result:
    options = ["--dataset", "folder", "--data", str(dataset), "--split", "test", "--device", "cpu"]
    program = typer.Typer()
    program.command()(command.main)
    return CliRunner().invoke(program, [*options, *arguments])


def test_the_command_measures_a_folder_and_names_what_it_could_not_read(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "search_phrases", lambda: NOUNS[:30])  # 1,493 take seconds
    answer = run(dataset, "--size", "5", "--size", "99", "--json")
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    shown = [(one["style"], one["clips"]) for one in report["presence"]]
    assert shown == [(CAPTIONS, 5), (CAPTIONS, 7), (NOUN, 5), (NOUN, 7), ("all", None)]
    assert all(set(one["auroc"]) == set(STATISTICS) for one in report["presence"])
    assert {(one["clips"], one["order"]) for one in report["orders"]} >= {(5, RAW_ORDER), (7, RAW_ORDER)}

    (dataset / "3.mp4").write_bytes(b"torn")
    answer = run(dataset, "--size", "5")
    assert answer.exit_code == 1
    assert "3.mp4" in answer.output
    assert "QB-Norm" in answer.output


def test_a_folder_with_fewer_items_than_a_library_needs_is_no_basis(dataset: Path) -> None:
    assert run(dataset, "--size", "8").exit_code == 1
    assert run(dataset, "--preset", "no such model").exit_code == 2
