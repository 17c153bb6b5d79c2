"""The teacher's weights, made float again: the stem sees what the quantised network sees."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from model.training.bundled.teacher import (
    TEACHER_MEAN,
    TEACHER_STD,
    Layer,
    MobileNetTeacher,
    TeacherWeights,
    read_teacher,
)
from model.vision_transformer.mobilenet_hybrid import MobileNetStem, Stage

WEIGHTS = Path(__file__).parents[6] / "shared/data/teachers/mobilenet_v2_1.0_224_int8.tflite"


def small_stem() -> MobileNetStem:
    return MobileNetStem((Stage(1, 8, 1, 1),), last_channels=24)


def weights_of(stem: MobileNetStem) -> TeacherWeights:
    """Return what a teacher of the same shape could have learnt."""
    layers = [layer for layer in stem.modules() if isinstance(layer, nn.Conv2d)]
    convolutions = [Layer(torch.rand_like(layer.weight), torch.rand(layer.out_channels)) for layer in layers]
    return TeacherWeights(tuple(convolutions), torch.rand(5, 24), torch.rand(5))


def test_the_convolutions_are_loaded_in_the_order_in_which_they_run() -> None:
    stem = small_stem()
    teacher = weights_of(stem)
    teacher.load_into(stem)
    assert torch.equal(stem.first.weight, teacher.convolutions[0].weight)
    assert torch.equal(stem.last.weight, teacher.convolutions[-1].weight)
    assert torch.equal(stem.blocks[0].get_parameter("project.bias"), teacher.convolutions[2].bias)


def test_a_stem_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="the teacher's 4 convolutions do not fit the stem's 52"):
        weights_of(small_stem()).load_into(MobileNetStem())


@pytest.mark.skipif(not WEIGHTS.is_file(), reason="the teacher in ../shared/data is not here")
def test_the_stem_sees_what_the_quantised_teacher_sees() -> None:
    pytest.importorskip("ai_edge_litert")
    stem = MobileNetStem()
    teacher = read_teacher(WEIGHTS)
    teacher.load_into(stem)
    ramp = np.linspace(0, 255, 224, dtype=np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], ramp[::-1, None]), axis=2)
    own = MobileNetTeacher(WEIGHTS).features(np.ascontiguousarray(picture)).mean((0, 1))
    colours = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        seen = stem((colours - TEACHER_MEAN) / TEACHER_STD).mean((2, 3))[0]
    assert torch.cosine_similarity(seen, torch.from_numpy(own), dim=0) > 0.97
    assert (teacher.classifier_weight.shape, teacher.classifier_bias.shape) == ((1001, 1280), (1001,))
