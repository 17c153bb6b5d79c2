"""``python -m model.training.bundled``: the bundled model, from data to weights in one command.

The folder given by ``--data`` holds ``flickr8k/{train,val}.tar``, ``tiny-imagenet/`` and ``teachers/``.
Views and teacher features are kept in ``--work``, so that a second run starts at stage 1.
"""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from open_clip.model import CustomTextCLIP

from model.checkpoint import ModelSource, preprocessing_of, save_checkpoint
from model.datasets.photographs import centre_crop, read_flickr8k, read_tiny_imagenet
from model.evaluation.retrieval_metrics import RetrievalMetrics
from model.text_encoder import Tokenizer
from model.training.bundled.alignment import (
    TextAligner,
    TextSource,
    encode_texts,
    read_concepts,
    teacher_vectors,
)
from model.training.bundled.distillation import Distiller, Student, StudentSource
from model.training.bundled.views import ViewRecipe, make_views, random_crop

logger = logging.getLogger("model.training.bundled")  # its name also when it is run as a script

VIEWS_OF_CAPTIONED = 8
VIEWS_OF_LABELLED = 1
ALIGNMENT_EPOCHS = 14


@dataclass(frozen=True)
class TrainingRun:
    """What one training needs."""

    data: Path
    work: Path
    """Scratch folder for views and features: about 6 GB."""
    output: Path
    """Checkpoint folder that holds ``open_clip_config.json``; the weights are written there."""
    minutes: float
    """Wall-clock budget of stage 2."""
    device: torch.device


def train(run: TrainingRun) -> RetrievalMetrics:
    """Train the encoder configured in ``run.output``, write its weights, return its validation metrics."""
    torch.manual_seed(0)
    source = ModelSource.of_folder(run.output)
    model: CustomTextCLIP = source.build(is_trained=False)
    tokenizer = source.tokenizer()
    preprocessing = preprocessing_of(model)
    texts = _text_sources(run, preprocessing.image_size, tokenizer)
    concepts = read_concepts(run.data / "teachers/clip_vitb32_lvis_concepts.npz", tokenizer)
    aligner = TextAligner(model.text, model.visual.output_dim, concepts, run.device)
    alignment = aligner.train(*texts, epochs=ALIGNMENT_EPOCHS)
    captioned, labelled, validation = (
        StudentSource(
            text,
            teacher_vectors(alignment.head, text.views.pooled, run.device),
            encode_texts(model.text, text.tokens, run.device).cpu(),
        )
        for text in texts
    )
    student = Student(model.visual)
    distiller = Distiller(student, (captioned, labelled), preprocessing, alignment.scale, run.device)
    metrics = distiller.train(validation, minutes=run.minutes)
    model.visual = distiller.average.module.visual
    model.logit_scale.data.fill_(alignment.scale).log_()
    save_checkpoint(model, run.output)
    return metrics


def _text_sources(
    run: TrainingRun, image_size: int, tokenizer: Tokenizer
) -> tuple[TextSource, TextSource, TextSource]:
    teacher = run.data / "teachers/mobilenet_v2_1.0_224_int8.tflite"
    many = ViewRecipe(random_crop, VIEWS_OF_CAPTIONED, image_size, teacher)
    one = ViewRecipe(random_crop, VIEWS_OF_LABELLED, image_size, teacher)
    centre = ViewRecipe(centre_crop, 1, image_size, teacher)
    parts = (
        ("captioned", read_flickr8k(run.data / "flickr8k/train.tar"), many),
        ("labelled", read_tiny_imagenet(run.data / "tiny-imagenet"), one),
        ("validation", read_flickr8k(run.data / "flickr8k/val.tar"), centre),
    )
    captioned, labelled, validation = (
        TextSource.of(make_views(photographs, recipe, run.work / name), photographs, tokenizer)
        for name, photographs, recipe in parts
    )
    return captioned, labelled, validation


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m model.training.bundled", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with flickr8k/, tiny-imagenet/, teachers/"
    )
    parser.add_argument("--output", type=Path, default=Path("model/weights/tiny"), help="checkpoint folder")
    parser.add_argument(
        "--work", type=Path, default=Path("training-runs/tiny"), help="scratch folder, about 6 GB"
    )
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="wall-clock budget of the image tower's training"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("model").setLevel(logging.INFO)
    run = TrainingRun(
        options.data, options.work, options.output, options.minutes, torch.device(options.device)
    )
    logger.info("validation %s", train(run), extra={"action": "training_done"})


if __name__ == "__main__":
    main()
