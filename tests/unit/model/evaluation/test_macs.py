"""Multiply-accumulates: the closed form gives the published figures, and what the counter tells apart."""

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.profiler import record_function

from model.evaluation.macs import Macs, count_macs, measure_macs
from model.token_reduction.base import LayerTokens, Unreduced
from model.token_reduction.tome import ToMe
from model.vision_transformer.video_tower import REDUCTION_LABEL, VideoTower, open_trunk
from tests.published_costs import ADAPTED, PUBLISHED, ROUNDED, Published, video_tower
from tests.small_towers import small_tower


def closed_form(row: Published, *, lora_rank: int = 0) -> int:
    tower = video_tower(row)
    assert tower.trunk is not None
    return count_macs(tower.trunk, tower.schedule, tower.vectors_per_video, lora_rank=lora_rank)


@pytest.mark.parametrize("row", PUBLISHED)
def test_the_closed_form_gives_the_published_integer(row: Published) -> None:
    assert closed_form(row) == row.macs


@pytest.mark.parametrize("row", ROUNDED)
def test_the_closed_form_agrees_with_a_rounded_figure_to_its_last_digit(row: Published) -> None:
    assert round(closed_form(row), -8) == row.macs


@pytest.mark.parametrize("row", ADAPTED)
def test_adapters_cost_what_is_published(row: Published) -> None:
    assert closed_form(row, lora_rank=8) == row.macs


def test_eighteen_frames_through_tempme_with_adapters_cost_what_is_published() -> None:
    row = Published(32, 18, "tempme:2-3-3/2/0.7/0.9", 52_300_000_000)
    assert round(closed_form(row, lora_rank=8), -8) == row.macs


@pytest.mark.parametrize("row", [row for row in PUBLISHED + ROUNDED if row.speedup is not None])
def test_the_ideal_speed_up_is_the_published_one(row: Published) -> None:
    baseline = closed_form(row._replace(reduction="none"))
    assert round(baseline / closed_form(row), 2) == row.speedup


@pytest.mark.parametrize("grad", [True, False])
def test_the_counter_sees_the_same_in_real_fake_and_meta_tensors(grad: bool) -> None:
    def count(device: str) -> Macs:
        with torch.device(device):
            tower = VideoTower(small_tower(2), Unreduced(), 2)
        pictures = torch.zeros(4, 3, 32, 32, device=device)

        def run() -> Tensor:
            with torch.inference_mode(not grad):
                return tower.run(pictures).vectors

        return measure_macs(run)

    with FakeTensorMode():
        fake = count("cpu")
    assert count("cpu") == count("meta") == fake
    schedule = (LayerTokens(2, 17, 17, 17),) * 2
    assert fake == Macs(2 * count_macs(open_trunk(small_tower(2)), schedule, 2), 0)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_tower_run_whole_is_counted_off_the_fast_path_which_is_then_as_before(enabled: bool) -> None:
    tower, schedule = small_tower(2).eval(), (LayerTokens(3, 17, 17, 17),) * 2
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(enabled)
    try:
        with torch.inference_mode():
            counted = measure_macs(lambda: tower(torch.zeros(3, 3, 32, 32)))
        assert torch.backends.mha.get_fastpath_enabled() is enabled
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    assert counted == Macs(count_macs(open_trunk(tower), schedule, 3), 0)


def test_what_is_spent_on_choosing_tokens_is_told_apart() -> None:
    left, right = torch.zeros(3, 4), torch.zeros(4, 5)

    def run() -> None:
        _ = left @ right
        with record_function(REDUCTION_LABEL):
            _ = left[:2] @ right
            with record_function("a mark inside"):
                _ = left[:1] @ right
        with record_function("another mark"):
            _ = left @ right[:, :1]

    assert measure_macs(run) == Macs(tower=60 + 12, reduction=40 + 20)


def test_merging_costs_the_similarities_beside_the_tower() -> None:
    tower = VideoTower(small_tower(2), ToMe(3), 2)
    counted = measure_macs(lambda: tower.run(torch.zeros(2, 3, 32, 32)))
    similarities = 2 * (8 * 8 + 6 * 7) * 16  # two frames, A × B patches of 16 and of 13, heads of 16 channels
    assert counted.tower == count_macs(open_trunk(small_tower(2)), tower.schedule, 2)
    assert counted.reduction >= similarities


def test_a_frame_that_is_not_encoded_costs_nothing() -> None:
    trunk = open_trunk(small_tower(2))
    six, three = ((LayerTokens(frames, 17, 17, 17),) * 2 for frames in (6, 3))
    assert count_macs(trunk, six, 6) == 2 * count_macs(trunk, three, 3)
