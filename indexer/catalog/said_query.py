"""What a person typed, as a full text query: nothing of it is an operator except the quotes of a phrase.

A **unit** is a run of words that must be said one after the other: one word, a quoted phrase, the parts of
what was typed in one piece (*don't*, *e-mail*), two neighbours of a script without spaces.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from indexer.catalog.spoken_words import is_unspaced, words_of

Unit = tuple[str, ...]

MAX_UNITS = 32
"""More words than anybody remembers of what was said; the database's work grows with them."""

FUNCTION_WORDS = frozenset(
    "a an and are as at be been but by can did do does for from had has have he her him his how i if in into "
    "is it its me my no not of on or our she so that the their them then there they this to was we were what "
    "when where which who will with would you your".split()
)
"""Said everywhere, so they tell no moment from another: asked for only in phrases, or when there is no more.

English, as the encoders' text towers are.
"""

_PARTED = re.compile(r"[\s,;:/|+&!?()\[\]{}<>]+")
"""Between two typed words; an apostrophe, a hyphen or a full stop keeps them together."""

_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»')


@dataclass(frozen=True)
class SaidQuery:
    """Units that are looked for (at least one), and sets of units that must not all be there."""

    units: tuple[Unit, ...]
    excluded: tuple[tuple[Unit, ...], ...] = ()


def parse(words: str, excluded: Sequence[str]) -> SaidQuery | None:
    """Return the query for ``words`` without any of ``excluded``; None when no word is left to look for."""
    units = _units(words)
    telling = [unit for unit in units if len(unit) > 1 or unit[0] not in FUNCTION_WORDS]
    if not units:
        return None
    return SaidQuery(
        units=tuple((telling or units)[:MAX_UNITS]),
        excluded=tuple(tuple(found[:MAX_UNITS]) for text in excluded if (found := _units(text))),
    )


def _units(text: str) -> list[Unit]:
    phrases = [tuple(words_of("".join(groups))) for groups in _QUOTED.findall(text)]
    rest = _PARTED.split(_QUOTED.sub(" ", text))
    found = [phrase for phrase in phrases if phrase]
    found += [unit for typed in rest for unit in _units_of_typed(typed)]
    return list(dict.fromkeys(found))


def _units_of_typed(typed: str) -> list[Unit]:
    """Return the units of what was typed in one piece."""
    units: list[Unit] = []
    for is_run, group in groupby(words_of(typed), key=_is_unspaced_word):
        words = tuple(group)
        units += list(pairwise(words)) if is_run and len(words) > 1 else [words]
    return units


def _is_unspaced_word(word: str) -> bool:
    return len(word) == 1 and is_unspaced(word)
