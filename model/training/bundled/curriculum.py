"""The two stages of the bundled model's training, and what they are made of.

Stage 1, alignment (locked-image tuning: Zhai et al. 2022, arXiv 2111.07991): on the teacher's fixed features
a step costs little more than the text tower, so a space that words and pictures share exists after minutes.
Stage 2, tower: the image tower as it will be served learns to land in that space, and both towers go on
learning together.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.checkpoint import ModelSource, preprocessing_of, save_checkpoint
from model.datasets.photographs import read_flickr8k, read_tiny_imagenet
from model.durable_file import whole_file
from model.evaluation.caption_groups import CaptionMetrics, evaluate_captions
from model.preprocessing import Preprocessing
from model.training.bundled.image_sides import PooledHead, TowerSide
from model.training.bundled.learner import Learner, Sides, StagePlan
from model.training.bundled.learning_curve import CurvePoint, read_curve, write_curve
from model.training.bundled.lessons import Captioned, Classifier, Lessons, Sizes
from model.training.bundled.photograph_views import ViewRecipe, Views, make_views
from model.training.bundled.schedule import reduced_precision
from model.training.bundled.teacher import read_teacher
from model.training.bundled.text_tower import GroundedEmbedding, SentenceEncoder
from model.training.bundled.vocabulary import read_class_names, read_concepts, read_word_vectors
from model.vision_transformer.mobilenet_hybrid import MobileNetStem

TEACHER = "teachers/mobilenet_v2_1.0_224_int8.tflite"

RANDOM_VIEWS = 10
"""Of each captioned photograph; a labelled one has one."""

ALIGNMENT = StagePlan(
    name="alignment",
    steps=1000,
    sizes=Sizes(captioned=256, labelled=96, likely_classes=96, random_classes=64, concepts=64),
    text_rate_share=1.0,
    class_weight=1.0,
    concept_weight=2.0,
    steps_between_validations=100,
)
TOWER = StagePlan(
    name="tower",
    steps=700,
    sizes=Sizes(captioned=192, labelled=64, likely_classes=48, random_classes=32, concepts=32),
    text_rate_share=0.2,
    class_weight=0.5,
    concept_weight=1.0,
    steps_between_validations=100,
)
EXAMPLES = 20_000
"""Views that say how the teacher's features are scaled."""
VALIDATION_BATCH = 250


@dataclass(frozen=True)
class BundledTraining:
    """What one training needs."""

    data: Path
    word_vectors: Path
    work: Path
    """Scratch folder for views and stage 1: about 5 GB."""
    output: Path
    """Checkpoint folder that holds ``open_clip_config.json``; the weights are written there."""


@dataclass(frozen=True)
class Validation:
    """Photographs by which the curve is drawn; a callable that ranks them."""

    captioned: Captioned
    encode: SentenceEncoder

    @torch.inference_mode()
    def __call__(self, sides: Sides) -> CaptionMetrics:
        """Return how the captions and the photographs rank one another."""
        sides.eval()
        views = self.captioned.views
        with reduced_precision():
            texts = self.encode(sides.model, self.captioned.captions)
            parts = range(0, len(views.maps), VALIDATION_BATCH)
            images = torch.cat([sides.image(*_features(views, part)) for part in parts])
        return evaluate_captions((texts @ images.T).numpy(), self.captioned.owners)


def train(run: BundledTraining) -> list[CurvePoint]:
    """Train the encoder configured in ``run.output``, write its weights, return its learning curve.

    Raises ValueError for data that is missing, ArithmeticError for a loss that is not finite.
    """
    torch.manual_seed(0)
    source = ModelSource.of_folder(run.output)
    model: Any = source.build(is_trained=False)
    teacher = read_teacher(run.data / TEACHER)
    stem = model.visual.trunk.patch_embed.backbone
    teacher.load_into(stem)
    embedding = model.text.token_embedding
    model.text.token_embedding = GroundedEmbedding(embedding, read_word_vectors(run.word_vectors))
    encode = SentenceEncoder(source.tokenizer())
    lessons, validation = _read_data(run, stem, preprocessing_of(model), teacher.classify, encode)
    sides = Sides(model, PooledHead(_examples(lessons), model.visual.trunk.num_classes))
    curve = _align(sides, lessons, validation, run.work)
    tower, tower_curve = _train_tower(sides, lessons, validation)
    trained: Any = tower.model
    trained.text.token_embedding = trained.text.token_embedding.fold()
    trained.logit_scale.data.copy_(tower.log_scale)
    save_checkpoint(trained, run.output)
    return [*curve, *tower_curve]


def _align(sides: Sides, lessons: Lessons, validation: Validation, work: Path) -> list[CurvePoint]:
    """Run stage 1 in place, or read what an earlier run made of it."""
    weights, points = work / "alignment.pt", work / "alignment.json"
    if weights.exists():
        sides.load_state_dict(torch.load(weights))
        return read_curve(points)
    sides.model.visual.requires_grad_(False)
    learner = Learner(sides, validation.encode, lessons, ALIGNMENT)
    curve = learner.train(validation)
    sides.load_state_dict(learner.averaged.state_dict())
    write_curve(curve, points)
    with whole_file(weights) as unfinished:
        torch.save(sides.state_dict(), unfinished)
    return curve


def _train_tower(aligned: Sides, lessons: Lessons, validation: Validation) -> tuple[Sides, list[CurvePoint]]:
    """Run stage 2 from stage 1's text tower and scales; return the averaged sides."""
    visual: Any = aligned.model.visual.requires_grad_(True)
    stem = visual.trunk.patch_embed.backbone.requires_grad_(False)
    stem.last.weight.requires_grad_(True)
    sides = Sides(aligned.model, TowerSide(visual))
    sides.concept_map.load_state_dict(aligned.concept_map.state_dict())
    sides.log_scale.data.copy_(aligned.log_scale)
    sides.log_class_scale.data.copy_(aligned.log_class_scale)
    head = aligned.image.requires_grad_(False).eval()
    learner = Learner(sides, validation.encode, lessons, TOWER, head)
    curve = learner.train(validation)
    return learner.averaged, curve


def _read_data(
    run: BundledTraining,
    stem: MobileNetStem,
    preprocessing: Preprocessing,
    classifier: Classifier,
    encode: SentenceEncoder,
) -> tuple[Lessons, Validation]:
    parts = (
        ("captioned", read_flickr8k(run.data / "flickr8k/train.tar"), RANDOM_VIEWS),
        ("labelled", read_tiny_imagenet(run.data / "tiny-imagenet"), 1),
        ("validation", read_flickr8k(run.data / "flickr8k/val.tar"), 0),
    )
    captioned, labelled, validation = (
        Captioned.of(
            make_views(photographs, ViewRecipe(stem, preprocessing, views), run.work / name),
            photographs,
        )
        for name, photographs, views in parts
    )
    concepts = read_concepts(run.data / "teachers/clip_vitb32_lvis_concepts.npz")
    lessons = Lessons(captioned, labelled, classifier, read_class_names(), concepts)
    return lessons, Validation(validation, encode)


def _examples(lessons: Lessons) -> Tensor:
    return torch.from_numpy(lessons.captioned.views.pooled[:EXAMPLES].astype(np.float32))


def _features(views: Views, start: int) -> tuple[Tensor, Tensor]:
    """Return maps and pooled features of a batch of views."""
    rows = slice(start, start + VALIDATION_BATCH)
    maps, pooled = (part[rows].astype(np.float32) for part in (views.maps, views.pooled))
    return torch.from_numpy(maps), torch.from_numpy(pooled)
