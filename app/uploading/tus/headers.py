"""The headers of tus 1.0: what clients say in them, strictly read, and what is said of the service."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from app.display_name import display_name
from app.upload_errors import TUS_VERSION, InvalidUploadRequest, NotOffsetStream, UnsupportedTusVersion
from app.uploading.fields import UploadFields, validated_fields

EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"

CHECKSUM_ALGORITHMS = ("sha1", "sha256")

PIECE_TYPE = "application/offset+octet-stream"

NUMBER = re.compile(r"[0-9]{1,18}")
METADATA_KEY = re.compile(r"[!-+\--~]+")  # ASCII without blank and comma

FILENAME_KEYS = ("filename", "name")
"""What clients call the file: the protocol leaves it to them."""


@dataclass(frozen=True)
class Metadata:
    """What ``Upload-Metadata`` says of a video."""

    filename: str
    fields: UploadFields


@dataclass(frozen=True)
class Checksum:
    """What the bytes of a piece must come to."""

    algorithm: str
    digest: bytes

    def fits(self, computed: bytes) -> bool:
        """Return whether that is what they came to."""
        return computed == self.digest


def require_version(version: str | None) -> None:
    """Raise UnsupportedTusVersion for a client that speaks another one."""
    if version != TUS_VERSION:
        raise UnsupportedTusVersion(version)


def require_piece_type(content_type: str | None) -> None:
    """Raise NotOffsetStream for a body that is no piece of a file."""
    if (content_type or "").partition(";")[0].strip().lower() != PIECE_TYPE:
        raise NotOffsetStream(f"Content-Type is {content_type!r}: send pieces as {PIECE_TYPE}")


def read_number(name: str, value: str | None) -> int | None:
    """Return a number of bytes, None for a header that is not there; raises InvalidUploadRequest."""
    if value is None:
        return None
    if not NUMBER.fullmatch(value):
        raise InvalidUploadRequest(f"{name} is {value[:50]!r}: send a number of bytes, as 1048576")
    return int(value)


def read_length(length: str | None, defer_length: str | None, concat: str | None) -> int | None:
    """Return the length of a new upload, None when it is told later; raises InvalidUploadRequest."""
    if concat is not None:
        raise InvalidUploadRequest("Upload-Concat is not offered here: send each file in one upload")
    if defer_length is not None and defer_length != "1":
        raise InvalidUploadRequest(f"Upload-Defer-Length is {defer_length[:50]!r}: the only value is 1")
    if (length is None) == (defer_length is None):
        raise InvalidUploadRequest("send either Upload-Length, or Upload-Defer-Length: 1")
    return read_number("Upload-Length", length)


def read_checksum(value: str | None) -> Checksum | None:
    """Return the checksum of a piece, None when there is none; raises InvalidUploadRequest."""
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    if algorithm not in CHECKSUM_ALGORITHMS:
        raise InvalidUploadRequest(
            f"Upload-Checksum is of algorithm {algorithm[:50]!r}: use one of {', '.join(CHECKSUM_ALGORITHMS)}"
        )
    digest = _decoded("Upload-Checksum", encoded)
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise InvalidUploadRequest(f"Upload-Checksum {value[:100]!r} has not the length of {algorithm}")
    return Checksum(algorithm, digest)


def read_metadata(value: str | None) -> Metadata:
    """Return what is said of a video; raises InvalidUploadRequest, and RequestValidationError for a field.

    Keys that are no field of ours are the client's own business, as its ``filetype``.
    """
    texts = _pairs(value or "")
    known = {name: texts[name] for name in UploadFields.model_fields if name in texts}
    named = next((texts[key] for key in FILENAME_KEYS if texts.get(key)), "")
    return Metadata(display_name(named), validated_fields(known))


def _pairs(value: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for pair in value.split(",") if value.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        if not METADATA_KEY.fullmatch(key):
            raise InvalidUploadRequest(
                f"Upload-Metadata has the key {key[:50]!r}: write pairs of an ASCII key and Base64, as "
                "filename ZmlsbS5tcDQ=, parted by commas"
            )
        if key in texts:
            raise InvalidUploadRequest(f"Upload-Metadata has the key {key[:50]!r} twice: send it once")
        texts[key] = _text(key, encoded.strip())
    return texts


def _text(key: str, encoded: str) -> str:
    try:
        return _decoded(f"Upload-Metadata {key[:50]!r}", encoded).decode()
    except UnicodeDecodeError as error:
        raise InvalidUploadRequest(f"Upload-Metadata {key[:50]!r} is no UTF-8: encode it so") from error


def _decoded(what: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InvalidUploadRequest(f"{what} is {encoded[:50]!r}, which is not Base64: {error}") from error
