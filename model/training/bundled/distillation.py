"""Stage 2: the image tower learns from the teacher and from the captions, in the space of stage 1.

Three losses on the same crops:
- patch tokens regress the teacher's feature map cell by cell: 49 targets a picture instead of one, which is
  what makes a vision transformer trainable on so few photographs (cf. token labelling, Jiang et al. 2021,
  arXiv 2104.10858);
- the picture's vector turns towards the teacher's (cosine);
- the picture's vector is told apart from other captions (InfoNCE against the frozen text tower).

Two things make few steps go far: the patch embedding starts as the principal components of the photographs'
own patches, and the blocks' matrices are trained by Muon (Jordan et al. 2024; scaled as in Liu et al. 2025,
arXiv 2502.16982). The weights kept are an exponential moving average.
"""

import logging
import time
from dataclasses import dataclass

import numpy as np
import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import mse_loss, normalize, unfold
from torch.optim import Muon
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model.evaluation.retrieval_metrics import RetrievalMetrics, rank, summarise
from model.preprocessing import Preprocessing
from model.training.bundled.alignment import TextSource
from model.training.bundled.losses import contrastive_loss, cosine_loss
from model.training.bundled.schedule import make_optimizer, reduced_precision, set_learning_rate
from model.training.bundled.teacher import TEACHER_GRID
from model.training.bundled.views import MAP_CHANNELS

logger = logging.getLogger(__name__)

PEAK_LEARNING_RATE = 1e-3
PEAK_MATRIX_LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
CAPTIONED_PER_STEP = 76
LABELLED_PER_STEP = 52
MAP_WEIGHT, COSINE_WEIGHT, CONTRASTIVE_WEIGHT = 1.0, 3.0, 0.3
AVERAGE_DECAY = 0.998
BRIGHTNESS, CONTRAST = 0.2, 0.2
"""Largest change, as a fraction; the teacher does not see it."""
SMALLEST_VARIANCE = 0.01
"""Of the mean variance: keeps the finest detail, mostly noise, from being blown up."""
PATCH_DEVIATION = 0.5  # standard deviation of the embedded patches, about that of the usual initialisation
PICTURES_FOR_WHITENING = 512
SECONDS_BETWEEN_VALIDATIONS = 240
VALIDATION_BATCH = 250


@dataclass(frozen=True)
class StudentSource:
    """Photographs with fixed teacher vectors (V, D) of their views and text vectors (captions, D)."""

    text: TextSource
    teacher_vectors: Tensor
    text_vectors: Tensor


class Student(nn.Module):
    """The image tower with the two projections that only training needs."""

    def __init__(self, visual: VisionTransformer) -> None:
        """Wrap the tower; raises ValueError unless its patches lie on the teacher's grid."""
        super().__init__()
        if visual.grid_size != (TEACHER_GRID, TEACHER_GRID):
            rows, columns = visual.grid_size
            raise ValueError(
                f"the tower sees {rows}x{columns} patches, the teacher {TEACHER_GRID}x{TEACHER_GRID}: "
                f"choose an image_size of {TEACHER_GRID} times the patch_size"
            )
        visual.output_tokens = True
        self.visual = visual
        self.to_map = nn.Linear(visual.ln_post.normalized_shape[0], MAP_CHANNELS)

    @torch.no_grad()
    def whiten_patches(self, pictures: Tensor) -> None:
        """Make the patch embedding project on the principal components of the patches of (n, 3, H, W)."""
        embedding = self.visual.conv1
        patches = unfold(pictures, embedding.kernel_size, stride=embedding.stride)  # (n, 3pp, N)
        patches = patches.mT.flatten(0, 1)  # (n*N, 3pp)
        variances, directions = torch.linalg.eigh(torch.cov(patches.T))
        kept = directions[:, -embedding.out_channels :].T  # (C, 3pp)
        strength = (variances[-embedding.out_channels :] + SMALLEST_VARIANCE * variances.mean()).sqrt()
        embedding.weight.copy_((kept / strength[:, None] * PATCH_DEVIATION).view_as(embedding.weight))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return unit vectors (n, D) and predicted maps (n, cells, MAP_CHANNELS) of pictures (n, 3, H, W)."""
        vectors, tokens = self.visual(pictures)
        return normalize(vectors.float(), dim=-1), self.to_map(tokens).float()


@dataclass(frozen=True)
class Batch:
    """One step's pictures and all that is said of them."""

    pictures: Tensor
    maps: Tensor
    teacher_vectors: Tensor
    text_vectors: Tensor
    identities: Tensor


class Distiller:
    """Trains a student within a budget of wall-clock time."""

    def __init__(
        self,
        student: Student,
        sources: tuple[StudentSource, StudentSource],
        preprocessing: Preprocessing,
        scale: float,
        device: torch.device,
    ) -> None:
        """Take captioned and labelled photographs, the tower's preprocessing and the scale of stage 1."""
        self.student, self.device, self.scale = student.to(device), device, scale
        self.sources = sources
        self.preprocessing = preprocessing
        self.mean, self.std = (
            torch.tensor(value, device=device).view(1, 3, 1, 1)
            for value in (preprocessing.mean, preprocessing.std)
        )
        self.average = AveragedModel(student, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY))
        matrices = [p for p in student.visual.transformer.parameters() if p.ndim == 2]
        others = set(student.parameters()) - set(matrices)
        self.matrix_optimizer = Muon(matrices, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw")
        self.optimizer = make_optimizer(others, weight_decay=WEIGHT_DECAY)
        self.generator = np.random.default_rng(0)

    def train(self, validation: StudentSource, *, minutes: float) -> RetrievalMetrics:
        """Train for ``minutes`` of wall-clock time and return the averaged student's validation metrics."""
        start = time.monotonic()
        validated = start
        step = 0
        self.student.whiten_patches(self._draw(PICTURES_FOR_WHITENING, 0).pictures)
        self.student.train()
        while (spent := (time.monotonic() - start) / (60 * minutes)) < 1:
            self.set_pace(spent)
            losses = self.step()
            step += 1
            if time.monotonic() - validated > SECONDS_BETWEEN_VALIDATIONS:
                validated = time.monotonic()
                message = "step %d (%.0f %% of the time): losses %s, validation %s"
                values = (step, 100 * spent, losses, self.validate(validation))
                logger.info(message, *values, extra={"action": "distillation_progress"})
        return self.validate(validation)

    def set_pace(self, spent: float) -> None:
        """Set the learning rates for the fraction ``spent`` of the budget (0 to 1)."""
        set_learning_rate(self.optimizer, PEAK_LEARNING_RATE, spent)
        set_learning_rate(self.matrix_optimizer, PEAK_MATRIX_LEARNING_RATE, spent)

    def _draw(self, captioned: int, labelled: int) -> Batch:
        parts: list[list[Tensor]] = []
        for offset, source, count in zip((0, 1_000_000), self.sources, (captioned, labelled), strict=True):
            captions, views = source.text.draw(count, self.generator)
            stored = source.text.views
            parts.append(
                [
                    torch.from_numpy(stored.pictures[views]),
                    torch.from_numpy(stored.maps[views].astype(np.float32)),
                    source.teacher_vectors[views],
                    source.text_vectors[captions],
                    torch.from_numpy(source.text.identities[captions] + offset),
                ]
            )
        joined = [torch.cat(tensors).to(self.device) for tensors in zip(*parts, strict=True)]
        return Batch(self._augment(*joined[:2]), joined[1], *joined[2:])

    def _augment(self, pictures: Tensor, maps: Tensor) -> Tensor:
        """Return normalised pictures (n, 3, H, W), half flipped, ``maps`` (n, 7, 7, C) with them in place."""
        count = len(pictures)
        flipped = torch.from_numpy(self.generator.random(count) < 0.5).to(self.device)
        mirror(pictures, maps, flipped)
        values = pictures.permute(0, 3, 1, 2).float() / 255
        brightness, contrast = (
            1 + extent * torch.from_numpy(self.generator.uniform(-1, 1, (count, 1, 1, 1)).astype(np.float32))
            for extent in (BRIGHTNESS, CONTRAST)
        )
        middle = values.mean((1, 2, 3), keepdim=True)
        values = ((values - middle) * contrast.to(self.device) + middle) * brightness.to(self.device)
        return (values.clamp(0, 1) - self.mean) / self.std

    def step(self) -> dict[str, float]:
        """Learn from one random batch and return its losses by name."""
        batch = self._draw(CAPTIONED_PER_STEP, LABELLED_PER_STEP)
        with reduced_precision(self.device):
            vectors, maps = self.student(batch.pictures)
        losses = {
            "map": mse_loss(maps, batch.maps.flatten(1, 2)),
            "cosine": cosine_loss(vectors, batch.teacher_vectors),
            "contrastive": contrastive_loss(vectors, batch.text_vectors, self.scale, batch.identities),
        }
        total = (
            MAP_WEIGHT * losses["map"]
            + COSINE_WEIGHT * losses["cosine"]
            + CONTRASTIVE_WEIGHT * losses["contrastive"]
        )
        self.student.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizer.step()
        self.matrix_optimizer.step()
        self.average.update_parameters(self.student)
        return {name: round(loss.item(), 3) for name, loss in losses.items()}

    def validate(self, source: StudentSource) -> RetrievalMetrics:
        """Return how each caption of ``source`` ranks the photographs by the averaged student."""
        pictures = source.text.views.pictures
        vectors = []
        self.average.eval()
        with torch.inference_mode(), reduced_precision(self.device):
            for start in range(0, len(pictures), VALIDATION_BATCH):
                part = pictures[None, start : start + VALIDATION_BATCH]
                values = self.preprocessing.to_tensor(part, self.device, torch.float32)
                vectors.append(self.average(values)[0])
        scores = source.text_vectors.to(self.device) @ torch.cat(vectors).T
        return summarise(rank(scores.cpu().numpy(), source.text.owners))


def mirror(pictures: Tensor, maps: Tensor, chosen: Tensor) -> None:
    """Mirror the ``chosen`` (n,) of pictures (n, H, W, 3) and maps (n, 7, 7, C) in place, left to right."""
    pictures[chosen] = pictures[chosen].flip(2)
    maps[chosen] = maps[chosen].flip(2)
