"""Words to search for, as many as a measurement needs: no two alike, of six to nine words."""

from collections.abc import Iterator
from itertools import product

import numpy as np

ADJECTIVES = "young|old|tired|happy|small|tall|quiet|busy|lonely|famous".split("|")
PERSONS = "man|woman|dog|child|cook|bird|player|singer|farmer|horse".split("|")
DEEDS = "running|sitting|playing|jumping|waiting|turning|falling|resting|eating|looking up".split("|")
PLACES = (
    "on a beach|in the rain|at night|in a kitchen|beside a red car|under a bridge|in deep snow|on a stage|"
    "in a crowd|near the water"
).split("|")

COUNT = len(ADJECTIVES) * len(PERSONS) * len(DEEDS) * len(PLACES)


def queries() -> Iterator[str]:
    """Yield ``COUNT`` sentences, mixed, the same ones every time."""
    every = list(product(ADJECTIVES, PERSONS, DEEDS, PLACES))
    for number in np.random.default_rng(0).permutation(len(every)).tolist():
        adjective, person, deed, place = every[number]
        yield f"a {adjective} {person} {deed} {place}"
