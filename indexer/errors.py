# ruff: noqa: N818 - the name of each class is the reason itself
"""Why a video cannot be indexed, or a library not opened: one class per reason, each with a stable code.

::

    IndexingError
    ├── NotAVideo          not-a-video          ├── PictureTooLarge   picture-too-large
    ├── EmptyFile          empty-file           ├── UnsupportedCodec  unsupported-codec
    │   └── EmptyUpload                         ├── DecoderCrashed    decoder-crashed
    ├── NoVideoStream      no-video-stream      │   └── DecoderDied
    ├── EncryptedVideo     encrypted            ├── DecoderStalled    decoder-stalled
    ├── NoFrames           no-frames            ├── FileTooLarge      file-too-large
    ├── PictureTooSmall    picture-too-small    │   └── UploadTooLarge
    └── DiskFull           disk-full            └── MediaMissing      media-missing
    SchemaMismatch
    ├── UnknownSchema      the database was written by a newer ReelSeek
    ├── OutdatedSchema     it was written by an older one, and must be upgraded first
    └── SchemaInUse        another process uses it, so that it is not upgraded or replaced
    NotSubtitles           a file of subtitles holds no cue that can be used
    GenerationError        a generation cannot be what it is to become
    ├── UnknownGeneration  ├── CannotPromote
    ├── GenerationInUse    ├── ModelUnavailable ── ModelChanged
    └── VideosMissing      └── GenerationRetired
"""

from collections.abc import Sequence
from typing import ClassVar


class IndexingError(Exception):
    """A video cannot be indexed; the message says what is wrong with which file, and the way out."""

    code: ClassVar[str] = "indexing-failed"


class NotAVideo(IndexingError):
    """The bytes are of no container that can be opened."""

    code = "not-a-video"


class EmptyFile(IndexingError):
    """The file has no bytes."""

    code = "empty-file"


class EmptyUpload(EmptyFile):
    """An upload ended before its first byte."""


class NoVideoStream(IndexingError):
    """The container opens and holds no moving pictures (sound only, or cover art)."""

    code = "no-video-stream"


class EncryptedVideo(IndexingError):
    """The pictures are encrypted and nobody gave a key."""

    code = "encrypted"


class NoFrames(IndexingError):
    """There is a video stream, yet not one frame of it decodes."""

    code = "no-frames"


class PictureTooSmall(IndexingError):
    """The picture is too small to show anything."""

    code = "picture-too-small"


class PictureTooLarge(IndexingError):
    """The picture has more pixels than the decoder is allowed."""

    code = "picture-too-large"


class UnsupportedCodec(IndexingError):
    """The codec is unknown, or not on the list of those that are safe to decode."""

    code = "unsupported-codec"


class DecoderCrashed(IndexingError):
    """The decoding process failed on this file."""

    code = "decoder-crashed"


class DecoderDied(DecoderCrashed):
    """It was ended without a word, or could not be started: by this file, or for want of memory just then."""


class DecoderStalled(IndexingError):
    """The decoding process made no progress in its time."""

    code = "decoder-stalled"


class FileTooLarge(IndexingError):
    """The file has more bytes than the settings allow."""

    code = "file-too-large"


class UploadTooLarge(FileTooLarge):
    """An upload passed the allowed number of bytes; what had arrived is deleted."""


class DiskFull(IndexingError):
    """The disk became full while something was made of the video; the video itself is none the worse."""

    code = "disk-full"


class MediaMissing(IndexingError):
    """The file that the catalog names is no longer there."""

    code = "media-missing"


class SchemaMismatch(RuntimeError):
    """The database's schema is not that of this version; the message says what to do."""


class UnknownSchema(SchemaMismatch):
    """The database is at a schema revision that this version does not know."""


class OutdatedSchema(SchemaMismatch):
    """The database is at an older revision, and a person has to say when it may be upgraded."""


class SchemaInUse(SchemaMismatch):
    """It cannot be upgraded, or all of it be replaced, while another process has the database open."""


class NotSubtitles(ValueError):
    """A file is no subtitles that can be read; the message says why. The video itself is none the worse."""


class GenerationError(ValueError):
    """A generation cannot become what was asked; the message says why, and the way out."""


class UnknownGeneration(GenerationError):
    """No generation has this number."""

    def __init__(self, generation_id: int) -> None:
        super().__init__(
            f"there is no generation {generation_id}: reelseek generations lists those there are"
        )


class CannotPromote(GenerationError):
    """A generation that is not fit to serve, or none to go back to."""


class GenerationInUse(GenerationError):
    """The generation that answers searches was to be retired."""

    def __init__(self, generation_id: int) -> None:
        super().__init__(f"generation {generation_id} answers searches: promote another one first")


class GenerationRetired(GenerationError):
    """A search in a generation that was retired before this process went over to the one that serves."""

    def __init__(self, generation_id: int) -> None:
        super().__init__(
            f"generation {generation_id} was retired, and the model of the one that serves is not loaded "
            "here yet: search again in a moment; if that does not help, the log says why it cannot be loaded"
        )


class ModelUnavailable(GenerationError):
    """The model that made a generation's vectors cannot be loaded here."""


class ModelChanged(ModelUnavailable):
    """What a generation's model is called by is another model now."""


class VideosMissing(GenerationError):
    """A generation lacks videos that can be found now; carries how many, and the titles of some."""

    def __init__(self, generation_id: int, serving_id: int, count: int, titles: Sequence[str]) -> None:
        self.count, self.titles = count, list(titles)
        named = ", ".join(repr(title) for title in titles) + (" …" if count > len(titles) else "")
        super().__init__(
            f"generation {generation_id} lacks {count:,} of the videos that are found with generation "
            f"{serving_id}: {named}. Go on with reelseek reindex --generation {generation_id}, or promote it "
            "all the same with --partial (over HTTP: partial=true)"
        )
