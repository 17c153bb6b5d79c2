"""The training that both stages share: four losses, two optimisers, an average of the weights, a curve.

- InfoNCE between pictures and captions, and between labelled pictures and the names of what they show
  (Radford et al. 2021, arXiv 2103.00020).
- The teacher's classes by their names: the softmax over the cosines with c class names follows the teacher's
  probabilities of these classes. What the teacher can tell apart, words can find.
- CLIP's concepts by their names: one linear map takes each name's vector towards CLIP's.
- In stage 2, the vectors of stage 1's head, to start from; their weight falls to zero.

Matrices of transformer blocks in the image tower are trained by Muon (Jordan et al. 2024; scaled as in Liu et
al. 2025, arXiv 2502.16982), all else by AdamW. The weights kept are an exponential moving average.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import torch
from open_clip.model import CustomTextCLIP
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer
from torch.optim.swa_utils import AveragedModel

from model.evaluation.caption_groups import CaptionMetrics
from model.training.bundled.learning_curve import CurvePoint
from model.training.bundled.lessons import Lesson, Lessons, Sizes
from model.training.bundled.losses import class_name_loss, contrastive_loss_within, cosine_loss
from model.training.bundled.schedule import rate_share, reduced_precision
from model.training.bundled.text_tower import SentenceEncoder

logger = logging.getLogger(__name__)

BETAS = (0.9, 0.98)
DECAY, EMBEDDING_DECAY = 0.2, 0.05
PEAK_RATE, PEAK_MATRIX_RATE = 1e-3, 2e-3
STEM_RATE_SHARE = 0.1
AVERAGE_DECAY = 0.995
LARGEST_SCALE = 100.0
FIRST_SCALE = 20.0
"""Lower than CLIP's 1/0.07 ends at: few photographs, so an early sharp softmax only memorises."""
CLIP_DIMENSION = 512


@dataclass(frozen=True)
class StagePlan:
    """What a stage does."""

    name: str
    steps: int
    sizes: Sizes
    text_rate_share: float
    """Of PEAK_RATE, for the text tower."""
    class_weight: float
    concept_weight: float
    steps_between_validations: int


class Sides(nn.Module):
    """All that a stage trains: the text tower in ``model``, the image side, and what only losses need."""

    def __init__(self, model: CustomTextCLIP, image: nn.Module) -> None:
        super().__init__()
        self.model, self.image = model, image
        self.concept_map = nn.Linear(model.visual.trunk.num_classes, CLIP_DIMENSION, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))
        self.log_class_scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))


class Losses(NamedTuple):
    """The losses of one step, before their weights."""

    captions: Tensor
    classes: Tensor
    concepts: Tensor
    head: Tensor


class Learner:
    """Trains ``sides`` in place by ``plan``; ``head`` is stage 1's, frozen, for stage 2 to start from."""

    def __init__(
        self,
        sides: Sides,
        encode: SentenceEncoder,
        lessons: Lessons,
        plan: StagePlan,
        head: nn.Module | None = None,
    ) -> None:
        self.sides, self.plan = sides, plan
        self._encode, self._lessons, self._head = encode, lessons, head
        self._average = AveragedModel(sides, multi_avg_fn=_move_average)
        self._optimizers = make_optimizers(sides, plan.text_rate_share)
        self._peaks = [[group["lr"] for group in one.param_groups] for one in self._optimizers]
        self._generator = np.random.default_rng(0)

    def train(self, validate: Callable[[Sides], CaptionMetrics]) -> list[CurvePoint]:
        """Return the averaged weights' validation metrics over the stage.

        Raises ArithmeticError for a loss that is not finite.
        """
        curve: list[CurvePoint] = []
        start = time.monotonic()
        for step in range(1, self.plan.steps + 1):
            losses = self.step(step)
            if step % self.plan.steps_between_validations and step < self.plan.steps:
                continue
            metrics = validate(self.averaged)
            seconds = time.monotonic() - start
            curve.append(CurvePoint(self.plan.name, step, seconds, losses.captions.item(), metrics))
            logger.info(
                "%s: step %d of %d after %.0f s, losses %s, validation %s",
                self.plan.name,
                step,
                self.plan.steps,
                seconds,
                " ".join(f"{name} {loss.item():.3f}" for name, loss in losses._asdict().items()),
                metrics.text_to_video,
                extra={"action": "bundled_model_validated"},
            )
        return curve

    @property
    def averaged(self) -> Sides:
        """The moving average of all that is trained."""
        return cast(Sides, self._average.module)

    def step(self, step: int) -> Losses:
        """Take step ``step``, counted from 1; raises ArithmeticError for a loss that is not finite."""
        spent = (step - 1) / self.plan.steps
        share = rate_share(spent)
        for optimizer, peaks in zip(self._optimizers, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * share
        self.sides.train()
        losses = self._losses(self._lessons.draw(self.plan.sizes, self._generator))
        total = (
            losses.captions
            + self.plan.class_weight * losses.classes
            + self.plan.concept_weight * losses.concepts
            + (1 - spent) * losses.head
        )
        if not torch.isfinite(total):
            raise ArithmeticError(
                f"the loss of step {step} of the {self.plan.name} is {total.item()}: lower PEAK_RATE"
            )
        self.sides.zero_grad()
        total.backward()
        for optimizer in self._optimizers:
            optimizer.step()
        with torch.no_grad():
            self.sides.log_scale.clamp_(max=math.log(LARGEST_SCALE))
        self._average.update_parameters(self.sides)
        return losses

    def _losses(self, lesson: Lesson) -> Losses:
        sides = self.sides
        with reduced_precision():
            texts = self._encode(sides.model, lesson.sentences)
            images = sides.image(lesson.maps, lesson.pooled)
        pairs, classes = lesson.class_shares.shape
        captions, class_names, concepts = texts.split([pairs, classes, len(lesson.concept_vectors)])
        return Losses(
            contrastive_loss_within(lesson.sets, images, captions, sides.log_scale.exp(), lesson.identities),
            class_name_loss(images, class_names, sides.log_class_scale.exp(), lesson.class_shares),
            cosine_loss(sides.concept_map(concepts), lesson.concept_vectors),
            self._head_loss(images, lesson),
        )

    def _head_loss(self, images: Tensor, lesson: Lesson) -> Tensor:
        if self._head is None:
            return images.new_zeros(())
        with torch.no_grad():
            targets = self._head(lesson.maps, lesson.pooled)
        return cosine_loss(images, targets)


def make_optimizers(sides: Sides, text_rate_share: float) -> list[Optimizer]:
    """Return AdamW and, if blocks of an image tower are trained, Muon; each group at its peak rate."""
    matrices: list[nn.Parameter] = []
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in sides.named_parameters():
        if not parameter.requires_grad:
            continue
        if ".trunk.blocks." in name and parameter.ndim == 2:
            matrices.append(parameter)
        else:
            groups.setdefault(_rate_and_decay(name, parameter, text_rate_share), []).append(parameter)
    settings = [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
    optimizers: list[Optimizer] = [AdamW(settings, betas=BETAS, fused=True)]
    if matrices:
        optimizers.append(
            Muon(matrices, lr=PEAK_MATRIX_RATE, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw")
        )
    return optimizers


def _rate_and_decay(name: str, parameter: nn.Parameter, text_rate_share: float) -> tuple[float, float]:
    if ".backbone." in name:
        return PEAK_RATE * STEM_RATE_SHARE, 0.0
    rate = PEAK_RATE * (text_rate_share if ".text." in name or "concept_map" in name else 1.0)
    if parameter.ndim < 2 or "pos_embed" in name or "positional_embedding" in name:
        return rate, 0.0
    return rate, EMBEDDING_DECAY if name.endswith("token_embedding.weight") else DECAY


def _move_average(average: Sequence[Tensor], current: Sequence[Tensor], updates: Tensor | int) -> None:
    """Move the average, faster at first, when there is little to average."""
    decay = min(AVERAGE_DECAY, (int(updates) + 1) / (int(updates) + 10))
    torch._foreach_lerp_(list(average), list(current), 1 - decay)
