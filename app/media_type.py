"""The content type of a video file, from what the decoder found in it and never from the name given to it."""

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


def media_type(video: Video) -> str:
    """Return the content type of the file of ``video``; octets while nobody has looked into it."""
    families = (video.container or "").split(",")  # a demuxer names all it reads: "mov,mp4,m4a,3gp,3g2,mj2"
    if "matroska" in families:
        return "video/webm" if video.codec in WEBM_CODECS else "video/x-matroska"
    return next((MEDIA_TYPES[family] for family in families if family in MEDIA_TYPES), UNKNOWN)
