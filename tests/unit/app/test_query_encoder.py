"""The cache of query vectors."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from app.query_encoder import QueryEncoder
from model.text_runtime.threads import concurrent_queries, query_threads
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


class SlowEncoder(CountingEncoder):
    """Waits until it is told to go on, and may fail the first time."""

    def __init__(self, *, is_broken: bool = False) -> None:
        super().__init__()
        self.go_on, self.is_broken = threading.Event(), is_broken

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.go_on.wait(10)
        if self.is_broken:
            self.is_broken = False
            raise ValueError("damaged")
        return super().encode(texts)


def ask(queries: QueryEncoder, encoder: SlowEncoder, words: Sequence[str]) -> list[NDArray[np.float32]]:
    """Return the vectors of words that are all asked for before the encoder goes on."""
    with ThreadPoolExecutor(len(words)) as requests:
        begun = threading.Barrier(len(words) + 1)

        def encode(one: str) -> NDArray[np.float32]:
            begun.wait()
            return queries.encode(one).vector

        answers = [requests.submit(encode, one) for one in words]
        begun.wait()
        encoder.go_on.set()
        return [answer.result() for answer in answers]


def test_the_same_words_asked_for_at_the_same_time_are_encoded_once() -> None:
    encoder = SlowEncoder()
    vectors = ask(QueryEncoder(encoder), encoder, ["a cat", " a  cat", "a dog", "a cat "])
    assert sorted(encoder.seen) == ["a cat", "a dog"]
    expected = [unit_vector(words) for words in ("a cat", "a cat", "a dog", "a cat")]
    np.testing.assert_array_equal(vectors, expected)


class CountedTurns(CountingEncoder):
    """Tells how many run at once, and with how many threads of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.lock, self.at_once, self.most_at_once = threading.Lock(), 0, 0
        self.torch_threads = set[int]()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.torch_threads.add(torch.get_num_threads())
        time.sleep(0.01)  # long enough for the others to come, were they let in
        with self.lock:
            self.at_once -= 1
        return super().encode(texts)


def test_no_more_words_are_encoded_at_once_than_fill_the_processors() -> None:
    encoder = CountedTurns()
    queries = QueryEncoder(encoder)

    def encode(number: int) -> None:
        torch.set_num_threads(query_threads() + 1)
        queries.encode(f"scene {number}")

    with ThreadPoolExecutor(12) as requests:
        list(requests.map(encode, range(12)))
    assert len(encoder.seen) == 12
    assert encoder.most_at_once <= concurrent_queries()
    assert max(encoder.torch_threads) <= query_threads()


def test_all_who_wait_for_words_that_cannot_be_encoded_are_told() -> None:
    class FailingEncoder(CountingEncoder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            time.sleep(0.1)  # the other one comes to wait
            raise ValueError("damaged")

    queries = QueryEncoder(FailingEncoder())
    with ThreadPoolExecutor(2) as requests:
        answers = [requests.submit(queries.encode, "a cat") for _ in range(2)]
        assert [str(answer.exception(5)) for answer in answers] == ["damaged", "damaged"]


def test_words_that_could_not_be_encoded_are_tried_again_when_asked_for_again() -> None:
    encoder = SlowEncoder(is_broken=True)
    encoder.go_on.set()
    queries = QueryEncoder(encoder)
    with pytest.raises(ValueError, match="damaged"):
        queries.encode("a cat")
    np.testing.assert_array_equal(queries.encode("a cat").vector, unit_vector("a cat"))


def test_words_are_encoded_while_a_faster_way_is_prepared_until_the_service_closes() -> None:
    class PreparingEncoder(CountingEncoder):
        has_given_up = False

        def prepare(self, folder: Path | None = None, is_stopped: Callable[[], bool] = lambda: False) -> None:
            assert folder == Path("kept")
            while not is_stopped():
                time.sleep(0.001)
            self.has_given_up = True

    encoder = PreparingEncoder()
    queries = QueryEncoder(encoder)
    queries.prepare(Path("kept"))
    assert len(queries.encode("a cat").vector) == 16
    assert not encoder.has_given_up
    queries.close()
    assert encoder.has_given_up
