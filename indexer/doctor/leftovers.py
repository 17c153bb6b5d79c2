"""What killed processes left: half-written files, a backup half restored, uploads that nobody recorded."""

import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import select

from indexer import restore_staging
from indexer.catalog.tables import Video
from indexer.doctor.finding import Finding, FindingCode
from indexer.library import Library, settle_upload
from indexer.media_store import Arrival
from indexer.set_aside import list_aside
from model.durable_file import STALE_AFTER_S, TEMPORARY_PREFIX

FOLDERS = ("media", "thumbnails", "previews", "cuts", "index", "uploads")

ADVICE = "delete it, which --repair does"


def examine_leftovers(library: Library) -> Iterator[Finding]:
    """Yield temporary files and folders that nobody has written to for long, and unrecorded uploads."""
    home = library.settings.home_folder
    for path in _stale(home):
        message = "a process that died left this half-written"
        yield Finding(FindingCode.LEFTOVER, str(path), message, ADVICE, partial(_delete, path))
    for folder in _previews_of_nobody(library):
        message = "these previews are of no video of the library"
        mend = partial(_delete_previews, library, folder)
        yield Finding(FindingCode.PREVIEW_ORPHANED, str(folder), message, ADVICE, mend)
    for video_id in sorted({left.owner for left in list_aside(library.roots)}):
        yield Finding(
            FindingCode.DELETION_CUT_OFF,
            video_id,
            "files of this video wait to be deleted, and nobody may be at it any more",
            "settle it, which --repair and every start do: they go, or come back if the video is still there",
            partial(_settle_deletion, library, video_id),
        )
    for arrival in library.media.unrecorded():
        yield Finding(
            FindingCode.UPLOAD_UNRECORDED,
            str(library.media.locate(arrival.path)),
            "a process died between storing this upload and recording it",
            "settle it, which --repair and every start do: it is deleted, unless a video has it",
            partial(_settle, library, arrival),
        )


def delete_all_of(folder: Path) -> None:
    """Delete a folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _stale(home: Path) -> Iterator[Path]:
    for name in FOLDERS:
        for path in sorted((home / name).rglob(f"{TEMPORARY_PREFIX}*")):
            if _is_older(path, STALE_AFTER_S):
                yield path
    yield from restore_staging.abandoned(home)


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return path.stat().st_mtime < time.time() - seconds
    except FileNotFoundError:  # its writer finished
        return False


def _delete(path: Path) -> str:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return "deleted it"


def _previews_of_nobody(library: Library) -> list[Path]:
    folders = sorted(library.previews_root.glob("[0-9a-f][0-9a-f]/*"))
    with library.database.reading() as session:
        known = set(session.scalars(select(Video.sha256)))
    return [folder for folder in folders if folder.name not in known]


def _delete_previews(library: Library, folder: Path) -> str | None:
    library.sweep_deleted(folder.name)  # unless somebody has uploaded the video again
    return None if folder.exists() else "deleted them"


def _settle_deletion(library: Library, video_id: str) -> str | None:
    library.settle_deletions(video_id)
    return None if any(list_aside(library.roots, video_id)) else "settled it"


def _settle(library: Library, arrival: Arrival) -> str:
    settle_upload(library, arrival)
    is_kept = library.media.locate(arrival.path).exists()
    return "kept it: a video has it" if is_kept else "deleted it"
