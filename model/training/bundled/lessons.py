"""What a step of either stage learns from: captions with their views, names of classes, names of concepts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.datasets.photographs import CaptionedPhotograph
from model.training.bundled.photograph_views import Views
from model.training.bundled.vocabulary import Concepts, Names

SHORTEST_THINNED = 5
"""Captions of fewer words are never thinned."""
PHRASES, THINNED, WORD_DROP = 0.2, 0.4, 0.15
"""Shares of captions that become a phrase and that lose words, and of their words: people type less than a
sentence."""
SHORTEST_PHRASE, LONGEST_PHRASE = 1, 4  # words
SOFTNESS = 2.0
"""Temperature of the teacher's class probabilities (Hinton et al. 2015, arXiv 1503.02531)."""


@dataclass(frozen=True)
class Captioned:
    """Photographs as the towers see them: features of their views, and their captions in words."""

    views: Views
    captions: tuple[str, ...]
    owners: NDArray[np.int64]
    """(captions,) the photograph that each caption is of."""
    identities: NDArray[np.int64]
    """(photographs,) equal for photographs that the same captions are true of."""

    @classmethod
    def of(cls, views: Views, photographs: Sequence[CaptionedPhotograph]) -> "Captioned":
        """Join views and captions of the same photographs."""
        first_seen: dict[tuple[str, ...], int] = {}
        identities = [first_seen.setdefault(p.captions, len(first_seen)) for p in photographs]
        owners = np.repeat(np.arange(len(photographs)), [len(p.captions) for p in photographs])
        captions = tuple(caption for photograph in photographs for caption in photograph.captions)
        return cls(views, captions, owners, np.array(identities))

    def draw(self, count: int, generator: np.random.Generator) -> "Drawn":
        """Return ``count`` captions, each with a random view of its photograph."""
        chosen = generator.integers(0, len(self.captions), count)
        owners = self.owners[chosen]
        rows = owners * self.views.count + generator.integers(0, self.views.count, count)
        maps, pooled = self.views.maps[rows], self.views.pooled[rows]
        return Drawn(maps, pooled, [self.captions[index] for index in chosen], self.identities[owners])


@dataclass(frozen=True)
class Drawn:
    """Pairs out of one set of photographs."""

    maps: NDArray[np.float16]
    pooled: NDArray[np.float16]
    captions: list[str]
    identities: NDArray[np.int64]


@dataclass(frozen=True)
class Sizes:
    """How much of each a step takes."""

    captioned: int
    labelled: int
    likely_classes: int
    """Pictures whose most likely class is asked about."""
    random_classes: int
    concepts: int


@dataclass(frozen=True)
class Lesson:
    """One step's pictures, sentences and truths: n pairs, c classes, k concepts, sentences in that order."""

    maps: Tensor
    """(n, cells, channels)"""
    pooled: Tensor
    """(n, features)"""
    sentences: list[str]
    """n captions, c class names, k concept names."""
    identities: Tensor
    """(n,) pairs of equal identity are true of one another."""
    sets: tuple[int, int]
    """How many of the n pairs are captioned, and how many labelled; they stand in that order."""
    class_shares: Tensor
    """(n, c) how likely the teacher holds each of the c classes to be, among them."""
    concept_vectors: Tensor
    """(k, 512)"""


class Classifier(Protocol):
    """The teacher's last layer."""

    def __call__(self, pooled: Tensor) -> Tensor:
        """Return logits (n, 1000) of features (n, features)."""
        ...


class Lessons:
    """Draws lessons; two with the same seed draw the same."""

    def __init__(
        self,
        captioned: Captioned,
        labelled: Captioned,
        classifier: Classifier,
        class_names: Names,
        concepts: Concepts,
    ) -> None:
        self.captioned, self.labelled = captioned, labelled
        self._classifier, self._class_names, self._concepts = classifier, class_names, concepts

    def draw(self, sizes: Sizes, generator: np.random.Generator) -> Lesson:
        """Return the next lesson."""
        captioned = self.captioned.draw(sizes.captioned, generator)
        labelled = self.labelled.draw(sizes.labelled, generator)
        pooled = torch.from_numpy(np.concatenate([captioned.pooled, labelled.pooled])).float()
        logits = self._classifier(pooled)
        classes = self._choose_classes(logits, sizes, generator)
        concepts = generator.integers(0, len(self._concepts.names), sizes.concepts)
        return Lesson(
            maps=torch.from_numpy(np.concatenate([captioned.maps, labelled.maps])).float(),
            pooled=pooled,
            sentences=[
                *(shorten(caption, generator) for caption in captioned.captions),
                *labelled.captions,
                *self._class_names.say(classes, generator),
                *self._concepts.names.say(concepts, generator),
            ],
            identities=torch.from_numpy(np.concatenate([captioned.identities, labelled.identities])),
            sets=(sizes.captioned, sizes.labelled),
            class_shares=(logits[:, classes] / SOFTNESS).softmax(1),
            concept_vectors=self._concepts.vectors[concepts],
        )

    def _choose_classes(
        self, logits: Tensor, sizes: Sizes, generator: np.random.Generator
    ) -> NDArray[np.int64]:
        asked = generator.choice(len(logits), min(sizes.likely_classes, len(logits)), replace=False)
        likely = logits[asked].argmax(1).numpy()
        others = generator.integers(0, len(self._class_names), sizes.random_classes)
        return np.unique(np.concatenate([likely, others]))


def shorten(caption: str, generator: np.random.Generator) -> str:
    """Return the caption whole, a phrase out of it, or what is left of it without some of its words."""
    words = caption.split()
    if len(words) < SHORTEST_THINNED:
        return caption
    kind = generator.random()
    if kind < PHRASES:
        length = int(generator.integers(SHORTEST_PHRASE, LONGEST_PHRASE + 1))
        start = int(generator.integers(0, len(words) - length + 1))
        return " ".join(words[start : start + length])
    if kind < PHRASES + THINNED:
        kept = [word for word in words if generator.random() >= WORD_DROP]
        return " ".join(kept or words)
    return caption
