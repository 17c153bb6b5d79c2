"""Backup and restore, killed (SIGKILL) at each of their steps: the library of before, or that of after."""

import shutil
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from indexer.backup.restoring import restore
from indexer.backup.saving import back_up
from indexer.config import Settings
from indexer.doctor.examination import examine
from indexer.library import Library, open_library
from tests.faults.steps import dies_at, make_old
from tests.stocked_library import files_of, rows_of, stock

State = tuple[dict[str, list[object]], dict[str, bytes]]

TWO_DAYS_S = 48 * 3600


def opened(home: Path) -> Library:
    return open_library(Settings(home=home))


def state_of(home: Path) -> State:
    library = opened(home)
    try:
        files = files_of(library)
        return rows_of(library), {name: files[name] for name in files if "lost-and-found" not in name}
    finally:
        library.close()


def fill(home: Path, *contents: bytes) -> State:
    library = opened(home)
    stock(library, *contents)
    library.close()
    return state_of(home)


def save(home: Path, archive: Path) -> None:
    library = opened(home)
    back_up(library, archive, "0")
    library.close()


def bring_back(home: Path, archive: Path) -> None:
    library = opened(home)
    restore(library, archive, is_replacing=True)
    library.close()


def findings(home: Path, *, is_repairing: bool) -> list[str]:
    library = opened(home)
    try:
        results = list(examine(library, is_deep=True, is_repairing=is_repairing))
        return [result.finding.code.value for result in results if not result.is_mended]
    finally:
        library.close()


def judge(home: Path, before: State, after: State) -> bool:
    """Return whether the restore came through; either library is there with all its files, and mends."""
    rows, files = state_of(home)
    expected = next(state for state in (before, after) if state[0] == rows)
    assert expected[1].items() <= files.items()
    make_old(home, TWO_DAYS_S)
    opened(home).close()
    findings(home, is_repairing=True)
    assert findings(home, is_repairing=False) == []
    assert state_of(home)[1] == expected[1]
    assert not list(home.rglob(".restoring-*"))
    return rows == after[0]


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.faults), 29])
def test_a_killed_restore_leaves_the_library_of_before_or_that_of_the_backup(
    tmp_path: Path, every: int
) -> None:
    archive = tmp_path / "library.tar"
    after = fill(tmp_path / "source", b"one", b"both")
    save(tmp_path / "source", archive)
    before = fill(tmp_path / "before", b"both", b"three")
    outcomes = []
    for step in count(1, every):
        home = tmp_path / f"home-{step}"
        shutil.copytree(tmp_path / "before", home)
        was_killed = dies_at(step, partial(bring_back, home, archive))
        outcomes.append(judge(home, before, after))
        bring_back(home, archive)
        assert state_of(home) == after
        if not was_killed:
            break
    assert outcomes == sorted(outcomes)  # once it is the backup's, it is so for good
    assert {outcomes[0], outcomes[-1]} == {False, True}


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.faults), 13])
def test_a_killed_backup_leaves_the_one_of_before_or_a_whole_one(tmp_path: Path, every: int) -> None:
    home, archive = tmp_path / "home", tmp_path / "backups" / "library.tar"
    saved = fill(home, b"one", b"two")
    save(home, archive)
    for step in count(1, every):
        was_killed = dies_at(step, partial(save, home, archive))
        bring_back(tmp_path / "other", archive)
        assert state_of(tmp_path / "other") == saved
        make_old(archive.parent, TWO_DAYS_S)
        save(home, archive)
        assert list(archive.parent.iterdir()) == [archive]
        assert state_of(home) == saved
        if not was_killed:
            break
    assert step > every
