"""A file is there whole or not at all."""

from pathlib import Path

import pytest

from model.durable_file import temporary_file, whole_file, write_durably


def test_a_written_file_replaces_the_old_one_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_durably(path, b"old")
    write_durably(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_until_it_is_published_the_old_file_stays_and_an_error_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(RuntimeError, match="power cut"), temporary_file(tmp_path) as temporary:
        temporary.stream.write(b"new")
        temporary.stream.flush()
        assert path.read_bytes() == b"old"
        raise RuntimeError("power cut")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_written_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    replace = Path.replace

    def noted_replace(self: Path, target: Path) -> Path:
        steps.append("named")
        return replace(self, target)

    monkeypatch.setattr("model.durable_file.os.fsync", lambda _: steps.append("synced"))
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_durably(tmp_path / "file", b"new")
    with whole_file(tmp_path / "other") as unfinished:
        unfinished.write_bytes(b"new")

    assert steps == 2 * ["synced", "named", "synced"]  # content, name, then the folder that holds the name


def test_what_writes_to_a_path_of_its_own_is_seen_when_it_is_done_and_takes_over_from_the_dead(
    tmp_path: Path,
) -> None:
    path = tmp_path / "deep" / "file"
    with whole_file(path) as unfinished:
        unfinished.write_bytes(b"old")
    unfinished.write_bytes(b"left by a process that was killed")

    with pytest.raises(RuntimeError, match="power cut"), whole_file(path) as unfinished:
        unfinished.write_bytes(b"half")
        raise RuntimeError("power cut")
    assert (path.read_bytes(), list(path.parent.iterdir())) == (b"old", [path])

    with whole_file(path) as unfinished:
        unfinished.write_bytes(b"new")
    assert (path.read_bytes(), list(path.parent.iterdir())) == (b"new", [path])
