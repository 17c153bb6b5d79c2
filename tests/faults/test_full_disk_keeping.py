"""A disk that becomes full anywhere in a backup or a restore: said, nothing left, the library as it was."""

from pathlib import Path

import pytest

from indexer.backup.restoring import restore
from indexer.backup.saving import BackupFailed, back_up
from indexer.config import Settings
from indexer.library import Library, open_library
from tests.faults.small_disk import filled, small_disk
from tests.stocked_library import files_of, rows_of, stock

KIB = 1024
BIG = bytes(range(256)) * 1024  # 256 KiB


def opened(home: Path, *contents: bytes) -> Library:
    library = open_library(Settings(home=home))
    if contents:
        stock(library, *contents)
    return library


@pytest.mark.parametrize("free_kib", [0, 64, 300, 700])
def test_a_backup_onto_a_full_disk_is_refused_with_the_way_out_and_leaves_nothing(
    tmp_path: Path, free_kib: int
) -> None:
    library = opened(tmp_path / "home", BIG, BIG[1:])
    with small_disk(tmp_path / "disk", 2):
        with filled(tmp_path / "disk", free_kib * KIB):
            with pytest.raises(BackupFailed, match=r"nothing was left there: .* Name a file in a folder"):
                back_up(library, tmp_path / "disk" / "library.tar", "0")
            assert [path.name for path in (tmp_path / "disk").iterdir()] == ["filler"]
        back_up(library, tmp_path / "disk" / "library.tar", "0")
    library.close()


def test_a_restore_onto_a_full_disk_is_refused_and_the_library_stays_as_it_was(tmp_path: Path) -> None:
    source = opened(tmp_path / "source", BIG, BIG[1:])
    back_up(source, tmp_path / "library.tar", "0")
    expected = rows_of(source), files_of(source)
    source.close()
    with small_disk(tmp_path / "home", 4):
        library = opened(tmp_path / "home", b"old")
        before = rows_of(library), files_of(library)
        refused = 0
        for free_kib in range(0, 4096, 60):
            with filled(tmp_path / "home", free_kib * KIB):
                if restores(library, tmp_path / "library.tar"):
                    break
                assert (rows_of(library), files_of(library)) == before
                assert not list((tmp_path / "home").rglob(".restoring-*"))
                refused += 1
        assert (rows_of(library), files_of(library)) == expected
        assert refused > 10
        library.close()


def restores(library: Library, archive: Path) -> bool:
    try:
        restore(library, archive, is_replacing=True)
    except ValueError as error:
        assert "could not be restored" in str(error)
        assert "room" in str(error)
        return False
    return True
