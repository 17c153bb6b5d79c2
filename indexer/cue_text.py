"""A cue of a subtitle: what is said and when, as clean text. Light: the decoding process loads it too."""

import html
import re
import unicodedata
from dataclasses import dataclass

MAX_CUES = 100_000
"""Of one video: ten times what a day of talk has."""

MAX_CUE_CHARACTERS = 2_000
"""Nobody reads more at once; the rest of a longer one is left out."""

MAX_TIME_S = 7 * 24 * 3600.0
"""No film is longer than a week."""

MAX_LANGUAGE_CHARACTERS = 35
"""The longest tag that BCP 47 asks everybody to have room for."""

_TAG = re.compile(r"</?[A-Za-z\d!][^<>]*>")  # <i>, <v Anna>, <00:00:01.000>
_STYLE = re.compile(r"\{\\[^{}]*\}")  # {\an8}
_NO_CHARACTER = re.compile(r"&#\d{8,};?")  # Python refuses to read a number of thousands of digits
_CONTROLS = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_LANGUAGE = re.compile(r"(?!und\b)[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_JOINERS = "\u200c\u200d"
"""Invisible, yet part of how Persian and Indian words are written."""


@dataclass(frozen=True)
class NewCue:
    """What is said from ``start_s`` to ``end_s``; ``language`` as the subtitles tell it, if they do."""

    start_s: float
    end_s: float
    text: str
    language: str | None = None


def spoken_text(written: str) -> str:
    """Return what is said of a cue's text: without tags, entities, control characters, on one line."""
    text = _STYLE.sub("", _TAG.sub("", written[: 4 * MAX_CUE_CHARACTERS]))
    text = html.unescape(_NO_CHARACTER.sub("", text))
    if not text.isprintable():
        text = "".join(character if _is_shown(character) else " " for character in text)
    return " ".join(text.split())[:MAX_CUE_CHARACTERS]


def is_possible(start_s: float, end_s: float) -> bool:
    """Return whether words can be said from ``start_s`` to ``end_s``; NaN and what runs backwards can not."""
    return 0 <= start_s <= end_s <= MAX_TIME_S


def language_of(tag: str | None) -> str | None:
    """Return ``tag`` if it is the tag of a language (*en*, *pt-BR*, *deu*), else None."""
    if tag is None or len(tag) > MAX_LANGUAGE_CHARACTERS or not _LANGUAGE.fullmatch(tag):
        return None
    return tag


def _is_shown(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in _CONTROLS
