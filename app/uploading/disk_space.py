"""Room on the disk: what is free, less what unfinished uploads were promised."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import StorageFull, StorageUnwritable
from indexer.catalog import uploads
from indexer.library import Library

UNWRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
"""How writing fails on a disk that had an error, is mounted read-only, or belongs to somebody else."""

CHECK_EVERY_BYTES = 64 * 1024 * 1024
"""How much is written between two looks at the free space."""


def require_room(library: Library, needed_bytes: int, min_free_bytes: int) -> None:
    """Raise StorageFull unless so much fits beside what other uploads may still send."""
    promised_bytes = _promised(library)
    free_bytes = _free(library)
    if free_bytes - promised_bytes - needed_bytes < min_free_bytes:
        promise = f", unfinished uploads may take {promised_bytes} of them" if promised_bytes else ""
        ending = ", end unfinished uploads or wait until they expire" if promised_bytes else ""
        raise StorageFull(
            f"{free_bytes} bytes are free{promise}, the upload needs {needed_bytes} and {min_free_bytes} "
            f"must stay: free some space{ending}, or lower REELSEEK_MIN_FREE_BYTES"
        )


def require_some_left(library: Library, min_free_bytes: int) -> None:
    """Raise StorageFull when less than what must stay is free, while a file arrives."""
    free_bytes = _free(library)
    if free_bytes < min_free_bytes:
        raise StorageFull(
            f"{free_bytes} bytes are free and {min_free_bytes} must stay: free some space, or lower "
            "REELSEEK_MIN_FREE_BYTES"
        )


def while_there_is_room(chunks: Iterator[bytes], library: Library, min_free_bytes: int) -> Iterator[bytes]:
    """Yield the chunks, looking now and then whether there is room; raises StorageFull."""
    unchecked_bytes = 0
    for chunk in chunks:
        unchecked_bytes += len(chunk)
        if unchecked_bytes >= CHECK_EVERY_BYTES:
            require_some_left(library, min_free_bytes)
            unchecked_bytes = 0
        yield chunk


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Raise StorageFull for a disk that is full, StorageUnwritable for one that takes nothing."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull("the disk became full while the file arrived: free some space") from error
        if error.errno in UNWRITABLE:
            raise StorageUnwritable(
                f"nothing can be stored ({error.strerror}); searches go on: see to the disk of the library, "
                "then send it again"
            ) from error
        raise


def _promised(library: Library) -> int:
    """Return how many bytes unfinished uploads have announced and not sent yet."""
    with library.database.reading() as session:
        waiting = [(one.id, one.length_bytes) for one in uploads.unfinished(session)]
    promised = 0
    for upload_id, length_bytes in waiting:
        try:
            promised += max((length_bytes or 0) - library.uploads.size_bytes(upload_id), 0)
        except FileNotFoundError:  # ended in this moment
            continue
    return promised


def _free(library: Library) -> int:
    """Return how much is free where uploads arrive and where they stay, should those be two disks."""
    folders = (library.media.root, library.uploads.root)
    with full_disk_told():
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
    return min(shutil.disk_usage(folder).free for folder in folders)
