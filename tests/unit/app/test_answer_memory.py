"""Answers given again."""

from app.answer_memory import AnswerMemory


def test_an_answer_is_given_again_in_the_same_state_of_things_only() -> None:
    memory = AnswerMemory()
    memory.keep("a dog", state=1, answer=b"hits")
    assert memory.find("a dog", state=1) == b"hits"
    assert memory.find("a cat", state=1) is None
    assert memory.find("a dog", state=2) is None
    assert memory.find("a dog", state=1) is None  # a state never comes back: nobody waits for it


def test_the_answers_asked_for_last_stay_when_room_runs_out() -> None:
    memory = AnswerMemory(max_bytes=10)
    for asked in ("first", "second"):
        memory.keep(asked, 1, b"12345")
    assert memory.find("first", 1) is not None
    memory.keep("third", 1, b"12345")
    kept = [asked for asked in ("first", "second", "third") if memory.find(asked, 1)]
    assert kept == ["first", "third"]


def test_an_answer_that_is_too_large_is_not_kept_and_an_answer_made_anew_counts_once() -> None:
    memory = AnswerMemory(max_bytes=10)
    memory.keep("a dog", 1, b"1" * 11)
    assert memory.find("a dog", 1) is None
    for _ in range(3):
        memory.keep("a dog", 1, b"1" * 6)
    memory.keep("a cat", 1, b"1" * 4)
    assert memory.find("a dog", 1) and memory.find("a cat", 1)
