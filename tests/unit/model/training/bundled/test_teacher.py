"""The teacher's weights, made float again: the stem sees what the quantised network sees."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from model.datasets.photographs import centre_crop, resize
from model.training.bundled.teacher import Layer, TeacherWeights, read_teacher
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
def test_made_float_again_it_classifies_as_the_quantised_network_does() -> None:
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    photograph = Image.fromarray(pytest.importorskip("skimage.data").coffee())
    picture = resize(centre_crop(photograph), 224)
    interpreter = interpreters.Interpreter(str(WEIGHTS), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
    interpreter.invoke()
    quantised = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0, 1:] / 256
    teacher, stem = read_teacher(WEIGHTS), MobileNetStem()
    teacher.load_into(stem)
    colours = (torch.from_numpy(picture.astype(np.float32)) - 127) / 127.5  # as the file says of its input
    with torch.inference_mode():
        pooled = stem(colours.permute(2, 0, 1)[None]).mean((2, 3))
        own = teacher.classify(pooled).softmax(1)[0].numpy()
    assert own.argmax() == quantised.argmax()
    assert np.abs(own - quantised).sum() < 0.3
