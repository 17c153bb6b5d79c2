"""Index and clips kept on disk between starts: a copy of a copy, so any doubt about it means to do without.

::

    sha256 of all that follows, in hexadecimal ⏎
    header: one line of JSON, which ends with the number of bytes of each part ⏎
    the parts of the clips (``ClipTable.to_parts``), then the index as FAISS writes it
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.vector_index.clip_table import ClipTable
from indexer.vector_index.faiss_index import FaissIndex, IndexKind
from model.durable_file import temporary_file

FORMAT = 5

CHECKSUM_LENGTH = hashlib.sha256().digest_size * 2

SIZES = "sizes"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SnapshotHeader:
    """Of what the snapshot is a copy."""

    fingerprint: str
    generation_id: int
    history_id: str
    """Names the database since it was made or restored: two may have equal settings and revisions."""
    revision: int
    dimension: int
    count: int
    kind: IndexKind
    format: int = FORMAT


@dataclass(frozen=True)
class Snapshot:
    """What a snapshot holds, apart from the index and the clips, which may change while it is written."""

    header: SnapshotHeader
    parts: Sequence[NDArray[np.uint8]]

    @classmethod
    def take(cls, index: FaissIndex, table: ClipTable, header: SnapshotHeader) -> Self:
        """Return index and clips as they are now."""
        return cls(header, [*table.to_parts(), index.to_bytes()])

    def write(self, path: Path) -> None:
        """Replace the snapshot at ``path``; a reader, also one after a crash, sees the old or the new."""
        sizes = [len(part) for part in self.parts]
        head = json.dumps({**asdict(self.header), SIZES: sizes}).encode() + b"\n"
        digest = hashlib.sha256(head)
        for part in self.parts:
            digest.update(part.data)
        with temporary_file(path.parent) as temporary:
            temporary.stream.write(digest.hexdigest().encode() + b"\n" + head)
            for part in self.parts:
                temporary.stream.write(part.data)
            temporary.publish(path)


def read_snapshot(path: Path, newest: SnapshotHeader) -> tuple[FaissIndex, ClipTable, int] | None:
    """Return index, clips and revision; None, with a warning, if it is not a copy of what is ``newest``."""
    try:
        return load_snapshot(path, newest)
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(path, f"it cannot be read: {error.strerror}")
    except ValueError as reason:
        _warn(path, str(reason))
    return None


def load_snapshot(path: Path, newest: SnapshotHeader) -> tuple[FaissIndex, ClipTable, int]:
    """Return index, clips and revision; raises ValueError if it is not a copy of what is ``newest``, OSError.

    The reason is in the message. Neither count nor kind of ``newest`` matter.
    """
    with path.open("rb") as stream:
        return _read(stream, newest)


def _read(stream: BufferedReader, newest: SnapshotHeader) -> tuple[FaissIndex, ClipTable, int]:
    expected = stream.read(CHECKSUM_LENGTH + 1).rstrip(b"\n")
    if hashlib.file_digest(stream, "sha256").hexdigest().encode() != expected:
        raise ValueError("its checksum is wrong: it was cut short or damaged")
    stream.seek(CHECKSUM_LENGTH + 1)
    values = json.loads(stream.readline())
    if values.get("format") != FORMAT:
        raise ValueError(f"it has format {values.get('format')}, this version reads {FORMAT}")
    sizes = values.pop(SIZES)
    header = SnapshotHeader(**{**values, "kind": IndexKind(**values["kind"])})
    _check(header, newest)
    *parts, content = (np.fromfile(stream, np.uint8, size) for size in sizes)
    table = ClipTable.from_parts(parts, header.dimension)
    index = FaissIndex.from_bytes(content, header.kind)
    if not len(index) == len(table) == header.count:
        raise ValueError(f"it holds {len(index)} vectors of {len(table)} clips and claims {header.count}")
    return index, table, header.revision


def _check(header: SnapshotHeader, newest: SnapshotHeader) -> None:
    for name in ("history_id", "fingerprint", "generation_id", "dimension"):
        if getattr(header, name) != getattr(newest, name):
            raise ValueError(f"its {name} is {getattr(header, name)}, expected {getattr(newest, name)}")
    if header.revision > newest.revision:
        raise ValueError(f"its revision {header.revision} is ahead of the catalog's {newest.revision}")


def _warn(path: Path, reason: str) -> None:
    log.warning(
        "index snapshot ignored, rebuilding from the catalog",
        extra={"action": "snapshot_ignored", "path": str(path), "reason": reason},
    )
