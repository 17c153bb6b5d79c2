"""Deleting a video with everything of it: one transaction, and files that go with it or stay with it.

::

    lock jobs and video → count → files aside → rows, tombstones, receipt → COMMIT → files gone
                                      └─ whatever fails before the commit: files back, nothing has changed

A process that dies in between leaves files aside; the next one to open the library puts them back or deletes
them, as the catalog says. Bytes that are being uploaded again in this moment are left to that upload.
"""

from pathlib import Path

from sqlalchemy.orm import Session

from indexer.catalog import deletions, videos, webhooks
from indexer.catalog.columns import now
from indexer.catalog.tables import Video
from indexer.catalog.webhooks import WebhookEvent
from indexer.library import Library
from indexer.set_aside import count_files, list_aside, set_aside

DELETED = "deleted"
MISSING = "missing"
IN_PLACE = "in-place"
UPLOADED_AGAIN = "uploaded-again"


class FilesLeft(Exception):  # noqa: N818 - what is the matter, not a defect
    """Files of a video could not be deleted; the message says which, and why."""


def delete_video(library: Library, video_id: str) -> dict[str, object] | None:
    """Delete a video and return the receipt, the same each time; None for an id that never was one.

    A file that was indexed in place stays where it is. Raises FilesLeft: before the commit with nothing
    changed, after it (which ``receipt_of`` tells) with the rest to be deleted when this is called again.
    """
    try:
        with library.database.writing() as session:
            receipt = deletions.receipt_of(session, video_id)
            is_repeated = receipt is not None
            receipt = receipt or _delete(session, library, video_id)
    except OSError as error:
        library.settle_deletions(video_id)
        raise FilesLeft(_reason(error)) from error
    except BaseException:
        library.settle_deletions(video_id)  # the commit may have come through though its answer did not
        raise
    if receipt is None:
        return None
    try:
        for left in list_aside(library.roots, video_id):
            left.drop()
        # Again, as somebody may have written them in between, who saw the video until the commit.
        library.drop_snapshots([] if is_repeated else _numbers(receipt))
        library.sweep_deleted(str(receipt["sha256"]))
    except OSError as error:
        raise FilesLeft(_reason(error)) from error
    return receipt


def _delete(session: Session, library: Library, video_id: str) -> dict[str, object] | None:
    video = videos.lock(session, video_id)
    if video is None:
        return deletions.receipt_of(session, video_id)  # of a deletion that we have waited for
    for left in list_aside(library.roots, video_id):  # of an attempt that died
        left.put_back()
    rows = deletions.count_rows(session, video_id)
    generation_ids = deletions.generations_of(session, video_id)
    files, media = _take_files(library, video, deletions.uploads_of(session, video_id))
    rows.update(deletions.forget_requests(session, video_id))
    videos.delete(session, video_id)
    files["snapshots"] = library.drop_snapshots(generation_ids)
    deleted_at = now()
    receipt: dict[str, object] = {
        "video_id": video_id,
        "sha256": video.sha256,
        "deleted_at": deleted_at.isoformat(),
        "media": media,
        "rows": rows,
        "files": files,
        "generations": generation_ids,
    }
    deletions.record(session, video_id, receipt, deleted_at)
    webhooks.announce(session, WebhookEvent.VIDEO_DELETED, receipt, video_id=video_id)
    return receipt


def _take_files(library: Library, video: Video, upload_ids: list[str]) -> tuple[dict[str, int], str]:
    """Move the files of a video out of the way; return how many, and what became of the media."""
    folder = f"{video.sha256[:2]}/{video.sha256}"
    media = _take_media(library, video)
    files = {"media": int(media == DELETED)}
    for kind, root, paths in (
        ("thumbnails", library.thumbnails.root, [folder]),
        ("previews", library.previews_root, [folder]),
        ("uploads", library.uploads.root, upload_ids),
    ):
        taken = [set_aside(root, path, video.id) for path in paths]
        files[kind] = sum(count_files(one.path) for one in taken if one is not None)
    return files, media


def _take_media(library: Library, video: Video) -> str:
    if not video.is_managed:
        return IN_PLACE
    taken = set_aside(library.media.root, video.media_path, video.id)
    if taken is None:
        return MISSING
    if library.media.is_arriving(video.media_path):
        taken.put_back()
        return UPLOADED_AGAIN
    return DELETED


def _numbers(receipt: dict[str, object]) -> list[int]:
    found = receipt.get("generations")
    return [int(one) for one in found] if isinstance(found, list) else []


def _reason(error: OSError) -> str:
    name = Path(error.filename).name if error.filename else "a file"
    return f"{name} cannot be deleted ({error.strerror}): let the service write to its folder, delete again"
