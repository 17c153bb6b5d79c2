"""Content types of files; that of a video from what the decoder found in it, never from its name."""

from typing import Any

from indexer.catalog.tables import Video

WEBM_CODECS = {"vp8", "vp9", "av1"}

MEDIA_TYPES = {
    "mov": "video/mp4",  # one family; browsers play QuickTime files under this name only
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "flv": "video/x-flv",
    "asf": "video/x-ms-asf",
    "ogg": "video/ogg",
}

UNKNOWN = "application/octet-stream"


def bytes_docs(*media_types: str) -> dict[str, Any]:
    """Return the OpenAPI ``content`` of an answer or a body that is a file of one of these types."""
    return {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}


def media_type(video: Video) -> str:
    """Return the content type of the file of ``video``; octets while nobody has looked into it."""
    families = (video.container or "").split(",")  # a demuxer names all it reads: "mov,mp4,m4a,3gp,3g2,mj2"
    if "matroska" in families:
        return "video/webm" if video.codec in WEBM_CODECS else "video/x-matroska"
    return next((MEDIA_TYPES[family] for family in families if family in MEDIA_TYPES), UNKNOWN)
