"""Having a video indexed anew: how the doctor mends whatever is made of its file."""

from functools import partial

from indexer.catalog import jobs, videos
from indexer.catalog.states import Priority
from indexer.doctor.finding import Mend
from indexer.library import Library

INDEX_ANEW = "index the video anew, which --repair does"


def index_anew(library: Library, video_id: str, generation_id: int | None = None) -> Mend:
    """Return what queues the video to be indexed again, for a generation (None: the serving one)."""
    return partial(_queue, library, video_id, generation_id)


def _queue(library: Library, video_id: str, generation_id: int | None) -> str | None:
    with library.database.writing() as session:
        video = videos.get(session, video_id)
        if video is None:
            return None
        job = jobs.enqueue(session, video_id, priority=Priority.REBUILD, generation_id=generation_id)
        return f"queued it to be indexed anew (job {job.id})"


def can_be_read(library: Library, media_path: str) -> bool:
    """Return whether a video's file is there to be indexed again."""
    return library.media.locate(media_path).is_file()
