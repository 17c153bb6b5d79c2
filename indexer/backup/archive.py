"""The file of a backup: a tar that anybody can unpack, whose last member is ``SHA256SUMS`` of all the others.

::

    reelseek-backup.json      its format, by which version and when it was made
    media/…, thumbnails/…     as they lie in the library's folder
    catalog.db                every row, as SQLite, whatever database the library uses
    SHA256SUMS                as ``sha256sum --check`` reads it

Members are written and read one after the other, in pieces. A tar that was cut short has no ``SHA256SUMS`` or
not the whole of it, so that something is not listed.
"""

import hashlib
import io
import json
import os
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Self

FORMAT = 1

HEADER = "reelseek-backup.json"
CATALOG = "catalog.db"
SUMS = "SHA256SUMS"
MEDIA = "media/"
THUMBNAILS = "thumbnails/"

_MEMBER = re.compile(
    rf"{re.escape(HEADER)}|{re.escape(CATALOG)}|"
    rf"{MEDIA}(?P<media>([0-9a-f]{{2}})/\2[0-9a-f]{{62}}(\.[a-z0-9]{{1,8}})?)|"
    rf"{THUMBNAILS}([0-9a-f]{{2}})/\4[0-9a-f]{{62}}/[0-9]{{10}}\.jpg"
)

_CHUNK_BYTES = 1024 * 1024

Place = Callable[[str], Path]
"""Where a member of a name is to be written."""


class UnusableBackup(ValueError):  # noqa: N818 - it says what is wrong, as the other reasons do
    """A file is no backup, or not a whole one; the message says what is wrong with it."""


class _HashingReader:
    """What is read passes through a checksum."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.digest.update(chunk)
        return chunk


class ArchiveWriter:
    """Writes members to a stream that need not be seekable; ``finish`` makes it whole."""

    def __init__(self, stream: BinaryIO, version: str) -> None:
        """Begin a backup that says by which version of ReelSeek it was made."""
        self._tar = tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - finish() closes it
        self._sums: dict[str, str] = {}
        self._made_at = time.time()
        made_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._made_at))
        header = {"format": FORMAT, "version": version, "made_at": made_at}
        self._add_bytes(HEADER, json.dumps(header).encode() + b"\n")

    def __enter__(self) -> Self:
        """Return itself: a block that ends with an error leaves the archive as far as it is."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_details: object) -> None:
        """Keep an archive that failed from ending itself, onto a full disk, when it is thrown away."""
        if kind is not None:
            vars(self._tar.fileobj)["closed"] = True

    def add(self, name: str, stream: IO[bytes]) -> str:
        """Add what a file holds and return its sha256.

        Raises ValueError for a name that no backup holds, OSError when the file shrinks meanwhile.
        """
        if not _MEMBER.fullmatch(name):
            raise ValueError(f"{name!r} has no place in a backup")
        size = os.fstat(stream.fileno()).st_size
        return self._add(name, stream, size)

    def finish(self) -> None:
        """Write the checksums and the end of the archive."""
        lines = "".join(f"{digest}  {name}\n" for name, digest in self._sums.items())
        self._add_bytes(SUMS, lines.encode())
        self._tar.close()

    def _add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), len(content))

    def _add(self, name: str, stream: IO[bytes], size: int) -> str:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, int(self._made_at), 0o600
        reader = _HashingReader(stream)
        self._tar.addfile(member, reader)
        vars(self._tar)["members"].clear()  # else it would remember every thumbnail
        self._sums[name] = reader.digest.hexdigest()
        return self._sums[name]


class ArchiveReader:
    """Takes a backup apart, once, in the order it was written."""

    def __init__(self, path: Path) -> None:
        """Read the file at ``path``, which is opened by ``extract``."""
        self._path = path
        self._sums: dict[str, str] = {}

    def extract(self, place: Place) -> Self:
        """Write each member to where ``place`` says, and check all of them.

        Raises UnusableBackup for what is no whole backup; what was written is to be thrown away then.
        """
        try:
            with self._path.open("rb") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
                claimed = self._extract_members(tar, place)
        except FileNotFoundError as error:
            raise UnusableBackup(f"there is no backup at {self._path}") from error
        except (tarfile.TarError, EOFError) as error:
            raise self._refusal(f"{error}") from error
        self._compare(claimed)
        return self

    @property
    def media_paths(self) -> dict[str, str]:
        """Return the sha256 of each media file, by its path in the media folder."""
        return {
            match["media"]: digest
            for name, digest in self._sums.items()
            if (match := _MEMBER.fullmatch(name)) and match["media"]
        }

    def names(self, prefix: str) -> Iterator[str]:
        """Yield what follows ``prefix`` in the names of the members that begin with it."""
        return (name.removeprefix(prefix) for name in self._sums if name.startswith(prefix))

    def _extract_members(self, tar: tarfile.TarFile, place: Place) -> dict[str, str]:
        for member in tar:
            vars(tar)["members"].clear()  # else it would remember every thumbnail
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is None or member.name in self._sums:
                raise self._refusal(f"{member.name!r} is not a file, or is there twice")
            if member.name == SUMS:
                return self._read_sums(stream.read())
            if not _MEMBER.fullmatch(member.name):
                raise self._refusal(f"{member.name!r} is nothing that a backup holds")
            if member.name == HEADER:
                self._sums[HEADER] = self._check_header(stream.read(_CHUNK_BYTES))
            else:
                self._sums[member.name] = _write(stream, place(member.name))
        raise self._refusal(f"it ends without {SUMS}: it was cut short or damaged")

    def _check_header(self, content: bytes) -> str:
        try:
            found = json.loads(content)["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._refusal(f"{HEADER} cannot be read") from error
        if found != FORMAT:
            raise self._refusal(f"it has format {found}, this version of ReelSeek reads {FORMAT}")
        return hashlib.sha256(content).hexdigest()

    def _read_sums(self, content: bytes) -> dict[str, str]:
        lines = (line.partition("  ") for line in content.decode(errors="replace").splitlines())
        return {name: digest for digest, _, name in lines}

    def _compare(self, claimed: dict[str, str]) -> None:
        for name in {HEADER, CATALOG} | claimed.keys() | self._sums.keys():
            if name not in self._sums:
                raise self._refusal(f"{name!r} is missing in it")
            if claimed.get(name) != self._sums[name]:
                raise self._refusal(f"the checksum of {name!r} is wrong: it was damaged")

    def _refusal(self, reason: str) -> UnusableBackup:
        return UnusableBackup(f"{self._path} is no whole backup of ReelSeek: {reason}. Nothing was changed")


def _write(stream: IO[bytes], path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as target:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()
