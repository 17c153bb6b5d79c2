r"""Typed words, read as terms: the grammar of ``q``, which docs/search.md describes.

::

    a dog on a beach -people          away from people
    a dog -"on a leash"               away from several words
    "good morning"                    the words said must stand together
    t-shirt, -5 °C, a - b             dashes inside words, before digits and alone are what they look like
    \-dark, "-dark"                    a dash at the start of a word, meant as one
    a dog then a car within 30 s      a sequence of two steps; "then" in quotes is a word
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from app.search.asking.query import Term, Words

NEGATIVE_WEIGHT = -0.5
"""Tried on real clips: with a whole -1 the hits are what is least like the unwanted, and little else."""

_TYPOGRAPHIC_QUOTES = str.maketrans("“”„‟", '""""')
"""What telephones and text processors make of plain ones."""

_PHRASE = r'"(?P<phrase>(?:[^"\\]|\\.)*)"(?P<end>[,.;:!?)]*)(?!\S)'
_PIECE = re.compile(rf"(?P<minus>-)?{_PHRASE}|(?P<word>\S+)", re.DOTALL)
_QUOTED = re.compile(rf"(?<!\S){_PHRASE}", re.DOTALL)
_WITHIN = re.compile(
    r"\s+within\s+(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|secs?|seconds?|min|minutes?)\s*$", re.IGNORECASE
)
_ESCAPED = re.compile(r'\\([-"])')


class TypedSteps(NamedTuple):
    """What is looked for, one after the other."""

    steps: tuple[str, ...]
    """Each as typed; one, as a rule."""
    within_s: float | None
    """None when nothing was typed of it."""


def read_steps(typed: str) -> TypedSteps:
    """Return the steps that a bare ``then`` with words on both sides of it parts ``typed`` into."""
    plain = typed.translate(_TYPOGRAPHIC_QUOTES)
    steps: list[str] = []
    start = 0
    for found in _PIECE.finditer(plain):
        is_then = (found["word"] or "").lower() == "then"
        if is_then and plain[start : found.start()].strip() and plain[found.end() :].strip():
            steps.append(plain[start : found.start()].strip())
            start = found.end()
    steps.append(plain[start:].strip())
    within = _WITHIN.search(steps[-1]) if len(steps) > 1 else None
    if within is None:
        return TypedSteps(tuple(steps), None)
    steps[-1] = steps[-1][: within.start()]
    seconds = 60 if within["unit"].lower().startswith("m") else 1
    return TypedSteps(tuple(steps), float(within["count"]) * seconds)


def read_terms(typed: str) -> tuple[Term, ...]:
    """Return what ``typed`` asks for, first the one description that is wanted, then what is not.

    There is none of the former, or nothing at all, when nothing was typed for it.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for text, is_wanted in _pieces(typed.translate(_TYPOGRAPHIC_QUOTES)):
        (wanted if is_wanted else unwanted).append(text)
    descriptions = [Term(Words(" ".join(wanted)))] if wanted else []
    return (*descriptions, *(Term(Words(text), NEGATIVE_WEIGHT) for text in unwanted))


def without_quotes(text: str) -> str:
    """Return a description as the model reads it: its quotes are for words said."""
    return " ".join(_QUOTED.sub(lambda found: _unescaped(found["phrase"]) + found["end"], text).split())


def _pieces(typed: str) -> Iterator[tuple[str, bool]]:
    """Yield each word or phrase, and whether it is wanted."""
    for found in _PIECE.finditer(typed):
        if (phrase := found["phrase"]) is not None:
            text = " ".join(_unescaped(phrase).split())
            if text:
                yield (text, False) if found["minus"] else (f'"{text}"{found["end"]}', True)
        elif _is_unwanted(word := found["word"]):
            yield word.lstrip("-").strip('",.;:!?'), False
        else:
            yield _unescaped(word), True


def _is_unwanted(word: str) -> bool:
    """Tell whether ``word`` is a dash with a word behind it: no number, no arrow, no second dash."""
    if not word.startswith("-"):
        return False
    first = word[1:].lstrip('"')[:1]
    return bool(first) and (first.isalpha() or unicodedata.category(first) == "So")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
