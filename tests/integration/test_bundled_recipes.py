"""One step of every kind of recipe on the bundled model, whatever its towers are made of."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model.checkpoint import DualEncoder, preprocessing_of
from model.config import resolve_preset
from model.token_reduction.naming import parse_reduction
from model.training.recipes import RECIPES
from model.training.schedule import make_optimizer, set_learning_rate
from model.training.short_texts import encode_texts, usable_length
from model.training.trainable_model import TrainableModel, finish, prepare_for_training
from model.vision_transformer.video_tower import VideoTower, open_trunk

FRAMES = 4
VIDEOS = 2


@pytest.mark.parametrize(
    ("name", "reduction"), [("centerclip", "sparse"), ("tempme", "tempme"), ("folder", "centerclip")]
)
def test_a_step_changes_what_is_trained_and_nothing_else(name: str, reduction: str) -> None:
    model = resolve_preset("tiny").source.build()
    recipe = replace(RECIPES[name], frames=FRAMES)
    reducer = parse_reduction(reduction, open_trunk(model.visual).shape, FRAMES)
    trainable = prepare_for_training(model, reducer, recipe)
    trained = set(trainable.trained_parameters())
    before = {f"model.{name}": values.clone() for name, values in model.state_dict().items()}
    steps(trainable, 3)
    changed = {
        key
        for name, values in model.state_dict().items()
        if not torch.equal(values, before[key := f"model.{name}"])
    }
    assert changed and changed <= trained
    assert len(changed) > 0.9 * sum(name.startswith("model.") for name in trained)
    finish(trainable)
    assert (
        model.state_dict().keys() == resolve_preset("tiny").source.build(is_trained=False).state_dict().keys()
    )


def steps(trainable: TrainableModel, count: int) -> None:
    model, optimizer = trainable.model, make_optimizer(trainable)
    size = preprocessing_of(model).image_size
    length = usable_length(model, 8)
    pictures, ids = torch.randn(VIDEOS * FRAMES, 3, size, size), torch.randint(1, 400, (VIDEOS, length))
    for step in range(count):
        trainable.train()
        set_learning_rate(optimizer, step, count, 0.1)
        optimizer.zero_grad()
        loss_of(model, VideoTower(model.visual, trainable.reducer, FRAMES), pictures, ids).backward()
        optimizer.step()
        trainable.limit_temperature()


def loss_of(model: DualEncoder, tower: VideoTower, pictures: Tensor, ids: Tensor) -> Tensor:
    videos = tower.run(pictures).vectors.unflatten(0, (VIDEOS, -1)).mean(1)
    logits: Tensor = model.logit_scale.exp() * videos @ encode_texts(model, ids).T
    return torch.nn.functional.cross_entropy(logits, torch.arange(VIDEOS))
