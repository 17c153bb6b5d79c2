"""Stage 1: a text tower in one space with the teacher's features.

The teacher's pooled features are fixed, so an epoch costs only the text tower: a space that words and
pictures share exists after minutes (locked-image tuning: Zhai et al. 2022, arXiv 2111.07991). Stage 2 then
teaches the image tower to land in it. Names that no caption uses get their meaning from CLIP's text vectors
of 1,203 LVIS concepts, through one linear map.
"""

import copy
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from model.datasets.photographs import CaptionedPhotograph
from model.evaluation.retrieval_metrics import RetrievalMetrics, rank, summarise
from model.text_encoder import Tokenizer
from model.training.bundled.losses import contrastive_loss, cosine_loss
from model.training.bundled.schedule import make_optimizer, reduced_precision, set_learning_rate
from model.training.bundled.teacher import TEACHER_CHANNELS
from model.training.bundled.views import Views

logger = logging.getLogger(__name__)

PEAK_LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.2
CAPTIONED_PER_STEP = 256
LABELLED_PER_STEP = 128
CONCEPTS_PER_STEP = 64
CONCEPT_WEIGHT = 1.0
INITIAL_SCALE = 20.0
"""Lower than CLIP's 1/0.07 ends at: few photographs, so an early sharp softmax only memorises."""


class TeacherHead(nn.Module):
    """Maps the teacher's pooled features (n, 1280) to unit vectors (n, D)."""

    def __init__(self, dimension: int) -> None:
        """Start from random weights."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(TEACHER_CHANNELS),
            nn.Dropout(0.2),
            nn.Linear(TEACHER_CHANNELS, 1024),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.Linear(1024, dimension),
        )

    def forward(self, pooled: Tensor) -> Tensor:
        """Return unit vectors (n, D)."""
        return normalize(self.layers(pooled), dim=-1)


@dataclass(frozen=True)
class TextSource:
    """Photographs as the text tower sees them: features of their views, tokens of their captions."""

    views: Views
    tokens: Tensor
    """(captions, context length) int64"""
    owners: NDArray[np.int64]
    """(captions,), index of the photograph that each caption is of."""
    identities: NDArray[np.int64]
    """(captions,), equal for captions that are true of each other's photographs."""

    @classmethod
    def of(cls, views: Views, photographs: list[CaptionedPhotograph], tokenizer: Tokenizer) -> "TextSource":
        """Tokenise the captions once."""
        captions = [caption for photograph in photographs for caption in photograph.captions]
        owners = np.repeat(np.arange(len(photographs)), [len(p.captions) for p in photographs])
        first_seen: dict[tuple[str, ...], int] = {}
        identities = [first_seen.setdefault(p.captions, len(first_seen)) for p in photographs]
        return cls(views, tokenizer(captions), owners, np.array(identities)[owners])

    def draw(self, count: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ``count`` caption indices and one random view index for each."""
        captions = generator.integers(0, len(self.owners), count)
        views = self.owners[captions] * self.views.count + generator.integers(0, self.views.count, count)
        return captions, views


@dataclass(frozen=True)
class Concepts:
    """Names and what CLIP's text tower makes of them, less the mean of all."""

    tokens: Tensor
    vectors: Tensor
    """(concepts, 512) unit vectors"""


def read_concepts(archive: Path, tokenizer: Tokenizer) -> Concepts:
    """Return the LVIS concepts, each under its first name."""
    with np.load(archive) as content:
        names = [json.loads(names)[0].replace("_", " ") for names in content["synonyms"]]
        vectors = torch.from_numpy(content["text_embeddings"].astype(np.float32))
    centred = normalize(normalize(vectors, dim=-1) - normalize(vectors, dim=-1).mean(0), dim=-1)
    return Concepts(tokenizer([f"a photo of a {name}" for name in names]), centred)


@dataclass(frozen=True)
class Alignment:
    """The outcome of stage 1."""

    head: TeacherHead
    scale: float
    validation: RetrievalMetrics


WORST = RetrievalMetrics(-1.0, -1.0, -1.0, np.inf, np.inf, 0)


class TextAligner:
    """Trains a text tower and a teacher head on fixed features."""

    def __init__(self, text: nn.Module, dimension: int, concepts: Concepts, device: torch.device) -> None:
        """Take the tower that is trained in place."""
        self.text, self.device, self.concepts = text.to(device), device, concepts
        self.head = TeacherHead(dimension).to(device)
        self.concept_map = nn.Linear(dimension, concepts.vectors.shape[1], bias=False).to(device)
        self.log_scale = nn.Parameter(torch.tensor(INITIAL_SCALE, device=device).log())
        modules = nn.ModuleList([self.text, self.head, self.concept_map])
        self.optimizer = make_optimizer(modules.parameters(), weight_decay=WEIGHT_DECAY)
        self.optimizer.add_param_group({"params": [self.log_scale], "weight_decay": 0.0})

    def train(
        self, captioned: TextSource, labelled: TextSource, validation: TextSource, *, epochs: int
    ) -> Alignment:
        """Return the epoch that ranks the validation captions best, with its text tower loaded back."""
        generator = np.random.default_rng(0)
        steps_per_epoch = max(1, (captioned.owners[-1] + 1) // CAPTIONED_PER_STEP)
        best = Alignment(self.head, 0.0, WORST)
        for epoch in range(epochs):
            for step in range(steps_per_epoch):
                spent = (epoch * steps_per_epoch + step) / (epochs * steps_per_epoch)
                set_learning_rate(self.optimizer, PEAK_LEARNING_RATE, spent)
                self._step(captioned, labelled, generator)
            metrics = self.validate(validation)
            logger.info("alignment epoch %d: %s", epoch + 1, metrics, extra={"action": "alignment_epoch"})
            if metrics.recall_sum > best.validation.recall_sum:
                best = Alignment(copy.deepcopy(self.head).eval(), self.log_scale.exp().item(), metrics)
                best_text = copy.deepcopy(self.text.state_dict())
        self.text.load_state_dict(best_text)
        return best

    def _step(self, captioned: TextSource, labelled: TextSource, generator: np.random.Generator) -> None:
        self.text.train()
        self.head.train()
        pooled, tokens, identities = [], [], []
        for offset, source, count in (
            (0, captioned, CAPTIONED_PER_STEP),
            (1_000_000, labelled, LABELLED_PER_STEP),
        ):
            captions, views = source.draw(count, generator)
            pooled.append(torch.from_numpy(source.views.pooled[views].astype(np.float32)))
            tokens.append(source.tokens[captions])
            identities.append(torch.from_numpy(source.identities[captions] + offset))
        chosen = torch.from_numpy(generator.integers(0, len(self.concepts.tokens), CONCEPTS_PER_STEP))
        tokens.append(self.concepts.tokens[chosen])
        with reduced_precision(self.device):
            words = self.text(torch.cat(tokens).to(self.device)).float()
        texts = normalize(words, dim=-1)
        pictures = self.head(torch.cat(pooled).to(self.device))
        count = len(pictures)
        loss = contrastive_loss(
            pictures, texts[:count], self.log_scale.exp(), torch.cat(identities).to(self.device)
        )
        loss = loss + CONCEPT_WEIGHT * cosine_loss(
            self.concept_map(texts[count:]), self.concepts.vectors[chosen].to(self.device)
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.log_scale.clamp_(max=float(np.log(100.0)))

    def validate(self, source: TextSource) -> RetrievalMetrics:
        """Return how each caption of ``source`` ranks the photographs by their first view."""
        pictures = teacher_vectors(self.head.eval(), source.views.pooled, self.device)
        texts = encode_texts(self.text, source.tokens, self.device).cpu()
        return summarise(rank((texts @ pictures.T).numpy(), source.owners))


def encode_texts(text: nn.Module, tokens: Tensor, device: torch.device) -> Tensor:
    """Return unit vectors (n, D) of tokens (n, L)."""
    text.eval()
    with torch.inference_mode(), reduced_precision(device):
        parts = [text(part.to(device)).float() for part in tokens.split(512)]
    return normalize(torch.cat(parts), dim=-1)


def teacher_vectors(head: TeacherHead, pooled: NDArray[np.float16], device: torch.device) -> Tensor:
    """Return the unit vectors (V, D) of pooled teacher features (V, 1280)."""
    with torch.inference_mode():
        parts = torch.from_numpy(pooled.astype(np.float32)).split(4096)
        return torch.cat([head(part.to(device)).cpu() for part in parts])
