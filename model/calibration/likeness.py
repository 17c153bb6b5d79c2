"""From which cosine on two clips of one library count as copies of each other.

Cosines of different clips lie elsewhere for every model, and closer together where all films are of one kind.
So the bound is a share of the usual distance (1 − cosine) between clips taken by chance from the library.

The share is the largest with which at most one of a hundred photographs of Flickr8k's validation split has
another one of the thousand that counts as its copy, with the bundled model (bound 0.92). With the 38 test
clips (bound 0.93) no two of different films count as copies, and five of six that were coded again at 480
pixels do; of those made unsightly, at 320 pixels with few bits, one in twelve. Other models were not tried.
"""

import numpy as np
from numpy.typing import NDArray

SHARE = 0.1

USUAL_DISTANCE = 0.66
"""Of the bundled model, for libraries too small to tell."""

FEWEST_CLIPS = 20

LEAST_DISTANCE = 0.01
"""Of copies, which are never quite alike once they are coded again."""

USUAL_COPY_COSINE = 1 - SHARE * USUAL_DISTANCE


def copy_cosine(sample: NDArray[np.float32]) -> float:
    """Return the least cosine of copies in a library of which ``sample`` (N, D), unit vectors, is known.

    Clips of one video should lie side by side in it: those far apart are compared.
    """
    count = len(sample)
    if count < FEWEST_CLIPS:
        return USUAL_COPY_COSINE
    shifts = {count // 2, count // 3, count // 5}
    cosines = [np.einsum("nd,nd->n", sample, np.roll(sample, shift, axis=0)) for shift in shifts]
    distance = 1 - float(np.median(np.concatenate(cosines)))
    return 1 - max(SHARE * distance, LEAST_DISTANCE)
