"""The commands of docs/reproduce.md are taken by the programs, with datasets, recipes and arms there are."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import model.evaluation.evaluate
import model.training.compare
import model.training.train
from model.config import resolve_source
from model.datasets.registry import DATASETS
from model.token_reduction.base import TowerShape
from model.token_reduction.naming import parse_reduction
from model.training.recipes import recipe_for

PAGE = (Path(__file__).parent.parent / "docs" / "reproduce.md").read_text()

PROGRAMS: dict[str, Callable[..., object]] = {
    "model.training.compare": model.training.compare.main,
    "model.training.train": model.training.train.main,
    "model.evaluation.evaluate": model.evaluation.evaluate.main,
}

PAPER_TOWERS = {"paper-b32": TowerShape(12, 49, 1), "paper-b16": TowerShape(12, 196, 1)}


def commands() -> list[list[str]]:
    """Return the words of every command of the page's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line) for line in lines]


def parse(words: list[str]) -> dict[str, Any]:
    """Return what the program makes of the command; raises a usage error where it takes none."""
    python, option, program, *arguments = words
    assert (python, option) == (".venv/bin/python", "-m")
    application = typer.Typer()
    application.command()(PROGRAMS[program])
    return typer.main.get_command(application).make_context(program, arguments).params


def test_the_page_has_commands_for_every_video_dataset() -> None:
    named = {parse(words).get("dataset") for words in commands()}
    assert named >= DATASETS.keys() - {"photographs", "folder", "pans"}


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words[2:]))
def test_the_command_is_taken_as_it_stands(words: list[str]) -> None:
    asked = parse(words)
    assert asked["dataset"] in {*DATASETS, "pans"}
    if not asked["preset"].startswith("runs/"):  # what another command has written
        resolve_source(asked["preset"])
    if "recipe" in asked:
        recipe = recipe_for(asked["recipe"], asked["dataset"])
        for arm in [*(asked.get("arm") or []), *filter(None, [asked.get("reducer")])]:
            assert parse_reduction(arm, PAPER_TOWERS[asked["preset"]], recipe.frames).name == arm


def test_a_command_with_an_option_that_is_gone_would_be_noticed() -> None:
    with pytest.raises(Exception, match="--arms"):
        parse([*commands()[0], "--arms", "none"])


def test_the_arms_of_the_tables_are_those_of_the_commands() -> None:
    asked = {arm for words in commands() for arm in parse(words).get("arm") or []}
    tabled = set(re.findall(r"^\| B/\d+[^`|]*`([^`]+)` \|", PAGE, flags=re.MULTILINE)) - {"none"}
    only_in_tables = {"centerclip:B6-15,160"}  # of 32 GPUs; the page says what becomes of its baseline
    assert tabled - asked == only_in_tables
