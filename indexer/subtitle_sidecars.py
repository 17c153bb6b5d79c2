"""Subtitle files beside a video: ``film.srt``, ``film.en.vtt``, ``film.mp4.srt`` belong to ``film.mp4``."""

import stat
from bisect import bisect_left
from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path, PurePath

from indexer.container_signatures import names_video
from indexer.cue_text import MAX_CUES, NewCue, language_of
from indexer.errors import NotSubtitles
from indexer.subtitle_file import MAX_SUBTITLE_BYTES, Subtitles, parse_subtitles

SUFFIXES = frozenset({".srt", ".vtt"})

QUALIFIERS = frozenset({"cc", "default", "forced", "hi", "sdh"})
"""What players write behind the language: a kind of subtitles, not a language."""


@dataclass(frozen=True)
class Sidecars:
    """What the subtitle files of one video say, and what was wrong with them."""

    cues: list[NewCue]
    notes: tuple[str, ...] = ()


class SidecarFinder:
    """Reads the subtitles beside videos, listing a folder once for all that lie in it in a row."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._names = FolderNames(frozenset())

    def read(self, video: Path) -> Sidecars:
        """Return what the files beside ``video`` say; one that cannot be read leaves a note, no error."""
        cues: list[NewCue] = []
        notes: list[str] = []
        for name, language in self._names_in(video.parent).belonging(video.name):
            try:
                found = _read(video.with_name(name), language)
            except (NotSubtitles, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                notes.append(f"{name} was passed over ({reason})")
                continue
            kept = found.cues[: MAX_CUES - len(cues)]
            cues += kept
            if found.note:
                notes.append(f"{name}: {found.note}")
            if len(kept) < len(found.cues):
                notes.append(f"{name}: only {len(kept)} cues were kept, which makes {MAX_CUES} of all files")
        return Sidecars(cues, tuple(notes))

    def _names_in(self, folder: Path) -> "FolderNames":
        if folder != self._folder:
            try:
                self._names = FolderNames(frozenset(path.name for path in folder.iterdir()))
            except OSError:  # the video itself is then the one to be reported
                self._names = FolderNames(frozenset())
            self._folder = folder
        return self._names


class FolderNames:
    """The names in a folder, sorted so that asking for every video's takes no longer than reading them."""

    def __init__(self, names: Set[str]) -> None:
        self._taken = {PurePath(name).stem for name in names if names_video(PurePath(name))} | names
        self._subtitles = sorted(name for name in names if PurePath(name).suffix.lower() in SUFFIXES)

    def belonging(self, video_name: str) -> Iterator[tuple[str, str | None]]:
        """Yield the subtitle files of a video and their languages, in order of names.

        ``film.en.srt`` belongs to ``film.en.mp4`` where there is one, else to ``film.mp4``.
        """
        stem = PurePath(video_name).stem
        for name in self._beginning_with(f"{stem}."):
            named_after = PurePath(name).stem
            if named_after in (stem, video_name):
                yield name, None
            elif named_after not in self._taken:
                tags = named_after.removeprefix(f"{stem}.").split(".")
                languages = [tag for tag in tags if tag.lower() not in QUALIFIERS]
                if all(map(language_of, languages)):
                    yield name, languages[0] if languages else None

    def _beginning_with(self, prefix: str) -> Iterator[str]:
        first = bisect_left(self._subtitles, prefix)
        return takewhile(lambda name: name.startswith(prefix), islice(self._subtitles, first, None))


def _read(path: Path, language: str | None) -> Subtitles:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
        raise NotSubtitles("it is no regular file")
    with path.open("rb") as file:
        return parse_subtitles(file.read(MAX_SUBTITLE_BYTES + 1), language)
