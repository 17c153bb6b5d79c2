"""An index kept on disk between starts: a copy of a copy, so any doubt about it means to do without.

::

    sha256 of all that follows, in hexadecimal ⏎
    header: one line of JSON ⏎
    the index as FAISS writes it
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer.durable_file import temporary_file
from indexer.vector_index.faiss_index import FaissIndex

FORMAT = 1

CHECKSUM_LENGTH = hashlib.sha256().digest_size * 2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SnapshotHeader:
    """Of what the snapshot is a copy."""

    fingerprint: str
    generation_id: int
    library: str
    """Names the database: equal encoder settings in two libraries give the same fingerprint."""
    revision: int
    dimension: int
    count: int
    format: int = FORMAT


def write_snapshot(path: Path, index: FaissIndex, header: SnapshotHeader) -> None:
    """Replace the snapshot at ``path``; a reader, also one after a crash, sees the old or the new."""
    head = json.dumps(asdict(header)).encode() + b"\n"
    content = index.to_bytes()
    digest = hashlib.sha256(head)
    digest.update(content)
    with temporary_file(path.parent) as temporary:
        temporary.stream.write(digest.hexdigest().encode() + b"\n" + head)
        temporary.stream.write(content)
        temporary.publish(path)


def read_snapshot(path: Path, newest: SnapshotHeader) -> tuple[FaissIndex, int] | None:
    """Return index and revision; None, with a warning, when it is not a copy of what ``newest`` describes."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(path, f"it cannot be read: {error.strerror}")
        return None
    try:
        return _parse(content, newest)
    except ValueError as reason:
        _warn(path, str(reason))
        return None


def _parse(content: bytes, newest: SnapshotHeader) -> tuple[FaissIndex, int]:
    view = memoryview(content)  # slices of bytes would copy the whole index each time
    if hashlib.sha256(view[CHECKSUM_LENGTH + 1 :]).hexdigest().encode() != view[:CHECKSUM_LENGTH]:
        raise ValueError("its checksum is wrong: it was cut short or damaged")
    end_of_header = content.index(b"\n", CHECKSUM_LENGTH + 1)
    values = json.loads(content[CHECKSUM_LENGTH + 1 : end_of_header])
    if values.get("format") != FORMAT:
        raise ValueError(f"it has format {values.get('format')}, this version reads {FORMAT}")
    header = SnapshotHeader(**values)
    for name in ("library", "fingerprint", "generation_id", "dimension"):
        if getattr(header, name) != getattr(newest, name):
            raise ValueError(f"its {name} is {getattr(header, name)}, expected {getattr(newest, name)}")
    if header.revision > newest.revision:
        raise ValueError(f"its revision {header.revision} is ahead of the catalog's {newest.revision}")
    index = FaissIndex.from_bytes(view[end_of_header + 1 :])
    if len(index) != header.count:
        raise ValueError(f"it holds {len(index)} vectors and claims {header.count}")
    return index, header.revision


def _warn(path: Path, reason: str) -> None:
    log.warning(
        "index snapshot ignored, rebuilding from the catalog",
        extra={"action": "snapshot_ignored", "path": str(path), "reason": reason},
    )
