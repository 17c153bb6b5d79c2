"""Deleting a video with everything of it, and the receipt that says what that was."""

from app.errors import UnknownVideo
from app.schemas import DeletionReceipt
from indexer.catalog import clips, videos
from indexer.library import Library


def delete_video(library: Library, video_id: str) -> DeletionReceipt:
    """Delete rows, vectors, thumbnails and an uploaded file; raises UnknownVideo, also the second time.

    A file that was indexed in place stays where it is. Files go before the commit: an upload of the same
    bytes in this moment waits for our transaction and then sees that they are gone; and should the commit
    fail, the rows are still there to be deleted again.
    """
    with library.database.writing() as session:
        video = videos.get(session, video_id)
        if video is None:
            raise UnknownVideo(video_id)
        clip_count = clips.counts(session, [video_id]).get(video_id, 0)
        embedding_count = clips.count_vectors(session, video_id)
        if not videos.delete(session, video_id):
            raise UnknownVideo(video_id)
        file_count = library.thumbnails.delete_video(video.sha256)
        if video.is_managed:
            file_count += library.media.delete(video.media_path)
    return DeletionReceipt(
        video_id=video_id, videos=1, clips=clip_count, embeddings=embedding_count, files=file_count
    )
