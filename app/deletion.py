"""Deleting a video so that, once it is answered, nothing of this service tells of it any more."""

from app.dependencies import Services
from app.errors import UnknownVideo
from app.hook_errors import DeletionUnfinished
from app.schemas import DeletionReceipt
from indexer import video_deletion
from indexer.video_deletion import FilesLeft

PATIENCE_S = 30.0
"""For searches that began before: far more than one takes."""


def delete_video(services: Services, video_id: str) -> DeletionReceipt:
    """Delete a video with everything of it; asked again, return the same receipt.

    Searches that begin after the commit cannot find it; those under way are waited for, here and not in other
    processes. Raises UnknownVideo for an id that never was one, DeletionUnfinished when files cannot be
    deleted or a search does not end.
    """
    try:
        receipt = video_deletion.delete_video(services.library, video_id)
    except FilesLeft as error:
        raise DeletionUnfinished(str(error)) from error
    if receipt is None:
        raise UnknownVideo(video_id)
    services.follower.catch_up()  # the vectors leave our memory too
    if not services.searches.wait_for_earlier(PATIENCE_S):
        raise DeletionUnfinished(
            f"video {video_id} is deleted, and a search that began before is still running after "
            f"{PATIENCE_S:g} s: delete it again to know that none tells of it any more"
        )
    return DeletionReceipt.model_validate(receipt)
