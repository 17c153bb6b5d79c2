"""Which arms are compared, and what is said of names that are none."""

import pytest

from model.evaluation.efficiency.arms import build_arms, build_backbone, paper_reductions
from model.token_reduction.base import TowerShape
from model.token_reduction.naming import parse_reduction
from tests.small_towers import small_backbone

B32 = TowerShape(layers=12, patches=49, class_tokens=1)
B16 = TowerShape(layers=12, patches=196, class_tokens=1)


def test_the_first_arm_is_without_reduction_and_named_once() -> None:
    arms = build_arms(small_backbone(), ["pooling:B3-4", "none", "pooling:b3-4"], frames=12)
    assert [arm.reduction for arm in arms] == ["none", "pooling:B3-4"]
    assert arms[0].macs > arms[1].macs > 0
    assert [layer.sequences for layer in arms[1].layers] == [12, 12, 12, 4, 4, 4]


@pytest.mark.parametrize(
    ("shape", "frames", "named"),
    [
        (B32, 12, ["centerclip:B6-6,49", "centerclip:B6-4,49", "centerclip:B6-3,49"]),
        (B32, 60, ["centerclip:B6-20,49", "centerclip:B6-15,49", "centerclip:B6-12,49"]),
        (B16, 12, ["centerclip:B6-4,160"]),
        (B16, 60, ["centerclip:B6-15,160"]),
        (B16, 8, ["centerclip"]),
    ],
)
def test_the_papers_own_settings_are_the_default(shape: TowerShape, frames: int, named: list[str]) -> None:
    reductions = paper_reductions(shape, frames)
    assert [name for name in reductions if name.startswith("centerclip")] == named
    assert {"tempme", "frames"} <= set(reductions)
    reducers = [parse_reduction(name, shape, frames) for name in reductions]
    assert len({reducer.name for reducer in reducers}) == len(reductions)


def test_a_preset_gives_its_tower_with_random_weights() -> None:
    first, again, other = build_backbone("tiny"), build_backbone("tiny"), build_backbone("tiny", seed=1)
    assert first.image_size == 224
    assert first.trunk.shape == TowerShape(4, 49, 0)
    weights = [backbone.tower.get_parameter("trunk.pos_embed") for backbone in (first, again, other)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def test_unknown_backbones_and_reductions_are_told_with_what_is_known() -> None:
    with pytest.raises(ValueError, match=r"no backbone 'B/32'.*paper-b32.*ViT-L-14"):
        build_backbone("B/32")
    with pytest.raises(ValueError, match="'shrink' is no known token reduction"):
        build_arms(small_backbone(), ["shrink"], frames=12)
    with pytest.raises(ValueError, match="5"):
        build_arms(small_backbone(), ["pooling:B3-5"], frames=12)
