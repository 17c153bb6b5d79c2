"""The grammar of typed words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.asking.query import Term, Words
from app.search.asking.query_words import NEGATIVE_WEIGHT, TypedSteps, read_steps, read_terms, without_quotes


def parts(typed: str) -> tuple[list[str], list[str]]:
    """Return the descriptions that are wanted, and those that are not."""
    terms = [(term.example, term.weight) for term in read_terms(typed)]
    texts = [(example.text, weight) for example, weight in terms if isinstance(example, Words)]
    return [text for text, weight in texts if weight > 0], [text for text, weight in texts if weight < 0]


def test_plain_words_are_one_description() -> None:
    assert read_terms(" a dog  on\ta beach ") == (Term(Words("a dog on a beach")),)


@pytest.mark.parametrize(
    ("typed", "wanted", "unwanted"),
    [
        ("a beach -people", "a beach", ["people"]),
        ("-people a beach -dogs", "a beach", ["people", "dogs"]),
        ('a dog -"on a leash" outdoors', "a dog outdoors", ["on a leash"]),
        ("a dog -people, at night", "a dog at night", ["people"]),
        ('a dog -"on a leash", at night', "a dog at night", ["on a leash"]),
        ("a dog -“on a leash”", "a dog", ["on a leash"]),
        ("猫 -犬", "猫", ["犬"]),
        ("a cat -🐕", "a cat", ["🐕"]),
        ("a shirt -t-shirt", "a shirt", ["t-shirt"]),
        ('a dog -"unclosed', "a dog", ["unclosed"]),
        ('a dog -""', "a dog", []),
    ],
)
def test_a_dash_before_a_word_or_quotes_turns_away_from_it(
    typed: str, wanted: str, unwanted: list[str]
) -> None:
    assert parts(typed) == ([wanted], unwanted)


@pytest.mark.parametrize(
    "typed",
    ["a t-shirt", "-5 degrees", "-.5 degrees", "a - b", "a -- b", "--help", "a → b -> c", "a dash- b", "–x"],
)
def test_other_dashes_are_what_they_look_like(typed: str) -> None:
    assert parts(typed) == ([typed], [])


@pytest.mark.parametrize(("typed", "read"), [(r"\-dark", "-dark"), ('"-dark"', "-dark"), (r"a \"b", 'a "b')])
def test_a_backslash_or_quotes_make_a_sign_a_letter(typed: str, read: str) -> None:
    (wanted,), unwanted = parts(typed)
    assert (without_quotes(wanted), unwanted) == (read, [])


def test_quotes_stay_for_words_said_and_go_for_the_model() -> None:
    (wanted,), _ = parts('he says "good  morning", twice')
    assert wanted == 'he says "good morning", twice'
    assert without_quotes(wanted) == "he says good morning, twice"


def test_inches_are_no_quotes() -> None:
    assert parts('a 24" screen and a 27" one') == (['a 24" screen and a 27" one'], [])
    assert without_quotes('a 24" screen and a 27" one') == 'a 24" screen and a 27" one'


@pytest.mark.parametrize("typed", ["", " \n", '""', '-""'])
def test_nothing_typed_is_no_term(typed: str) -> None:
    assert read_terms(typed) == ()


@given(st.text(alphabet='ab- "\\5,.“é', max_size=30))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_any_text_is_read_as_at_most_one_description_and_what_it_is_not(typed: str) -> None:
    wanted, unwanted = parts(typed)
    assert len(wanted) <= 1
    assert all(text.strip() for text in wanted + unwanted)
    assert not unwanted or "-" in typed
    assert {term.weight for term in read_terms(typed)} <= {1.0, NEGATIVE_WEIGHT}


@pytest.mark.parametrize(
    ("typed", "steps", "within_s"),
    [
        ("a dog then a car", ("a dog", "a car"), None),
        ("a dog THEN a car within 30 s", ("a dog", "a car"), 30),
        ("a dog then a car then a cat within 1.5min", ("a dog", "a car", "a cat"), 90),
        ("a dog then a car within 2 minutes ", ("a dog", "a car"), 120),
        ("a dog then a car -people", ("a dog", "a car -people"), None),
        ('a dog "then" a car', ('a dog "then" a car',), None),
        ('"first this then that" on a sign', ('"first this then that" on a sign',), None),
        ("then a car", ("then a car",), None),
        ("a car then", ("a car then",), None),
        ("a dog then then a car", ("a dog", "then a car"), None),
        ("a dog athen a car", ("a dog athen a car",), None),
        ("a dog within 30 s", ("a dog within 30 s",), None),
        ("a dog then within 30 s", ("a dog", "within 30 s"), None),
        ("", ("",), None),
    ],
)
def test_a_bare_then_parts_steps(typed: str, steps: tuple[str, ...], within_s: float | None) -> None:
    assert read_steps(typed) == TypedSteps(steps, within_s)
