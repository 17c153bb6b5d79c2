"""Which reducers are compared."""

import pytest
from open_clip.modified_resnet import ModifiedResNet

from model.evaluation.macs import count_macs
from model.token_reduction.naming import parse_reduction
from model.training.comparison.arms import choose_arms, frames_of_equal_cost
from model.vision_transformer.video_tower import VideoTower, open_trunk
from tests.small_towers import small_tower


def test_without_names_the_papers_methods_and_the_controls_are_compared() -> None:
    arms = choose_arms(small_tower(), [], 12)
    assert [arm.partition(":")[0] for arm in arms] == [
        "none",
        "centerclip",
        "tempme",
        "pooling",
        "sparse",
        "frames",
    ]


def test_sparse_sampling_draws_in_training_as_in_the_paper_unless_it_is_named_otherwise() -> None:
    assert choose_arms(small_tower(), [], 12)[4].endswith("/random")
    assert choose_arms(small_tower(), ["sparse:B3-4,16"], 12) == ["none", "sparse:B3-4,16"]


def test_the_control_has_the_frames_that_cost_most_nearly_what_the_reducer_costs() -> None:
    tower = small_tower()
    trunk = open_trunk(tower)

    def cost(name: str) -> int:
        video = VideoTower(tower, parse_reduction(name, trunk.shape, 12), 12)
        return count_macs(trunk, video.schedule, video.vectors_per_video)

    frames = frames_of_equal_cost(tower, "centerclip", 12)
    wanted = cost("centerclip")
    nearest = min(range(1, 13), key=lambda count: abs(cost(f"frames:{count}") - wanted))
    assert frames == nearest
    assert 1 < frames < 12


def test_none_comes_first_and_each_arm_once_by_its_canonical_name() -> None:
    arms = choose_arms(small_tower(), ["pooling:b3-4", "centerclip:B3-4,16", "none", "pooling:B3-4"], 12)
    assert arms == ["none", "pooling:B3-4", "centerclip:B3-4,16"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["shrink"], "'shrink' is no known token reduction"),
        (["pooling:B3-5"], "5"),
        (["none"], "name an --arm"),
    ],
)
def test_arms_that_cannot_be_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_arms(small_tower(), names, 12)


def test_a_tower_without_tokens_is_refused_with_those_that_have_some() -> None:
    tower = ModifiedResNet(layers=[1, 1, 1, 1], output_dim=8, heads=2, image_size=32, width=8)
    with pytest.raises(ValueError, match="vision transformer"):
        choose_arms(tower, [], 12)
