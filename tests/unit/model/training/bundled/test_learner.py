"""Both stages on six colours, with a text tower small enough to learn them in seconds."""

from dataclasses import replace

import open_clip
import pytest
import torch
from torch import nn
from torch.optim import AdamW, Muon

from model.training.bundled.curriculum import ALIGNMENT, TOWER, Validation
from model.training.bundled.image_sides import PooledHead, TowerSide
from model.training.bundled.learner import PEAK_RATE, STEM_RATE_SHARE, Learner, Sides, make_optimizers
from model.training.bundled.lessons import Lessons, Sizes
from model.training.bundled.text_tower import SentenceEncoder
from tests.bundled_towers import colours, lessons_of, small_model

SIZES = Sizes(captioned=12, labelled=4, likely_classes=2, random_classes=4, concepts=4)
ENCODE = SentenceEncoder(open_clip.get_tokenizer("ViT-B-32"))


@pytest.fixture
def lessons() -> Lessons:
    return lessons_of(colours())


def aligned_sides(lessons: Lessons) -> Sides:
    pooled = torch.from_numpy(lessons.captioned.views.pooled).float()
    sides = Sides(small_model(), PooledHead(pooled, 256))
    sides.model.visual.requires_grad_(False)
    return sides


def tower_sides() -> Sides:
    model = small_model()
    model.visual.trunk.patch_embed.backbone.requires_grad_(False)
    model.visual.trunk.patch_embed.backbone.last.weight.requires_grad_(True)
    return Sides(model, TowerSide(model.visual))


def test_words_learn_which_features_belong_to_them(lessons: Lessons) -> None:
    plan = replace(ALIGNMENT, steps=60, sizes=SIZES, steps_between_validations=30)
    learner = Learner(aligned_sides(lessons), ENCODE, lessons, plan)
    curve = learner.train(Validation(colours(count=1), ENCODE))
    assert [point.step for point in curve] == [30, 60]
    assert curve[-1].validation.text_to_video.recall_at_1 == 100


def test_the_tower_comes_nearer_to_captions_classes_and_the_head_before_it(lessons: Lessons) -> None:
    head = aligned_sides(lessons).image.eval()
    plan = replace(TOWER, steps=16, sizes=SIZES)
    learner = Learner(tower_sides(), ENCODE, lessons, plan, head)
    losses = [learner.step(step) for step in range(1, 17)]
    for name in ("captions", "classes", "head"):
        first, last = (sum(getattr(one, name).item() for one in part) for part in (losses[:4], losses[-4:]))
        assert last < first, name


def test_a_loss_that_is_not_finite_stops_the_training(lessons: Lessons) -> None:
    sides = aligned_sides(lessons)
    with torch.no_grad():
        sides.concept_map.weight.fill_(torch.nan)
    learner = Learner(sides, ENCODE, lessons, replace(ALIGNMENT, steps=3, sizes=SIZES))
    before = sides.log_scale.clone()
    with pytest.raises(ArithmeticError, match="loss of step 1 of the alignment is nan"):
        learner.step(1)
    assert torch.equal(before, sides.log_scale)


def test_only_matrices_of_the_image_tower_s_blocks_are_left_to_muon() -> None:
    sides = tower_sides()
    adamw, muon = make_optimizers(sides, text_rate_share=0.2)
    assert isinstance(adamw, AdamW) and isinstance(muon, Muon)
    trained = {id(p) for p in sides.parameters() if p.requires_grad}
    grouped = [id(p) for one in (adamw, muon) for group in one.param_groups for p in group["params"]]
    assert len(grouped) == len(set(grouped)) and set(grouped) == trained
    blocks = {id(p) for p in sides.model.visual.trunk.blocks.parameters() if p.ndim == 2}
    assert {id(p) for p in muon.param_groups[0]["params"]} == blocks


def test_the_last_convolution_moves_slowly_and_biases_do_not_decay() -> None:
    sides = tower_sides()
    adamw, _ = make_optimizers(sides, text_rate_share=0.2)
    settings = {
        id(parameter): (group["lr"], group["weight_decay"])
        for group in adamw.param_groups
        for parameter in group["params"]
    }
    visual: nn.Module = sides.model.visual.trunk
    last = visual.get_parameter("patch_embed.backbone.last.weight")
    assert settings[id(last)] == (pytest.approx(PEAK_RATE * STEM_RATE_SHARE), 0.0)
    assert settings[id(visual.get_parameter("head.bias"))] == (PEAK_RATE, 0.0)
    assert settings[id(sides.model.text.token_embedding.weight)][0] == pytest.approx(0.2 * PEAK_RATE)
