"""What the clustering reducers share: segments form, clusters are found, one token stands for each.

From CenterCLIP (arXiv 2205.00823, section 3). After block a, the T frames of a video become S segments of
T/S consecutive frames. A segment keeps K of its patch tokens, the medoids of a clustering, as they are and in
order of time and raster; its class token is the mean of its frames' class tokens. The blocks after a see S
sequences of 1+K tokens. A later stage clusters what an earlier one left.

No gradient flows through the choice; it flows through the tokens kept and the averaged class token. With
``mean``, a cluster is replaced by the mean of its members instead, all of which then receive gradient.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from model.token_reduction.base import LayerTokens, TokenReducer, Tokens, TowerShape
from model.token_reduction.kmedoids import Clusters
from model.token_reduction.segments import Stage, default_stage, join_frames, parse_stage, schedule_stages


@dataclass(frozen=True)
class ClusterReducer(TokenReducer):
    """Reduce at each of ``stages``; how tokens are clustered is for subclasses to say.

    Raises ValueError for stages that are not in order or do not reduce what the one before left.
    """

    family: ClassVar[str]
    """What names begin with."""
    options: ClassVar[str]
    """The words that may follow the stages, with an example."""

    stages: tuple[Stage, ...]
    mean: bool = False
    """Keep the mean of each cluster instead of its medoid."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError(
                f"{self.family} needs a stage to reduce at: ask for one like {self.family}:B6-4,49"
            )
        for before, after in zip(self.stages, self.stages[1:], strict=False):
            if after.block <= before.block:
                raise ValueError(
                    f"{self.name} reduces after block {after.block} once it has reduced after block "
                    f"{before.block}: name the stages by rising block, each later than the one before"
                )
            if after.segments >= before.segments and after.tokens >= before.tokens:
                raise ValueError(
                    f"{self.name} has nothing to reduce at {after} once {before} is done: ask for fewer "
                    f"than {before.segments} segments or fewer than {before.tokens} tokens"
                )

    @property
    def name(self) -> str:
        """The paper's notation between the method and its options, as in ``centerclip:B6-4,49/mean``."""
        stages = "+".join(str(stage) for stage in self.stages)
        return "/".join([f"{self.family}:{stages}", *self._option_words()])

    @classmethod
    def parse(cls, options: str, shape: TowerShape, frames: int) -> Self:
        """Return the reducer of what follows the colon of its name; the paper's proportions if nothing does.

        Raises ValueError for malformed text.
        """
        text, *words = options.strip().lower().split("/")
        stages = tuple(parse_stage(stage) for stage in text.split("+")) if text else ()
        fields: dict[str, Any] = {}
        for word in words:
            field, value = cls._read_option(word)
            if field in fields:
                raise ValueError(
                    f"{options!r} decides {field} twice: leave out one of the two, such as {word!r}"
                )
            fields[field] = value
        return cls(stages or (default_stage(shape, frames),), **fields)

    def schedule(self, shape: TowerShape, frames: int) -> tuple[LayerTokens, ...]:
        """Return the token counts of each block; raises ValueError if a stage does not fit."""
        return schedule_stages(self.name, self.stages, shape, frames)

    def before_block(self, block: int, tokens: Tokens) -> Tokens:
        """Return one token for each cluster of each segment, if there is a stage before ``block``."""
        for stage in self.stages:
            if stage.block == block:
                return self._reduce(stage, tokens)
        return tokens

    def _reduce(self, stage: Stage, tokens: Tokens) -> Tokens:
        segments = join_frames(tokens, stage.segments)
        joined = tokens.sequences // stage.segments
        clusters = self._cluster(segments.patches, stage.tokens, joined)
        if clusters.members is None:
            return segments.keep(clusters.medoids)
        means = _cluster_means(segments.patches, clusters.members, stage.tokens)
        origins = None if segments.origins is None else segments.origins.gather(1, clusters.medoids)
        return segments.with_patches(means, origins)

    @abstractmethod
    def _cluster(self, patches: Tensor, clusters: int, joined: int) -> Clusters:
        """Return the clusters of patches (B*S, M, C) of ``joined`` frames, with members if ``mean``."""

    def _option_words(self) -> list[str]:
        """Return the words of the name for all that differs from the paper's choices."""
        return ["mean"] * self.mean

    @classmethod
    def _read_option(cls, word: str) -> tuple[str, Any]:
        """Return the field and the value that a word of the name stands for; raises ValueError if none."""
        if word == "mean":
            return "mean", True
        raise ValueError(f"{word!r} is no option of {cls.family}: known are {cls.options}")


def _cluster_means(patches: Tensor, members: Tensor, clusters: int) -> Tensor:
    """Return the mean (G, K, C) of the patches (G, M, C) of each cluster; no cluster is empty."""
    places = torch.arange(clusters, device=members.device).unsqueeze(1)
    belongs = (members.unsqueeze(1) == places).float()  # (G, K, M)
    with torch.autocast(patches.device.type, enabled=False):
        # A matrix of zeros and ones adds in the same order every time, which scattering on a GPU does not.
        means = (belongs @ patches.float()) / belongs.sum(2, keepdim=True)
    return means.to(patches.dtype)
