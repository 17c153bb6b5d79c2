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
from indexer.set_aside import AsideFile, count_files, list_aside, set_aside

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
    aside: list[AsideFile] = []
    try:
        with library.database.writing() as session:
            receipt = _delete(session, library, video_id, aside)
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
        library.drop_snapshots(_numbers(receipt))  # again: one may have been written before the commit
    except OSError as error:
        raise FilesLeft(_reason(error)) from error
    return receipt


def _delete(
    session: Session, library: Library, video_id: str, aside: list[AsideFile]
) -> dict[str, object] | None:
    video = videos.lock(session, video_id)
    if video is None:
        return deletions.receipt_of(session, video_id)
    for left in list_aside(library.roots, video_id):  # of an attempt that died
        left.put_back()
    rows = deletions.count_rows(session, video_id)
    generation_ids = deletions.generations_of(session, video_id)
    files, media = _take_files(library, video, deletions.uploads_of(session, video_id), aside)
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


def _take_files(
    library: Library, video: Video, upload_ids: list[str], aside: list[AsideFile]
) -> tuple[dict[str, int], str]:
    """Move the files of a video out of the way; return how many, and what became of the media."""
    folder = f"{video.sha256[:2]}/{video.sha256}"
    media = _take_media(library, video, aside)
    files = {"media": int(media == DELETED)}
    for kind, root, paths in (
        ("thumbnails", library.thumbnails.root, [folder]),
        ("previews", library.previews_root, [folder]),
        ("uploads", library.uploads.root, upload_ids),
    ):
        files[kind] = sum(_take(root, path, video.id, aside) for path in paths)
    return files, media


def _take_media(library: Library, video: Video, aside: list[AsideFile]) -> str:
    if not video.is_managed:
        return IN_PLACE
    if not _take(library.media.root, video.media_path, video.id, aside):
        return MISSING
    if library.media.is_arriving(video.media_path):
        aside.pop().put_back()
        return UPLOADED_AGAIN
    return DELETED


def _take(root: Path, relative: str, video_id: str, aside: list[AsideFile]) -> int:
    taken = set_aside(root, relative, video_id)
    if taken is None:
        return 0
    aside.append(taken)
    return count_files(taken.path)


def _numbers(receipt: dict[str, object]) -> list[int]:
    found = receipt.get("generations")
    return [int(one) for one in found] if isinstance(found, list) else []


def _reason(error: OSError) -> str:
    name = Path(error.filename).name if error.filename else "a file"
    return f"{name} cannot be deleted ({error.strerror}): let the service write to its folder, delete again"
