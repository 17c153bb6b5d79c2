"""Text as words that compare alike everywhere: folded, without accents, one list for both databases.

A word is a run of letters, digits and marks. Scripts that put no space between words (Chinese, Japanese,
Thai, Lao, Khmer, Burmese) give one word a character, and are searched for by pairs of neighbours.
"""

import re
import unicodedata
from functools import lru_cache

from sqlalchemy import Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.types import TypeEngine

MAX_WORD_CHARACTERS = 60
"""A longer word is cut: the full text of Postgres refuses lexemes of 2 KB."""

ACCENT_CLASSES = frozenset([*range(10, 36), *range(200, 256)])
"""Unicode's combining classes of accents and of vowel points; other marks make another letter."""

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_ASTRAL_IDEOGRAPHS = range(0x20000, 0x32000)


def words_of(text: str) -> list[str]:
    """Return the words of ``text`` in order, folded: *Déjà vu!* is ``["deja", "vu"]``."""
    words: list[str] = []
    letters: list[str] = []
    for character in _folded(text):
        if not _is_part_of_words(character) or is_unspaced(character):
            words += _word(letters)
            letters = []
        if is_unspaced(character):
            words.append(character)
        elif _is_part_of_words(character):
            letters.append(character)
    return words + _word(letters)


@lru_cache(maxsize=4096)
def is_unspaced(character: str) -> bool:
    """Return whether ``character`` is a letter of a script that writes without spaces."""
    is_such = ord(character) in _ASTRAL_IDEOGRAPHS or _UNSPACED.match(character) is not None
    return is_such and _is_part_of_words(character)


class IndexedWords(TypeDecorator[list[str]]):
    """The words of a text as the full text index reads them: spaced on SQLite, a tsvector on Postgres.

    The words are made here, so the databases' own ideas of a word never come in; they cannot be read back.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return the column's type in ``dialect``."""
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str | None:
        """Return what is stored of the words ``value``."""
        if value is None:
            return None
        if dialect.name != "postgresql":
            return " ".join(value)
        return " ".join(f"'{word}':{place}" for place, word in enumerate(value, start=1))


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(part for part in parts if unicodedata.combining(part) not in ACCENT_CLASSES)
    return unicodedata.normalize("NFKC", kept).casefold()


@lru_cache(maxsize=4096)
def _is_part_of_words(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def _word(letters: list[str]) -> list[str]:
    return ["".join(letters[:MAX_WORD_CHARACTERS])] if letters else []
