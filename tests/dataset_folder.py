"""Small folders in the official formats of the datasets, with videos rendered by the tests."""

import csv
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from model.datasets.base import Dataset, Photograph, VideoFile
from tests.synthetic_video import write_plain


def put_video(path: Path) -> Path:
    """Write a video of half a second, its folders too; the container is that of the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_rendered(path.suffix.lower()))
    return path


def put_videos(folder: Path, names: Iterable[str]) -> None:
    """Write a video for each of ``names``."""
    for name in names:
        put_video(folder / name)


def put_table(path: Path, rows: Iterable[Sequence[object]], delimiter: str = ",") -> Path:
    """Write rows as a table, quoted where they must be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


def put_json(path: Path, content: object) -> Path:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def put_archive(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write a tar archive of ``members`` by their names."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def captions_of(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return the captions of each item by its name."""
    return {item.name: item.captions for item in dataset.items}


def paths_of(dataset: Dataset) -> dict[str, Path]:
    """Return the file of each item by its name."""
    return {item.name: item.media.path for item in dataset.items if isinstance(item.media, VideoFile)}


def refusals_of(dataset: Dataset) -> list[tuple[str, str]]:
    """Return name and code of each refusal, in order of names."""
    return sorted((refusal.name, refusal.code) for refusal in dataset.refusals)


def pictures_of(dataset: Dataset) -> dict[str, bytes]:
    """Return the encoded picture of each item by its name."""
    return {item.name: item.media.encoded for item in dataset.items if isinstance(item.media, Photograph)}


@cache
def _rendered(extension: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"video{extension}"
        return write_plain(path, 0.5, codec="libvpx-vp9" if extension == ".webm" else "libx264").read_bytes()
