"""SubRip and WebVTT files as cues, whoever wrote them: odd cues are left out and counted.

No library is used. Tried: pysubs2 1.8.1 takes identifiers and comments of WebVTT for words said, srt 3.5.3 a
cue with unreadable times for words of the cue before; webvtt-py 0.6.0 passes over such cues without a sign.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO

from indexer.cue_text import MAX_CUE_CHARACTERS, MAX_CUES, NewCue, is_possible, spoken_text
from indexer.errors import NotSubtitles

MAX_SUBTITLE_BYTES = 16 * 1024 * 1024
"""The dialogue of a long film has 0.1 MB."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_TIME = r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s|$)")


@dataclass
class Subtitles:
    """The cues of one file, and what was wrong with it."""

    cues: list[NewCue] = field(default_factory=list)
    refused: int = 0
    """Cues left out: their times cannot be read, run backwards or lie beyond a week."""
    is_cut_off: bool = False
    """There are more cues than are kept: the rest was not read."""
    is_guessed: bool = False
    """The text is no UTF-8 and was read as Windows-1252, which may be wrong."""

    @property
    def note(self) -> str | None:
        """Return what was wrong, in words, or None."""
        found = []
        if self.refused:
            found.append(f"cues left out for impossible times: {self.refused}")
        if self.is_cut_off:
            found.append(f"only the first {MAX_CUES} cues were read")
        if self.is_guessed:
            found.append("no UTF-8, so read as Windows-1252")
        return "; ".join(found) or None


def parse_subtitles(content: bytes, language: str | None = None) -> Subtitles:
    """Return the cues of a SubRip or WebVTT file; raises NotSubtitles when it has none that can be used."""
    require_length(len(content))
    text, is_guessed = _decoded(content)
    found = Subtitles(is_guessed=is_guessed)
    for number, (start_s, end_s, written) in enumerate(_written_cues(text)):
        if number == MAX_CUES:
            found.is_cut_off = True
            break
        _take(found, start_s, end_s, spoken_text(written), language)
    if not found.cues:
        reason = f"none of the {found.refused} cues in it can be used" if found.refused else "no cue is in it"
        raise NotSubtitles(
            f"{reason}: send SubRip (.srt) or WebVTT (.vtt), where a line such as "
            "00:00:01,000 --> 00:00:02,500 comes before the words"
        )
    return found


def require_length(size_bytes: int) -> None:
    """Raise NotSubtitles for more bytes than the subtitles of a video have."""
    if size_bytes > MAX_SUBTITLE_BYTES:
        raise NotSubtitles(
            f"the subtitles have more than the {MAX_SUBTITLE_BYTES} bytes allowed: "
            "send the subtitles of one video, as SubRip (.srt) or WebVTT (.vtt)"
        )


def subtitle_warning(notes: Sequence[str]) -> str | None:
    """Return ``notes`` on the subtitles of a video as one sentence; None when there are none."""
    return f"Subtitles: {'; '.join(notes)}." if notes else None


def _take(found: Subtitles, start_s: float, end_s: float, text: str, language: str | None) -> None:
    if not is_possible(start_s, end_s):
        found.refused += 1
    elif text:
        found.cues.append(NewCue(start_s, end_s, text, language))


def _decoded(content: bytes) -> tuple[str, bool]:
    """Return the text of a file, and whether its encoding is a guess."""
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), None)
    if encoding is not None:
        return content.decode(encoding, errors="replace"), False
    head = content[:4096]
    if head.count(0) > len(head) // 4:  # UTF-16 without a mark: Latin letters have a zero beside them
        encoding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        return content.decode(encoding, errors="replace"), False
    try:
        return content.decode(), False
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), True


def _written_cues(text: str) -> Iterator[tuple[float, float, str]]:
    """Yield the seconds and the raw text of each cue; times that cannot be read are NaN."""
    is_webvtt = text.lstrip("\ufeff").startswith("WEBVTT")
    times: tuple[float, float] | None = None
    lines: list[str] = []
    for line in StringIO(text, newline=None):
        if "-->" in line and _looks_like_times(line):
            if times is not None:
                yield *times, _joined(lines, is_webvtt)
            times, lines = _seconds(line), []
        elif is_webvtt and not line.strip():
            if times is not None:
                yield *times, _joined(lines, is_webvtt)
            times = None  # what follows is an identifier, a comment, a style sheet
        elif times is not None and len(lines) < MAX_CUE_CHARACTERS:
            lines.append(line[: 4 * MAX_CUE_CHARACTERS])
    if times is not None:
        yield *times, _joined(lines, is_webvtt=True)


def _joined(lines: list[str], is_webvtt: bool) -> str:
    """Return the text of a cue; in SubRip the last line before the next times is the next cue's number."""
    if not is_webvtt and lines and lines[-1].strip().isdecimal():
        lines = lines[:-1]
    return "".join(lines)


def _looks_like_times(line: str) -> bool:
    """Return whether the arrow in ``line`` stands between times, readable or not, and not between words."""
    before = line.partition("-->")[0].strip()
    has_digit = any(character.isdecimal() for character in before)
    return len(before.split()) <= 1 and (has_digit or not any(map(str.isalpha, before)))


def _seconds(line: str) -> tuple[float, float]:
    found = _TIMES.match(line)
    if found is None:
        return float("nan"), float("nan")
    parts = found.groups()
    return _second(*parts[:4]), _second(*parts[4:])


def _second(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")
