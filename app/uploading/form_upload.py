"""``POST /videos``: a form streamed to disk while it is hashed, then a video and its job in one commit.

The store's ordinary, blocking code runs in a thread that is kept for uploads, so that slow ones never take
those that answer searches.
"""

from app.config import ServiceSettings
from app.display_name import display_name
from app.uploading.acceptance import AcceptedVideo, ReceivedFile, accept_file
from app.uploading.body import UploadBody
from app.uploading.disk_space import full_disk_told, require_room, while_there_is_room
from app.uploading.form import UploadForm
from app.uploading.idempotency import require_key, under_key
from app.uploading.multipart import MultipartReader
from indexer.errors import UploadTooLarge
from indexer.library import Library

FORM_OVERHEAD_BYTES = 1024 * 1024
"""What boundary, part headers and fields may add to the file in Content-Length."""


def accept_video(
    library: Library, settings: ServiceSettings, generation_id: int, body: UploadBody, key: str | None = None
) -> AcceptedVideo:
    """Store the uploaded file and enqueue its indexing, as ``accept_file``; once for an Idempotency-Key.

    Raises UploadTooLarge and StorageFull as early as they can be known, EmptyUpload, NotMultipart,
    MalformedUpload, NotSubtitles and RequestValidationError for what is wrong with the form,
    IdempotencyKeyReused and UploadConflict; nothing is left behind then.
    """
    require_key(key)
    _require_allowed_length(body.content_length, settings.upload_limit_bytes)
    require_room(library, body.content_length, settings.min_free_bytes)
    form = UploadForm(MultipartReader(body.content_type, body.chunks()))
    file = form.file()
    filename = display_name(file.filename or "")
    chunks = while_there_is_room(file.data, library, settings.min_free_bytes)
    with full_disk_told():
        stored = library.media.save(chunks, filename, settings.upload_limit_bytes)
    received = ReceivedFile(stored, filename, form.fields, form.subtitles)
    return accept_file(library, generation_id, received, under_key(key, received))


def _require_allowed_length(content_length: int, limit_bytes: int) -> None:
    if content_length > limit_bytes + FORM_OVERHEAD_BYTES:
        raise UploadTooLarge(
            f"the upload has {content_length} bytes and {limit_bytes} are allowed: send a smaller file, "
            "or raise REELSEEK_MAX_UPLOAD_BYTES and REELSEEK_MAX_VIDEO_BYTES"
        )
