"""``python -m model.evaluation.evaluate`` from its options to its files, without a decoder."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from model.evaluation.evaluate import ALL_EVALUATED, SOME_REFUSED, WRONG_USAGE, main
from tests.dataset_folder import put_archive
from tests.tiny_checkpoint import write_tiny_checkpoint

Evaluate: TypeAlias = Callable[..., Result]

COLOURS = {"sky": "deepskyblue", "lawn": "forestgreen", "rose": "crimson"}


def run(*arguments: str | Path) -> Result:
    command = typer.Typer()
    command.command()(main)
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "WEBP")
    return buffer.getvalue()


def write_archive(path: Path, broken: str | None = None) -> Path:
    members = {}
    for name, colour in COLOURS.items():
        members[f"{name}.webp"] = b"broken" if name == broken else picture(colour)
        captions = {"captions": [f"a {colour} {name}", f"{name}, all {colour}"]}
        members[f"{name}.json"] = json.dumps(captions).encode()
    return put_archive(path, members)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "test.tar")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an encoder with random weights, which takes no time to load."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def evaluate(checkpoint: Path) -> Evaluate:
    """Return the command for photographs, its options in doubt decided by those given later."""

    def evaluate(data: Path, *options: str | Path) -> Result:
        given = ("--dataset", "photographs", "--data", data, "--device", "cpu", "--preset", checkpoint)
        return run(*given, *options)

    return evaluate


def test_photographs_are_evaluated_and_written_down(
    evaluate: Evaluate, archive: Path, tmp_path: Path
) -> None:
    result = evaluate(archive, "--ties", "all", "--output", tmp_path / "found", "--preset", "tiny")
    assert result.exit_code == ALL_EVALUATED, result.output
    assert "3 items with 6 captions, encoded by tiny (single pictures)" in result.output
    assert "R@1 |" in result.output
    assert sorted(path.name for path in (tmp_path / "found").iterdir()) == [
        "evaluation.json",
        "evaluation.png",
    ]
    assert (tmp_path / "found" / "evaluation.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "found" / "evaluation.json").read_text())
    assert (found["schema"], found["dataset"], found["split"]) == (1, "photographs", "test.tar")
    assert (found["model"]["preset"], found["model"]["reduction"], found["model"]["dtype"]) == (
        "tiny",
        "none",
        "float32",
    )
    assert len(found["model"]["fingerprint"]) == 64
    assert (found["counts"]["evaluated"], found["counts"]["photographs"], found["counts"]["captions"]) == (
        3,
        3,
        6,
    )
    assert list(found["figures"]["text_to_video"]) == ["expected", "optimistic", "pessimistic", "legacy"]
    recall_at_1 = found["figures"]["text_to_video"]["expected"]["recall_at_1"]
    assert recall_at_1 == pytest.approx(found["recall_curves"]["text_to_video"][0])
    assert (found["refusals"], found["corrected"]) == ([], {})
    assert len(found["recall_curves"]["text_to_video"]) == 100
    assert found["seconds"]["total"] > 0
    assert found["versions"]["torch"]


def test_corrections_stand_in_sections_of_their_own(
    evaluate: Evaluate, archive: Path, tmp_path: Path
) -> None:
    plain = evaluate(archive, "--output", tmp_path / "plain")
    result = evaluate(archive, "--output", tmp_path / "found", "--normalisation", "all")
    assert result.exit_code == ALL_EVALUATED, result.output
    for words in (
        "dual softmax: softmax over all test queries",
        "querybank: the training split cannot be read",
    ):
        assert words not in plain.output
        assert words in result.output
    without, found = (
        json.loads((tmp_path / name / "evaluation.json").read_text()) for name in ("plain", "found")
    )
    assert found["figures"] == without["figures"]
    assert found["corrected"]["dual softmax"]["figures"]["video_to_text"]["expected"]["queries"] == 3
    assert found["corrected"]["querybank"]["figures"] is None
    assert "train.tar" in found["corrected"]["querybank"]["absence"]


def test_a_bank_beside_the_archive_is_used(evaluate: Evaluate, archive: Path, tmp_path: Path) -> None:
    sun = {"sun.webp": picture("gold"), "sun.json": b'{"captions": ["a golden sun", "the sun"]}'}
    put_archive(tmp_path / "train.tar", sun)
    result = evaluate(archive, "--output", tmp_path / "found", "--normalisation", "qb-norm")
    assert "querybank: bank of 2 of 2 training captions" in result.output, result.output
    corrected = json.loads((tmp_path / "found" / "evaluation.json").read_text())["corrected"]
    assert list(corrected) == ["querybank"]
    assert corrected["querybank"]["figures"]["text_to_video"]["expected"]["queries"] == 6
    assert corrected["querybank"]["figures"]["video_to_text"] == {}


def test_what_is_refused_is_named_counted_and_told_by_the_exit_code(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    result = evaluate(write_archive(tmp_path / "test.tar", broken="lawn"), "--output", tmp_path / "found")
    assert result.exit_code == SOME_REFUSED, result.output
    assert "lawn: unreadable-photograph:" in result.stderr
    assert "1 of 3 annotated items were refused" in result.stdout
    found = json.loads((tmp_path / "found" / "evaluation.json").read_text())
    assert (found["counts"]["annotated"], found["counts"]["evaluated"], found["counts"]["refused"]) == (
        3,
        2,
        1,
    )
    assert [refusal["name"] for refusal in found["refusals"]] == ["lawn"]


def test_a_repeated_row_is_named_though_its_item_is_evaluated(evaluate: Evaluate, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 30), colour).save(folder / f"{name}.png")
    rows = ["file,caption", *(f"{name}.png,{colour}" for name, colour in COLOURS.items())]
    (folder / "captions.csv").write_text("\n".join([*rows, rows[1]]) + "\n")
    result = evaluate(folder, "--dataset", "folder", "--output", tmp_path / "found")
    assert result.exit_code == SOME_REFUSED, result.output
    assert "sky.png: duplicate-row:" in result.stderr
    assert "annotated items were refused" not in result.stdout
    counts = json.loads((tmp_path / "found" / "evaluation.json").read_text())["counts"]
    assert (counts["annotated"], counts["evaluated"], counts["refused"]) == (3, 3, 0)


def test_a_narrow_terminal_cuts_no_figure_off(
    evaluate: Evaluate, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    result = evaluate(archive, "--output", tmp_path / "found")
    assert "| text→video | expected |" in result.stdout
    assert "…" not in result.stdout


def test_a_limit_leaves_out_and_says_so(evaluate: Evaluate, archive: Path, tmp_path: Path) -> None:
    result = evaluate(archive, "--output", tmp_path / "found", "--limit", "2")
    assert result.exit_code == ALL_EVALUATED, result.output
    assert "1 items are left out by --limit" in result.stdout
    found = json.loads((tmp_path / "found" / "evaluation.json").read_text())
    assert (found["counts"]["left_out"], found["counts"]["evaluated"]) == (1, 2)


def test_an_evaluation_of_nothing_names_what_was_refused_and_writes_nothing(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    archive = write_archive(tmp_path / "test.tar", broken="sky")
    result = evaluate(archive, "--output", tmp_path / "found", "--limit", "1")
    assert result.exit_code == SOME_REFUSED, result.output
    assert "sky: unreadable-photograph:" in result.stderr
    assert "not one item can be used" in result.stderr
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "kinetics"], "there is no dataset 'kinetics': choose one of msr-vtt-9k"),
        (["--dataset", "msvd", "--data", "nowhere"], "nowhere"),
        (["--data", "nowhere"], "nowhere"),
        (["--preset", "gpt"], "there is no model 'gpt'"),
        (["--reducer", "centerclip"], "leave --reducer out"),
        (["--reducer", "shrink"], "leave --reducer out"),
        (["--device", "abacus"], "'abacus'"),
        (["--split", "holdout"], "holdout"),
        (["--ties", "random"], "random"),
        (["--normalisation", "softmax"], "softmax"),
        (["--limit", "0"], "x>=1"),
        (["--batch", "0"], "x>=1"),
        (["--photographs", "test.tar"], "--photographs"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(
    evaluate: Evaluate, archive: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = evaluate(archive, "--output", tmp_path / "found", *options)
    assert result.exit_code == WRONG_USAGE, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "found").exists()


def test_a_folder_with_other_things_is_not_written_over(
    evaluate: Evaluate, archive: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "notes"
    kept.mkdir()
    (kept / "thesis.txt").write_text("years of work")
    result = evaluate(archive, "--output", kept)
    assert result.exit_code == WRONG_USAGE
    assert "thesis.txt" in result.stderr
    assert result.stdout == ""  # it is told before the work
    assert [path.name for path in kept.iterdir()] == ["thesis.txt"]


def test_an_archive_that_is_none_is_wrong_usage(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "test.tar").write_bytes(b"not an archive")
    result = evaluate(tmp_path / "test.tar", "--output", tmp_path / "found")
    assert result.exit_code == WRONG_USAGE, result.output
    assert "test.tar" in result.stderr
