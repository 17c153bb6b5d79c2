"""reelseek backup, restore, doctor and db, run in this process."""

import json
from pathlib import Path

import pytest
from alembic import command

from app import cli
from indexer.catalog.session import connect_database, open_database
from indexer.config import Settings
from indexer.library import open_library
from tests.postgres import PostgresServer
from tests.stocked_library import Stock, files_of, rows_of, stock


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the library's folder that the command line uses."""
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "home"


@pytest.fixture
def stocked(home: Path) -> Stock:
    library = open_library(Settings(home=home))
    stocked = stock(library, b"one", b"two")
    library.close()
    return stocked


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Return the exit status of the command line."""
    monkeypatch.setattr("sys.argv", ["reelseek", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_a_library_moves_to_another_home(
    stocked: Stock,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "backup", tmp_path / "library.tar") == 0
    assert "library.tar: 2 videos, 2 files, 4 thumbnails" in capsys.readouterr().out
    monkeypatch.setenv("REELSEEK_HOME", str(tmp_path / "other"))

    assert run(monkeypatch, "restore", tmp_path / "library.tar") == 0
    assert capsys.readouterr().out == "Restored 2 videos, 2 files and 4 thumbnails.\n"

    old, new = open_library(Settings(home=home)), open_library(Settings(home=tmp_path / "other"))
    assert (rows_of(new), files_of(new)) == (rows_of(old), files_of(old))
    old.close()
    new.close()
    assert run(monkeypatch, "restore", tmp_path / "library.tar") == 1
    assert "is not empty" in capsys.readouterr().err
    assert run(monkeypatch, "restore", tmp_path / "library.tar", "--replace", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"]["videos"] == 2


def test_what_a_backup_could_not_hold_is_told_and_ends_with_3(
    stocked: Stock,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (home / "media" / stocked.videos[0].media_path).unlink()
    assert run(monkeypatch, "backup", tmp_path / "library.tar") == 3
    assert "the file of film ☃.mp4 is missing in the library" in capsys.readouterr().out
    assert run(monkeypatch, "restore", tmp_path / "library.tar", "--replace") == 3
    assert "is not in the backup: upload it again" in capsys.readouterr().out


def test_a_file_that_is_no_backup_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.tar").write_bytes(b"text")
    assert run(monkeypatch, "restore", tmp_path / "x.tar") == 1
    assert run(monkeypatch, "restore", tmp_path / "missing.tar") == 1
    assert run(monkeypatch, "backup", tmp_path / "x.tar" / "y.tar") == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert all(
        word in line for word, line in zip(("no whole", "no backup at", "be written"), told, strict=True)
    )


def test_the_doctor_tells_then_mends_then_is_content(
    stocked: Stock, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "doctor", "--deep") == 0
    assert capsys.readouterr().out == "All is well.\n"
    orphan = home / "media" / "ab" / f"ab{'0' * 62}.mp4"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"[red]nobody's[/red]")

    assert run(monkeypatch, "doctor") == 3
    shown = capsys.readouterr().out
    assert (
        f"media-orphaned  {orphan}\n  no video of the library is in this file\n  to do: move it to" in shown
    )
    assert run(monkeypatch, "doctor", "--json", "--repair") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["is_healthy"], answer["counts"]) == (True, {"media-orphaned": 1})
    assert answer["findings"][0]["done"].startswith("moved it to")
    assert run(monkeypatch, "doctor") == 0


def test_an_older_postgres_is_upgraded_on_demand_only(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with postgres_server.copy_of(postgres_server.template) as url:
        database = open_database(url)
        with database.schema.migrating() as config:
            command.downgrade(config, "-1")
        database.close()
        monkeypatch.setenv("REELSEEK_DATABASE_URL", url)

        assert run(monkeypatch, "doctor") == 1
        assert "stop every ReelSeek that uses it, then run `reelseek db upgrade`" in capsys.readouterr().err
        assert run(monkeypatch, "db", "status") == 3
        assert "to do: 0004 " in capsys.readouterr().out
        monkeypatch.setattr("os.getpid", lambda: 4711)
        other = connect_database(url)
        monkeypatch.undo()
        monkeypatch.setenv("REELSEEK_DATABASE_URL", url)
        with other.reading() as session:
            session.connection()
            assert run(monkeypatch, "db", "upgrade") == 1
        other.close()
        assert "reelseek 4711" in capsys.readouterr().err

        assert run(monkeypatch, "db", "upgrade") == 0
        assert capsys.readouterr().out.startswith("The schema is at 0004 now; it was 0003.")
        assert run(monkeypatch, "db", "status", "--json") == 0
        assert json.loads(capsys.readouterr().out)["is_current"]


def test_db_status_of_sqlite_names_the_revision(
    stocked: Stock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "db", "status") == 0
    assert "this version needs" in capsys.readouterr().out
    assert run(monkeypatch, "db", "upgrade") == 0
    assert "already" in capsys.readouterr().out


@pytest.mark.parametrize("order", ["status", "upgrade"])
def test_a_library_that_is_not_there_is_named_and_not_made(
    order: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    assert run(monkeypatch, "db", order) == 1
    assert f"there is no database at {home / 'reelseek.db'}: name the library" in capsys.readouterr().err
    assert list(home.iterdir()) == []
