"""Uploads are stored whole, by what they hold, or leave nothing behind."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.errors import EmptyUpload, UploadTooLarge
from indexer.media_store import MediaStore
from model.durable_file import STALE_AFTER_S

CONTENT = b"moving pictures"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def files(store: MediaStore) -> list[str]:
    return sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file())


def test_an_upload_lies_under_the_hash_of_its_bytes(store: MediaStore) -> None:
    stored = store.save([CONTENT[:4], b"", CONTENT[4:]], "Cat.MP4", max_bytes=len(CONTENT))

    assert (stored.sha256, stored.size_bytes) == (SHA256, len(CONTENT))
    assert stored.path == f"{SHA256[:2]}/{SHA256}.mp4"
    assert store.locate(stored.path).read_bytes() == CONTENT
    store.keep(stored)
    assert files(store) == [stored.path]


def test_the_same_bytes_again_are_the_same_file(store: MediaStore) -> None:
    first = store.save([CONTENT], "a.mp4", max_bytes=100)
    second = store.save([CONTENT], "b.mp4", max_bytes=100)

    assert first == second
    store.keep(first)
    assert store.is_arriving(second.path)
    store.keep(second)
    assert files(store) == [first.path]


def test_an_upload_that_is_discarded_leaves_the_bytes_to_another_one_of_them(store: MediaStore) -> None:
    first, second = (store.save([CONTENT], "a.mp4", max_bytes=100) for _ in range(2))

    assert not store.discard(first)
    assert store.locate(second.path).read_bytes() == CONTENT
    assert store.discard(second)
    assert files(store) == []


@pytest.mark.parametrize(
    ("filename", "suffix"),
    [
        ("../../etc/passwd", ""),
        ("..\\..\\boot.ini", ".ini"),
        ("clip.mp4/../../../evil.sh", ".sh"),
        ("a.m\0p4", ""),
        ("a.averylongsuffix", ""),
        ("a.мп4", ""),
        ("a. mp4", ""),
        (".mp4", ""),
        ("", ""),
        ("x" * 5000 + ".mkv", ".mkv"),
    ],
)
def test_no_file_name_gets_out_of_the_folder_or_into_the_name(
    store: MediaStore, filename: str, suffix: str
) -> None:
    stored = store.save([CONTENT], filename, max_bytes=100)

    assert stored.path == f"{SHA256[:2]}/{SHA256}{suffix}"
    store.keep(stored)
    assert files(store) == [stored.path]


def test_an_upload_over_the_limit_is_refused_before_the_rest_arrives(store: MediaStore) -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield bytes(10)

    with pytest.raises(UploadTooLarge, match=r"'big\.mp4' has more than the 35 bytes allowed"):
        store.save(endless(), "big.mp4", max_bytes=35)

    assert len(taken) == 4
    assert files(store) == []


@pytest.mark.parametrize("chunks", [[], [b""], [b"", b""]])
def test_an_empty_upload_is_refused(store: MediaStore, chunks: list[bytes]) -> None:
    with pytest.raises(EmptyUpload, match=r"'none\.mp4' is empty"):
        store.save(chunks, "none.mp4", max_bytes=100)

    assert files(store) == []


def test_an_upload_that_breaks_off_leaves_nothing(store: MediaStore) -> None:
    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        store.save(broken(), "cat.mp4", max_bytes=100)

    assert files(store) == []


def test_a_deleted_upload_is_gone_and_deleting_it_again_says_so(store: MediaStore) -> None:
    stored = store.save([CONTENT], "cat.mp4", max_bytes=100)

    store.keep(stored)
    assert store.delete(stored.path)
    assert not store.delete(stored.path)
    assert files(store) == []


def test_files_indexed_in_place_are_found_and_never_deleted(store: MediaStore, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(CONTENT)

    assert store.locate(str(film)) == film
    for path in (str(film), "../film.mp4"):
        with pytest.raises(ValueError, match="only uploads may be deleted"):
            store.delete(path)
    assert film.exists()


def test_only_what_a_dead_upload_left_is_swept(store: MediaStore) -> None:
    stored = store.save([CONTENT], "cat.mp4", max_bytes=100)
    store.keep(stored)
    dead, alive = (store.root / f".partial-{name}" for name in ("dead", "alive"))
    for path in (dead, alive):
        path.write_bytes(CONTENT)
    long_ago = dead.stat().st_mtime - STALE_AFTER_S - 1
    os.utime(dead, (long_ago, long_ago))
    os.utime(store.locate(stored.path), (long_ago, long_ago))

    assert store.sweep() == 1
    assert files(store) == sorted([alive.name, stored.path])


def test_sweeping_a_folder_that_is_not_there_yet_finds_nothing(store: MediaStore) -> None:
    assert store.sweep() == 0


def test_what_a_killed_adoption_leaves_lies_where_it_is_swept(
    store: MediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, halves = tmp_path / "upload", []
    source.write_bytes(CONTENT)
    link = os.link

    def note(from_path: Path, to_path: Path) -> None:
        halves.append(to_path)
        link(from_path, to_path)

    monkeypatch.setattr(os, "link", note)
    stored = store.adopt(source, SHA256, "a.mp4")

    assert [half.parent for half in halves] == [store.root]
    assert store.locate(stored.path).read_bytes() == CONTENT
