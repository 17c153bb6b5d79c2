"""The cache of query vectors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.query_encoder import QueryEncoder
from tests.fakes import FakeTextEncoder, unit_vector


class CountingEncoder(FakeTextEncoder):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.seen += texts
        return super().encode(texts)


def test_the_same_words_are_encoded_once_however_they_are_spaced() -> None:
    encoder = CountingEncoder()
    queries = QueryEncoder(encoder)
    vectors = [queries.encode(words).vector for words in ("a cat", " a \t cat\n", "a cat")]
    assert encoder.seen == ["a cat"]
    assert all(np.array_equal(vector, unit_vector("a cat")) for vector in vectors)


class ShortSightedEncoder(CountingEncoder):
    def readable_part(self, text: str) -> str:
        return " ".join(text.split()[:2])


def test_words_that_begin_alike_keep_their_own_account_of_what_was_read() -> None:
    queries = QueryEncoder(ShortSightedEncoder())
    words = ("a black", "a black cat", "a black  dog", "a black cat")
    encoded = [queries.encode(one) for one in words]
    assert all(np.array_equal(one.vector, unit_vector("a black")) for one in encoded)
    assert [one.is_truncated for one in encoded] == [False, True, True, True]
    assert [one.text for one in encoded] == ["a black", "a black cat", "a black dog", "a black cat"]
    assert {one.read for one in encoded} == {"a black"}


def test_the_words_used_longest_ago_are_forgotten_first() -> None:
    encoder = CountingEncoder()
    queries = QueryEncoder(encoder, cached=2)
    for words in ("one", "two", "one", "three", "one", "two"):
        queries.encode(words)
    assert encoder.seen == ["one", "two", "three", "two"]
