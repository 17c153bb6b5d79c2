"""The tower of the bundled model: MobileNetV2 under four blocks, built by open_clip, taken apart, reduced."""

import json
from pathlib import Path

import pytest
import torch
from open_clip.timm_model import TimmModel
from timm import create_model
from torch import nn
from torch.nn.functional import conv2d, pad

from model.checkpoint import CONFIGURATION_FILE, ModelSource, preprocessing_of
from model.evaluation.macs import count_macs, measure_macs
from model.factory import reducer_for
from model.token_reduction.base import TowerShape, Unreduced
from model.vision_transformer.mobilenet_hybrid import MobileNetStem, Stage
from model.vision_transformer.timm_trunk import open_timm_trunk
from model.vision_transformer.video_tower import VideoTower, open_trunk
from tests.timm_towers import run, small_tower
from tests.tower_probes import count_runs

CONFIGURATION = {
    "model_cfg": {
        "embed_dim": 256,
        "custom_text": True,
        "vision_cfg": {
            "timm_model_name": "vit_mobilenetv2_224",
            "timm_pool": "avg",
            "timm_proj": "",
            "image_size": 224,
        },
        "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 1, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.498] * 3, "std": [0.5] * 3},
}
UNREDUCED = Unreduced()


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> TimmModel:
    """Return the tower as a checkpoint folder names it, with weights that let something through."""
    folder: Path = tmp_path_factory.mktemp("checkpoint")
    (folder / CONFIGURATION_FILE).write_text(json.dumps(CONFIGURATION))
    model = ModelSource.of_folder(folder).build(is_trained=False)
    assert preprocessing_of(model).image_size == 224
    visual = model.visual
    assert isinstance(visual, TimmModel)
    for layer in visual.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    return visual.requires_grad_(False)


def small_stem() -> MobileNetStem:
    return MobileNetStem((Stage(1, 8, 1, 1), Stage(3, 12, 2, 2)), last_channels=24)


def test_open_clip_builds_it_from_a_checkpoint_folder_and_it_is_itself_in_parts(tower: TimmModel) -> None:
    trunk = open_trunk(tower)
    assert (trunk.shape, trunk.dimension) == (TowerShape(4, 49, 0), 256)
    assert isinstance(tower.trunk.head, nn.Linear)
    pictures = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        own = tower(pictures)
    assert own.std(0).mean() > 5e-3
    torch.testing.assert_close(run(tower, UNREDUCED, pictures, 2), own, atol=1e-4, rtol=0)


def test_its_cost_is_what_torch_counts(tower: TimmModel) -> None:
    trunk = open_timm_trunk(tower)
    pictures = torch.zeros(1, 3, 224, 224)
    counted = count_macs(trunk, UNREDUCED.schedule(trunk.shape, 1), 1)
    assert counted == measure_macs(lambda: tower(pictures)).tower
    assert round(trunk.cost.embed_picture / 1e6, 1) == 315.6  # the paper's 300 with its classifier, and ours
    assert round(counted / 1e6) == 475


def test_strides_that_begin_beyond_the_last_pixel_are_counted() -> None:
    tower = small_tower("mobilenet", img_size=36)  # 18, 9 and 5 cells a side
    trunk = open_timm_trunk(tower)
    counted = count_macs(trunk, UNREDUCED.schedule(trunk.shape, 1), 1)
    assert trunk.shape.patches == 25
    assert counted == measure_macs(lambda: tower(torch.zeros(1, 3, 36, 36))).tower


def test_it_is_reduced_in_its_middle_unless_told_otherwise(tower: TimmModel) -> None:
    reducer = reducer_for(tower, "auto", 12)
    assert reducer.name == "centerclip:B2-4,49"
    assert [layer.sequences for layer in VideoTower(tower, reducer, 12).schedule] == [12, 12, 4, 4]


def test_a_stride_leaves_out_no_pixel_on_the_left_and_above() -> None:
    stem, pictures = small_stem(), torch.randn(1, 3, 16, 16)
    padded = pad(pictures, (0, 1, 0, 1))
    expected = conv2d(padded, stem.first.weight, stem.first.bias, stride=2)
    torch.testing.assert_close(stem.first(pictures), expected)


def test_pictures_in_pieces_give_what_they_give_together() -> None:
    stem, pictures = small_stem(), torch.randn(7, 3, 16, 16)
    runs = count_runs(stem.last)
    together = stem(pictures).detach()
    with torch.inference_mode():
        torch.testing.assert_close(stem(pictures), together)
    assert len(runs) == 1 + 2


def test_a_checkpointed_stem_has_the_same_gradients_and_runs_its_blocks_again() -> None:
    tower = small_tower("mobilenet")
    pictures = torch.randn(2, 3, 32, 32)
    runs = count_runs(tower.trunk.patch_embed.backbone.blocks[1])
    weights = list(tower.trunk.patch_embed.parameters())
    kept = torch.autograd.grad(tower(pictures).square().sum(), weights)
    tower.set_grad_checkpointing()
    again = torch.autograd.grad(tower(pictures).square().sum(), weights)
    torch.testing.assert_close(again, kept)
    assert len(runs) == 1 + 2


def test_pretrained_weights_are_refused_for_there_are_none() -> None:
    with pytest.raises(ValueError, match="set timm_model_pretrained to false"):
        create_model("vit_mobilenetv2_224", pretrained=True)


def test_a_frozen_stem_is_computed_in_pieces_though_what_follows_is_trained() -> None:
    stem = small_stem()
    pictures = torch.randn(9, 3, 32, 32)
    whole = stem(pictures)
    stem.requires_grad_(False)
    runs = count_runs(stem.last)
    frozen = stem(pictures)
    assert len(runs) == 3 and not frozen.requires_grad
    assert whole.requires_grad
    torch.testing.assert_close(frozen, whole.detach())
