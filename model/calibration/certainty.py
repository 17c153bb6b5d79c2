"""From the margin of a hit to how often such hits are right.

The three weights are a logistic regression (Platt, 1999) of "the best hit is right" on the margin and the
logarithm of the number of clips. It was fitted on the validation split of Flickr8k, with the bundled model:
captions, narrations of two or three scenes, and single nouns, in libraries of 20 to 1,000 clips, once with
what was asked for and once without it. So half of these searches had nothing to find.
"""

import math

MARGIN_WEIGHT, LOG_CLIPS_WEIGHT, OFFSET = 0.79, -0.285, -0.425

HIGH = 0.7
"""Hits from here on are right four times in five, taken together."""

MEDIUM = 0.4
"""Hits from here to ``HIGH`` are right about every second time, the others every sixth."""

NOTHING = -1.5
"""Best margins below it: fewer than one in 20 of those searches whose answer is in the library."""

FEWEST_CLIPS = 20
"""Of a library; the weights were fitted from here on, and phrases reach by accident in a smaller one."""


def probability_right(margin: float, clips: int) -> float:
    """Return the share of hits right that have this margin in a library of so many clips."""
    logit = MARGIN_WEIGHT * margin + LOG_CLIPS_WEIGHT * math.log(clips) + OFFSET
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, logit))))
