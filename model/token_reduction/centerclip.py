"""CenterCLIP: the tokens of a segment that stand for the others are found by k-medoids++.

From arXiv 2205.00823 (section 3.3). p = 2 is the paper's distance; two of its released checkpoints used
p = 1, and cosine distance is one of its ablations.
"""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from model.token_reduction.cluster_reducer import ClusterReducer
from model.token_reduction.distances import Metric
from model.token_reduction.kmedoids import ITERATIONS, Clusters, kmedoids

MOST_ITERATIONS = 100
"""The paper's limit. An accelerator runs as many as are asked for, needed or not."""

_ITERATIONS = re.compile(r"(\d+)-iterations")


@dataclass(frozen=True)
class CenterClip(ClusterReducer):
    """Reduce at each of ``stages`` to the medoids of k-medoids++; ``centerclip:B6-4,49`` has one stage.

    Raises ValueError for stages out of order, and for no iterations or more than the paper's most.
    """

    family: ClassVar[str] = "centerclip"
    options: ClassVar[str] = "l1, cosine, 3-iterations and mean, as in centerclip:B6-4,49/cosine/mean"

    metric: Metric = Metric.EUCLIDEAN
    iterations: int = ITERATIONS

    def __post_init__(self) -> None:
        if not 1 <= self.iterations <= MOST_ITERATIONS:
            raise ValueError(
                f"{self.iterations} iterations asked of {self.family}: ask for 1 to {MOST_ITERATIONS}"
            )
        super().__post_init__()

    def _cluster(self, patches: Tensor, clusters: int, joined: int) -> Clusters:
        return kmedoids(patches, clusters, self.metric, iterations=self.iterations, with_members=self.mean)

    def _option_words(self) -> list[str]:
        metric = [] if self.metric is Metric.EUCLIDEAN else [str(self.metric)]
        iterations = [] if self.iterations == ITERATIONS else [f"{self.iterations}-iterations"]
        return [*metric, *iterations, *super()._option_words()]

    @classmethod
    def _read_option(cls, word: str) -> tuple[str, Any]:
        if word in set(Metric):
            return "metric", Metric(word)
        if match := _ITERATIONS.fullmatch(word):
            return "iterations", int(match[1])
        return super()._read_option(word)
