"""Thumbnails lie where their key says, appear whole, and go with their video."""

from pathlib import Path

import pytest

from indexer.thumbnails import ThumbnailStore, thumbnail_key

SHA256 = "ab" + "0" * 62
OTHER = "cd" + "1" * 62


def test_the_key_names_the_video_and_the_start_in_milliseconds() -> None:
    assert thumbnail_key(SHA256, 12.3456) == f"ab/{SHA256}/0000012346.jpg"


def test_a_thumbnail_is_read_where_it_was_written(tmp_path: Path) -> None:
    store, key = ThumbnailStore(tmp_path / "thumbnails"), thumbnail_key(SHA256, 0.0)
    store.write(key, b"first")
    store.write(key, b"second")
    assert store.path(key) == tmp_path / "thumbnails" / key
    assert store.path(key).read_bytes() == b"second"
    assert [path.name for path in store.path(key).parent.iterdir()] == ["0000000000.jpg"]


def test_deleting_a_video_takes_its_thumbnails_and_no_others(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path)
    for sha256 in (SHA256, OTHER):
        for start_s in (0.0, 10.0):
            store.write(thumbnail_key(sha256, start_s), b"jpeg")
    assert (store.delete_video(SHA256), store.delete_video(SHA256)) == (2, 0)
    assert not store.path(thumbnail_key(SHA256, 0.0)).exists()
    assert store.path(thumbnail_key(OTHER, 10.0)).exists()


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        f"ab/{SHA256}/../0000000000.jpg",
        f"cd/{SHA256}/0000000000.jpg",
        "",
        f"ab/{SHA256}/1.jpg",
        f"ab/{SHA256}/0000000000.jpg/../../x",
    ],
)
def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="thumbnail key"):
        ThumbnailStore(tmp_path).path(key)


@pytest.mark.parametrize("sha256", ["", "..", "AB" + "0" * 62, "ab"])
def test_a_video_without_a_proper_sha256_is_refused(tmp_path: Path, sha256: str) -> None:
    with pytest.raises(ValueError, match="sha256"):
        ThumbnailStore(tmp_path).delete_video(sha256)
    with pytest.raises(ValueError, match="sha256"):
        thumbnail_key(sha256, 0.0)
