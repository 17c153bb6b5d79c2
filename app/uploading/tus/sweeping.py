"""Uploads left alone are deleted, whole ones whose process died are finished: at start, then hourly."""

import logging
import time
from functools import partial

from app.uploading.idempotency import KEPT_FOR
from app.uploading.tus.finishing import finish_if_whole
from app.uploading.tus.intake import Intake
from indexer.background_work import BackgroundWork, IsStopped
from indexer.catalog import uploads
from indexer.catalog.columns import now
from indexer.upload_store import UploadInUse

EVERY_S = 3600.0
LOOK_EVERY_S = 0.5

log = logging.getLogger(__name__)


class UploadSweeper:
    """The sweeping beside one service."""

    def __init__(self) -> None:
        """Sweep nothing yet."""
        self._work = BackgroundWork("upload-sweeping")

    def start(self, intake: Intake) -> None:
        """Begin, in a thread aside."""
        self._work.start(partial(_sweep_again_and_again, intake))

    def close(self) -> None:
        """Stop."""
        self._work.close()


def _sweep_again_and_again(intake: Intake, is_stopped: IsStopped) -> None:
    next_at = time.monotonic()
    while not is_stopped():
        if time.monotonic() >= next_at:
            next_at = time.monotonic() + EVERY_S
            try:
                sweep(intake)
            except Exception:  # a database that is away: in an hour it may be back
                log.warning("uploads were not swept", exc_info=True)
        time.sleep(LOOK_EVERY_S)


def sweep(intake: Intake) -> int:
    """Delete expired uploads, files that no upload owns and old keys; return how many files are gone."""
    library = intake.library
    with library.database.writing() as session:
        uploads.delete_keys_before(session, now() - KEPT_FOR)
    with library.database.reading() as session:
        unfinished = list(uploads.unfinished(session))
        over = list(uploads.expired(session))
    for upload in unfinished:
        try:
            finish_if_whole(intake, upload)
        except Exception:
            log.warning("a whole upload was not accepted", extra={"upload": upload.id}, exc_info=True)
    return sum([_expire(intake, upload_id) for upload_id in over]) + _delete_orphans(intake)


def _expire(intake: Intake, upload_id: str) -> bool:
    """Forget an upload whose time is over, unless somebody is at it; return whether a file went with it."""
    library = intake.library
    try:
        file = library.uploads.open(upload_id)
    except UploadInUse:
        return False
    except FileNotFoundError:  # it was finished
        file = None
    try:
        with library.database.writing() as session:
            if upload_id not in uploads.expired(session):  # gone on with, meanwhile
                return False
            uploads.delete(session, upload_id)
        return library.uploads.delete(upload_id)
    finally:
        if file is not None:
            file.close()


def _delete_orphans(intake: Intake) -> int:
    library = intake.library
    found = library.uploads.abandoned()
    with library.database.reading() as session:
        owned = uploads.unfinished_among(session, found)
    gone = [library.uploads.delete(upload_id) for upload_id in found if upload_id not in owned]
    return sum(gone)
