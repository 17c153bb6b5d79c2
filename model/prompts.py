"""Prompts: the sentences around the words of a search, as in ``a video of {}``.

CLIP (arXiv 2103.00020, sections 3.1.4 and E.1) puts "a photo of a {}." around the names of classes and "a
photo of" before captions, and takes the mean of the vectors of many prompts. CLIP4Clip (arXiv 2104.08860),
CenterCLIP and TempMe search with captions as they are.
"""

from collections.abc import Sequence

PLACE = "{}"
"""Where the words go."""

AS_TYPED = (PLACE,)
"""The words alone."""


def check_prompts(prompts: Sequence[str]) -> tuple[str, ...]:
    """Return ``prompts``; raises ValueError naming the one that is wrong, and if there are none."""
    if isinstance(prompts, str):
        raise ValueError(f"the prompts are the single text {prompts!r}: give a list of them")
    for prompt in prompts:
        if prompt.count(PLACE) != 1:
            raise ValueError(
                f"the prompt {prompt!r} must hold {PLACE} once, for the words, as in 'a video of {PLACE}'"
            )
        if list(prompts).count(prompt) > 1:
            raise ValueError(f"the prompt {prompt!r} is there more than once: name each once")
    if not prompts:
        raise ValueError(f"there is no prompt: give one at least; {PLACE!r} is the words as they are typed")
    return tuple(prompts)


def fill(prompts: Sequence[str], words: str) -> list[str]:
    """Return each prompt with ``words`` in its place."""
    return [prompt.replace(PLACE, words) for prompt in prompts]
