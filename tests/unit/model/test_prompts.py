"""Prompts: each has one place for the words."""

import pytest

from model.prompts import AS_TYPED, check_prompts, fill


def test_words_go_where_the_prompt_has_its_place_and_are_not_themselves_looked_into() -> None:
    assert fill(["a video of {}", "{}"], "a {} cat {0}") == ["a video of a {} cat {0}", "a {} cat {0}"]
    assert fill(AS_TYPED, "a cat") == ["a cat"]


@pytest.mark.parametrize("prompt", ["a video", "", "{} and {}", "{0}", "{ }"])
def test_a_prompt_without_exactly_one_place_is_refused_by_name(prompt: str) -> None:
    with pytest.raises(ValueError, match=r"must hold \{\} once") as error:
        check_prompts(["{}", prompt])
    assert repr(prompt) in str(error.value)


def test_no_prompt_a_repeated_one_and_a_bare_text_are_refused() -> None:
    with pytest.raises(ValueError, match="there is no prompt"):
        check_prompts([])
    with pytest.raises(ValueError, match=r"'a \{\}' is there more than once"):
        check_prompts(["a {}", "{}", "a {}"])
    with pytest.raises(ValueError, match=r"single text 'a \{\}'"):
        check_prompts("a {}")
