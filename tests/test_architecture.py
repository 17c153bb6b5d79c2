"""The shape of the house: what may lie where, how long a file may be, who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("app", "indexer", "migrations", "model")
FOLDERS = {*PACKAGES, "docker", "docs", "tests"}
MAX_LINES = 300
SHAPELESS_NAMES = {"common", "helpers", "misc", "util", "utils"}


def tracked_files() -> list[Path]:
    """Return what git tracks, relative to the root; outside a clone the test is skipped."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git clone, so there is no list of the project's files")
    names = [Path(name) for name in listing.stdout.split("\0") if name]
    return [name for name in names if (ROOT / name).exists()]


def modules() -> list[Path]:
    """Return every Python file of the packages and the tests, relative to the root."""
    return [
        file for file in tracked_files() if file.suffix == ".py" and file.parts[0] in {*PACKAGES, "tests"}
    ]


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {str(file): len((ROOT / file).read_text().splitlines()) for file in modules()}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines >= MAX_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(file) for file in modules() if ast.get_docstring(ast.parse((ROOT / file).read_text())) is None
    ]
    assert silent == []


def test_no_module_is_named_after_nothing_in_particular() -> None:
    assert [str(file) for file in modules() if file.stem in SHAPELESS_NAMES] == []


def test_the_top_level_holds_only_the_known_folders_and_no_module() -> None:
    folders = {file.parts[0] for file in tracked_files() if len(file.parts) > 1}
    assert {name for name in folders if not name.startswith(".")} <= FOLDERS
    assert [str(file) for file in tracked_files() if len(file.parts) == 1 and file.suffix == ".py"] == []


def test_every_folder_of_a_package_is_a_package_and_no_folder_of_the_tests_is() -> None:
    """Without ``__init__.py`` a folder is left out of the distribution; with it, like-named tests collide."""
    folders = {file.parent for file in modules()}
    bare = {folder for folder in folders if not (ROOT / folder / "__init__.py").exists()}
    scripts = Path("migrations/versions")  # package data: Alembic reads them as files
    assert {folder for folder in bare if folder.parts[0] in PACKAGES} - {scripts} == set()
    assert {folder for folder in folders - bare if folder.parts[0] == "tests"} == set()


def test_imports_only_go_down() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    if not tool.exists():
        pytest.skip("lint-imports is not installed: make test brings it")
    answer = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
