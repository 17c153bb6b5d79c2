"""What deletions that died half-way, and workers that were still at it, have left on the disk."""

import logging
import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from indexer.catalog import deletions, videos
from indexer.catalog.session import Database
from indexer.set_aside import list_aside

log = logging.getLogger(__name__)


def settle(database: Database, roots: Sequence[Path], video_id: str = "") -> None:
    """Put back files that are aside while their video is in the catalog, and delete the others.

    Of one video or of all. A deletion that is under way is waited for. What cannot be done is logged.
    """
    found = sorted(list_aside(roots, video_id), key=lambda left: left.owner)
    for owner, files in groupby(found, key=lambda left: left.owner):
        try:
            with database.writing() as session:
                is_there = videos.lock(session, owner) is not None
                for left in files:
                    if is_there:
                        left.put_back()
                    else:
                        left.drop()
        except Exception:
            log.warning("files of a deletion were left aside", extra={"video_id": owner}, exc_info=True)
        else:
            log.warning(
                "a deletion that was cut off is settled",
                extra={"action": "deletion_settled", "video_id": owner, "is_undone": is_there},
            )


def sweep(database: Database, roots: Sequence[Path]) -> None:
    """Delete what was made of videos that were deleted lately, by a worker that died, for one."""
    with database.reading() as session:
        receipts = deletions.recent_receipts(session)
    for sha256 in {str(receipt["sha256"]) for receipt in receipts}:
        sweep_video(database, roots, sha256)


def sweep_video(database: Database, roots: Sequence[Path], sha256: str) -> None:
    """Delete the folders of a deleted video that somebody filled in that moment, if it is still unknown."""
    folders = [folder for root in roots if (folder := root / sha256[:2] / sha256).exists()]
    if not folders:
        return
    with database.writing() as session:
        if videos.find_by_sha256(session, sha256) is None:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            log.info("what was made of a deleted video is swept", extra={"sha256": sha256})
