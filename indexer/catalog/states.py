"""The states and kinds that rows of the catalog are in."""

from enum import IntEnum, StrEnum


class VideoState(StrEnum):
    """What has become of a video."""

    PENDING = "pending"  # accepted, its job waits
    INDEXING = "indexing"  # a worker decodes or encodes it
    READY = "ready"  # searchable
    FAILED = "failed"  # refused, with error_code and error_message


class EmbeddingKind(StrEnum):
    """What an embedding stands for."""

    CLIP = "clip"  # a whole clip: the only kind held in the vector index
    SEGMENT = "segment"  # one of the clip's equal parts: tells where in the clip the words are true


class GenerationState(StrEnum):
    """Life of one encoder setting's vectors."""

    BUILDING = "building"  # made from media beside the one that serves
    SERVING = "serving"  # answers searches
    RETIRED = "retired"  # kept for rolling back, not followed


class JobState(StrEnum):
    """Life of a job: queued → running → done | failed | cancelled.

    A running job whose worker died is claimed again; one that failed or was cancelled can be put back.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"  # by a person


class Priority(IntEnum):
    """What is done first, the highest number before all others."""

    UPLOAD = 10  # somebody sits and waits
    FOLDER = 0  # batches, watched folders, imports
    REBUILD = -10  # a generation built beside the one that serves


class CueSource(StrEnum):
    """Where the words of a cue were written."""

    SIDECAR = "sidecar"  # a subtitle file beside the video
    UPLOAD = "upload"  # sent by a person
    STREAM = "stream"  # in the video file itself
