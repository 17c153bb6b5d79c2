"""Subtitle files beside a video: ``film.srt``, ``film.en.vtt``, ``film.mp4.srt`` belong to ``film.mp4``."""

import stat
from collections.abc import Iterator, Set
from dataclasses import dataclass
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
        self._names: frozenset[str] = frozenset()

    def read(self, video: Path) -> Sidecars:
        """Return what the files beside ``video`` say; one that cannot be read leaves a note, no error."""
        cues: list[NewCue] = []
        notes: list[str] = []
        for name, language in belonging(video.name, self._names_in(video.parent)):
            try:
                found = _read(video.with_name(name), language)
            except (NotSubtitles, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                notes.append(f"{name} was passed over ({reason})")
                continue
            cues += found.cues[: MAX_CUES - len(cues)]
            if found.note:
                notes.append(f"{name}: {found.note}")
        return Sidecars(cues, tuple(notes))

    def _names_in(self, folder: Path) -> frozenset[str]:
        if folder != self._folder:
            try:
                self._names = frozenset(path.name for path in folder.iterdir())
            except OSError:  # the video itself is then the one to be reported
                self._names = frozenset()
            self._folder = folder
        return self._names


def belonging(video_name: str, names: Set[str]) -> Iterator[tuple[str, str | None]]:
    """Yield the subtitle files of a video among ``names``, and their languages, in order of names.

    ``film.en.srt`` belongs to ``film.en.mp4`` where there is one, else to ``film.mp4``.
    """
    stem = PurePath(video_name).stem
    videos = {PurePath(name).stem for name in names if names_video(PurePath(name))}
    for name in sorted(names):
        path = PurePath(name)
        if path.suffix.lower() not in SUFFIXES or path.stem in (videos | names) - {stem, video_name}:
            continue
        if path.stem in (stem, video_name):
            yield name, None
        elif path.stem.startswith(f"{stem}."):
            tags = path.stem.removeprefix(f"{stem}.").split(".")
            languages = [tag for tag in tags if tag.lower() not in QUALIFIERS]
            if all(map(language_of, languages)):
                yield name, languages[0] if languages else None


def _read(path: Path, language: str | None) -> Subtitles:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
        raise NotSubtitles("it is no regular file")
    with path.open("rb") as file:
        return parse_subtitles(file.read(MAX_SUBTITLE_BYTES + 1), language)
