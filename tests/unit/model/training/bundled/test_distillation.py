"""Both stages on a handful of made-up photographs, with towers small enough to learn them in seconds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from model.checkpoint import CONFIGURATION_FILE, DualEncoder, ModelSource
from model.datasets.photographs import CaptionedPhotograph
from model.preprocessing import Preprocessing
from model.training.bundled.alignment import Concepts, TextAligner, TextSource, encode_texts, teacher_vectors
from model.training.bundled.distillation import Distiller, Student, StudentSource, mirror
from model.training.bundled.teacher import TEACHER_CHANNELS
from model.training.bundled.views import MAP_CHANNELS, Views

CPU = torch.device("cpu")
NAMES = ("red", "green", "blue", "white", "black", "yellow")
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 255, 0))
CONFIGURATION: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 16,
        "custom_text": True,
        "vision_cfg": {"image_size": 112, "patch_size": 16, "width": 32, "layers": 1, "head_width": 32},
        "text_cfg": {"context_length": 10, "vocab_size": 49408, "width": 32, "heads": 1, "layers": 1},
    }
}


@pytest.fixture
def source(tmp_path: Path) -> ModelSource:
    (tmp_path / CONFIGURATION_FILE).write_text(json.dumps(CONFIGURATION))
    return ModelSource.of_folder(tmp_path)


@pytest.fixture
def model(source: ModelSource) -> DualEncoder:
    return source.build(is_trained=False)


@pytest.fixture
def text_source(source: ModelSource) -> TextSource:
    photographs = [CaptionedPhotograph(name, b"", (f"a {name} wall",)) for name in NAMES]
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(len(NAMES), 7, 7, MAP_CHANNELS)).astype(np.float16)
    pooled = generator.normal(size=(len(NAMES), TEACHER_CHANNELS)).astype(np.float16)
    pictures = np.array(COLOURS, np.uint8)[:, None, None].repeat(112, 1).repeat(112, 2)
    return TextSource.of(Views(pictures, maps, pooled, count=1), photographs, source.tokenizer())


def concepts(source: ModelSource) -> Concepts:
    vectors = normalize(torch.randn(4, 512, generator=torch.Generator().manual_seed(0)), dim=-1)
    return Concepts(source.tokenizer()(["a cat", "a dog", "a cup", "a car"]), vectors)


def test_the_text_tower_learns_which_features_belong_to_which_words(
    source: ModelSource, model: DualEncoder, text_source: TextSource
) -> None:
    aligner = TextAligner(model.text, 16, concepts(source), CPU)
    alignment = aligner.train(text_source, text_source, text_source, epochs=60)
    assert alignment.validation.recall_at_1 == 100
    words = encode_texts(model.text, text_source.tokens, CPU)
    pictures = teacher_vectors(alignment.head, text_source.views.pooled, CPU)
    assert (words @ pictures.T).argmax(1).tolist() == list(range(len(NAMES)))


def test_the_image_tower_comes_nearer_to_teacher_and_captions(
    model: DualEncoder, text_source: TextSource
) -> None:
    targets = normalize(torch.randn(len(NAMES), 16, generator=torch.Generator().manual_seed(1)), dim=-1)
    photographs = StudentSource(text_source, teacher_vectors=targets, text_vectors=targets)
    preprocessing = Preprocessing(112, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest")
    distiller = Distiller(Student(model.visual), (photographs, photographs), preprocessing, 20.0, CPU)
    distiller.set_pace(0.1)
    first = distiller.step()
    for _ in range(12):
        last = distiller.step()
    assert all(last[name] < first[name] for name in ("map", "cosine", "contrastive")), (first, last)


def test_a_tower_whose_patches_do_not_lie_on_the_teacher_s_grid_is_refused(tmp_path: Path) -> None:
    towers = CONFIGURATION["model_cfg"]
    other = {"model_cfg": {**towers, "vision_cfg": {**towers["vision_cfg"], "image_size": 128}}}
    (tmp_path / CONFIGURATION_FILE).write_text(json.dumps(other))
    model = ModelSource.of_folder(tmp_path).build(is_trained=False)
    with pytest.raises(ValueError, match="8x8 patches, the teacher 7x7"):
        Student(model.visual)


def test_a_mirrored_picture_takes_its_feature_map_along() -> None:
    pictures = torch.zeros(2, 112, 112, 3, dtype=torch.uint8)
    maps = torch.zeros(2, 7, 7, 4)
    pictures[:, :, :16] = 255
    maps[:, :, 0] = 1
    mirror(pictures, maps, torch.tensor([False, True]))
    assert pictures[0, :, :16].min() == 255 and pictures[1, :, -16:].min() == 255
    assert maps[0, :, 0].min() == 1 and maps[1, :, -1].min() == 1
    assert pictures[1].sum() == pictures[0].sum() and maps[1].sum() == maps[0].sum()
