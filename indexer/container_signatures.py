"""Which files of a folder look like video: by the end of the name, else by the first bytes.

A file whose name says video is always offered to the decoder, so that a broken one is reported and not
passed over. Every other file is offered only when it begins like a video container, so that films without
an extension are found and a folder of documents stays silent.
"""

from pathlib import PurePath

HEAD_BYTES = 1024
"""How much of a file ``looks_like_video`` wants: five MPEG-TS packets, or the first pages of an Ogg file."""

VIDEO_EXTENSIONS = frozenset(
    ".3g2 .3gp .amv .asf .avi .divx .dv .f4v .flv .gxf .h264 .h265 .hevc .ismv .ivf .m1v .m2t .m2ts .m2v "
    ".m4v .mj2 .mkv .mov .mp4 .mpe .mpeg .mpg .mpv .mxf .nsv .nut .ogm .ogv .qt .rm .rmvb .tp .trp .vob "
    ".webm .wmv .wtv".split()
)
"""Names that mean video and nothing else."""

OTHER_EXTENSIONS = frozenset(
    ".aac .aax .aif .aiff .avif .cr3 .flac .heic .heif .jpeg .jpg .m4a .m4b .m4p .mka .mp3 .oga .ogg .opus "
    ".part .png .srt .tmp .wav .webp .wma .crdownload".split()
)
"""Names of audio, pictures and unfinished downloads, some of which begin like a video container."""

_PICTURE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
_OGG_VIDEO_CODECS = (b"\x80theora", b"BBCD\x00", b"OVP80", b"video\x00\x00\x00")
_MATROSKA, _FLV, _IVF = b"\x1aE\xdf\xa3", b"FLV\x01", b"DKIF"
_MPEG_PROGRAM, _MPEG_VIDEO = b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_MXF = bytes.fromhex("060e2b34020501010d010201")
_PREFIXES = (_MATROSKA, _FLV, _IVF, _MPEG_PROGRAM, _MPEG_VIDEO, _ASF, _MXF)


def names_video(path: PurePath) -> bool | None:
    """Return whether the extension of ``path`` means video; None when it is unknown."""
    extension = path.suffix.lower()
    if extension in VIDEO_EXTENSIONS:
        return True
    return False if extension in OTHER_EXTENSIONS else None


def looks_like_video(head: bytes) -> bool:
    """Return whether a file whose first ``HEAD_BYTES`` are ``head`` is a container that may hold video."""
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS + _SOUND_BRANDS
    if head.startswith(b"OggS"):
        return any(codec in head for codec in _OGG_VIDEO_CODECS)
    if head.startswith(b"RIFF"):
        return head[8:12] == b"AVI "
    return head.startswith(_PREFIXES) or _is_transport_stream(head)


def _is_transport_stream(head: bytes) -> bool:
    return any(
        len(head) > offset + 4 * size and all(head[offset + n * size] == 0x47 for n in range(5))
        for size, offset in ((188, 0), (192, 4))
    )
