"""The videos' files: missing, changed, or nobody's.

A file that no row names is not deleted but moved to ``lost-and-found``: where an older database was put back
by hand, it is what was uploaded since.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import Row, select

from indexer.catalog import videos
from indexer.catalog.tables import Video
from indexer.doctor.finding import Finding, FindingCode
from indexer.folders.walk import hash_file
from indexer.library import Library
from indexer.media_store import STORED_NAME

LOST_AND_FOUND = "lost-and-found"

UPLOAD_AGAIN = "upload the same file again, which puts it back, or delete the video"
PUT_BACK = "put it back, or index the folder that it is in now: its path is corrected"
UPLOAD_OVER = "upload the file as it was again, which replaces this one"
INDEX_FOLDER = "index its folder again: a file that was changed is another video; then delete this one"

VideoRow = Row[str, str, str, str, bool, int]


def examine_media(library: Library, *, is_deep: bool) -> Iterator[Finding]:
    """Yield videos whose file is missing or changed (by its bytes too, if deep), and files of no video."""
    columns = (Video.id, Video.filename, Video.sha256, Video.media_path, Video.is_managed, Video.size_bytes)
    with library.database.reading() as session:
        rows = session.execute(select(*columns).order_by(Video.filename)).all()
    for row in rows:
        yield from _examine_file(library, row, is_deep=is_deep)
    for path in orphaned_media(library):
        yield Finding(
            FindingCode.MEDIA_ORPHANED,
            str(path),
            "no video of the library is in this file",
            f"move it to {LOST_AND_FOUND}, which --repair does; what you miss can be uploaded from there",
            partial(_move_aside, library, path),
        )


def orphaned_media(library: Library) -> list[Path]:
    """Return the uploaded files that no video has; not one that is just being uploaded."""
    root = library.media.root
    found = [path for path in root.glob("[0-9a-f][0-9a-f]/*") if STORED_NAME.fullmatch(path.name)]
    suspects = _unknown(library, found)
    marked = library.media.marked_paths()
    unmarked = [path for path in suspects if path.relative_to(root).as_posix() not in marked]
    return _unknown(library, unmarked)  # again: an upload may have lost its mark as it was recorded


def _unknown(library: Library, paths: list[Path]) -> list[Path]:
    with library.database.reading() as session:
        known = set(session.scalars(select(Video.media_path).where(Video.is_managed)))
    return [path for path in paths if path.relative_to(library.media.root).as_posix() not in known]


def _examine_file(library: Library, row: VideoRow, *, is_deep: bool) -> Iterator[Finding]:
    path = library.media.locate(row.media_path)
    try:
        size_bytes = path.stat().st_size
        digest = hash_file(path) if is_deep and size_bytes == row.size_bytes else None
    except OSError as error:
        if not _is_still_there(library, row):
            return
        message = f"the file of {row.filename!r} cannot be read: {error.strerror}"
        advice = UPLOAD_AGAIN if row.is_managed else PUT_BACK
        yield Finding(FindingCode.MEDIA_MISSING, str(path), message, advice)
        return
    advice = UPLOAD_OVER if row.is_managed else INDEX_FOLDER
    if size_bytes != row.size_bytes:
        message = f"the file of {row.filename!r} has {size_bytes} bytes, and had {row.size_bytes}"
        yield Finding(FindingCode.MEDIA_DAMAGED, str(path), message, advice)
    elif digest not in {None, row.sha256}:
        message = f"the file of {row.filename!r} has other bytes than when it was added"
        yield Finding(FindingCode.MEDIA_DAMAGED, str(path), message, advice)


def _is_still_there(library: Library, row: VideoRow) -> bool:
    """Return whether a video was not just deleted, or moved."""
    with library.database.reading() as session:
        video = videos.get(session, row.id)
    return video is not None and video.media_path == row.media_path


def _move_aside(library: Library, path: Path) -> str | None:
    with library.database.writing() as session:  # nobody records it while we look
        if videos.has_media(session, path.relative_to(library.media.root).as_posix()):
            return None
        target = library.settings.home_folder / LOST_AND_FOUND / path.name
        target.parent.mkdir(exist_ok=True)
        try:
            shutil.move(path, target)
        except FileNotFoundError:
            return None
    return f"moved it to {target}"
