"""Examples, joined into the one vector that the index is asked with.

Cosines of words with clips differ by little from clip to clip, those of pictures by several times as much, so
that a plain sum would hardly hear the words of "like this, at night". Each example therefore counts in units
of its own spread: the score of a clip c is Σ wᵢ (vᵢ·c − μᵢ)/σᵢ, with mean and standard deviation over the
library's background sample. The means move all clips alike, and the rest is the dot product of c with one
vector, Σ wᵢ vᵢ/σᵢ, which any index can be asked for.

Relevance feedback moves that vector towards the mean of the clips judged relevant and away from that of the
irrelevant ones: α q + β r − γ n (J. J. Rocchio, Relevance Feedback in Information Retrieval, in The SMART
Retrieval System, 1971), each of the three in units of its spread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.dependencies import Services
from app.errors import InvalidSearch
from app.search.asking.examples import ExampleReader
from app.search.asking.query import Term, Words

ALPHA, BETA, GAMMA = 1.0, 0.75, 0.15
"""Of the query, of what is relevant, of what is not: the usual ones (Manning et al., Introduction to
Information Retrieval, 2008, section 9.1.1). What is wrong says less of what is right than another example."""

SAMPLED_CLIPS = 4096

MIN_BACKGROUND = 16
"""With fewer clips a spread is chance: then weights alone count."""

MIN_SPREAD = 1e-3
"""A spread as small as float16 rounds vectors is none."""

MIN_LENGTH = 1e-3
"""Of the sum of examples, in units of the longest of them: what is shorter is rounding."""

NO_VECTOR = np.empty(0, np.float32)

WeightedVector = tuple[float, NDArray[np.float32]]


@dataclass(frozen=True)
class Target:
    """What the library is compared with."""

    vector: NDArray[np.float32]
    """(D,), unit; (0,) when only what is said counts."""
    is_words: bool
    """Whether it is one description and nothing else: what confidence is calibrated for."""
    is_composed: bool = False
    """Whether it is a sum, in which the library's spreads have a say: it changes when they do."""
    said: str = ""
    """The positive words, for words said; empty if there are none."""
    excluded: tuple[str, ...] = ()
    """The negative words, for words said."""
    notices: tuple[str, ...] = ()
    own_ids: tuple[str, ...] = ()
    """Ids of clips that are not to be found: a clip "like this" is not its own answer, and one that was
    judged irrelevant is no answer at all."""


def aim(
    services: Services, terms: Sequence[Term], relevant: Sequence[str] = (), irrelevant: Sequence[str] = ()
) -> Target:
    """Return the target of ``terms`` and of the ids of judged clips.

    Raises what ExampleReader does, and InvalidSearch for examples that leave nothing to look for. It may hold
    the index's read lock for a moment: call it outside ``follower.reading()``.
    """
    reader = ExampleReader(services)
    examples = [(term.weight, reader.read(term.example)) for term in terms]
    judged = [
        (weight, _mean(reader.clips(clip_ids, name)))
        for weight, clip_ids, name in ((BETA, relevant, "relevant"), (-GAMMA, irrelevant, "irrelevant"))
        if clip_ids
    ]
    words = [term for term in terms if isinstance(term.example, Words)]
    return Target(
        vector=_joined(services, examples, judged),
        is_words=len(words) == len(terms) == 1 and not judged,
        is_composed=len(examples) + len(judged) > 1,
        said=_said(terms),
        excluded=_excluded(terms),
        notices=tuple(dict.fromkeys(reader.notices)),
        own_ids=tuple(dict.fromkeys((*reader.own_ids, *irrelevant))),
    )


def aim_at_what_is_said(terms: Sequence[Term], irrelevant: Sequence[str] = ()) -> Target:
    """Return the target of the words in ``terms`` alone, for which nothing is encoded or compared."""
    return Target(
        vector=NO_VECTOR,
        is_words=False,
        said=_said(terms),
        excluded=_excluded(terms),
        own_ids=tuple(dict.fromkeys(irrelevant)),
    )


def _said(terms: Sequence[Term]) -> str:
    return " ".join(
        term.example.text for term in terms if isinstance(term.example, Words) and term.weight > 0
    )


def _excluded(terms: Sequence[Term]) -> tuple[str, ...]:
    return tuple(term.example.text for term in terms if isinstance(term.example, Words) and term.weight < 0)


def compose(examples: Iterable[WeightedVector], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Σ wᵢ vᵢ/σᵢ (D,) of weights and vectors (D,), made unit; σᵢ over ``background`` (N, D).

    The order of the examples changes nothing. Raises InvalidSearch when they cancel each other out.
    """
    parts = [weight / _spread(vector, background) * vector.astype(np.float64) for weight, vector in examples]
    total = np.sum(parts, axis=0)
    length = np.linalg.norm(total)
    if length < MIN_LENGTH * max(np.linalg.norm(part) for part in parts):
        raise InvalidSearch(
            "q", "what is wanted and what is not cancel each other out: leave one of them out"
        )
    unit: NDArray[np.float32] = (total / length).astype(np.float32)
    return unit


def _joined(
    services: Services, examples: Sequence[WeightedVector], judged: Sequence[WeightedVector]
) -> NDArray[np.float32]:
    if len(examples) + len(judged) == 1:
        return (*examples, *judged)[0][1]
    with services.follower.reading() as view:
        _, background = view.sample(SAMPLED_CLIPS)
    if not judged:
        return compose(examples, background)
    query = [(ALPHA, compose(examples, background))] if examples else []
    return compose([*query, *judged], background)


def _spread(vector: NDArray[np.float32], background: NDArray[np.float32]) -> float:
    if len(background) < MIN_BACKGROUND:
        return 1.0
    return max(float((background @ vector).std()), MIN_SPREAD)


def _mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = vectors.mean(axis=0)
    unit: NDArray[np.float32] = mean / np.linalg.norm(mean)
    return unit
