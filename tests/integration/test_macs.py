"""The closed form of the arithmetic, held against torch's counter in the papers' towers."""

from functools import cache

import pytest
import torch

from model.evaluation.macs import Macs, count_macs, measure_macs
from model.lora import add_lora, merge_lora
from model.token_reduction.distances import pairwise_distances
from model.vision_transformer.video_tower import VideoTower
from tests.published_costs import (
    ADAPTED,
    NOTHING_COMPUTED,
    PUBLISHED,
    ROUNDED,
    Published,
    paper_tower,
    video_tower,
)


@cache
def counted_row(row: Published) -> Macs:
    """What torch counts in the row's own tower."""
    return counted(video_tower(row))


def counted(tower: VideoTower) -> Macs:
    """What torch counts while one video runs."""
    with NOTHING_COMPUTED:
        pictures = torch.zeros(tower.frames, 3, 224, 224)
        return measure_macs(lambda: tower.run(pictures))


def closed_form(tower: VideoTower) -> int:
    assert tower.trunk is not None
    return count_macs(tower.trunk, tower.schedule, tower.vectors_per_video)


@pytest.mark.parametrize("row", PUBLISHED)
def test_the_counter_gives_the_published_integer(row: Published) -> None:
    assert counted_row(row).tower == row.macs


@pytest.mark.parametrize("row", ROUNDED)
def test_the_counter_and_the_closed_form_agree(row: Published) -> None:
    assert counted_row(row).tower == closed_form(video_tower(row))


@pytest.mark.parametrize("row", ADAPTED)
def test_adapters_are_counted_beside_the_weights_and_not_once_they_are_merged(row: Published) -> None:
    plain = paper_tower.__wrapped__(row.patch_size)
    with NOTHING_COMPUTED:
        add_lora(plain)
    tower = video_tower(row, plain)
    assert counted(tower).tower == row.macs
    with NOTHING_COMPUTED:
        merge_lora(plain)
    assert counted(tower).tower == closed_form(tower)


MERGING = [row for row in PUBLISHED + ROUNDED if row.reduction.startswith(("tempme", "tome"))]
CLUSTERING = [row for row in PUBLISHED if row.reduction.startswith("centerclip")]


@pytest.mark.parametrize("row", MERGING)
def test_matching_and_merging_take_under_one_in_a_hundred_of_the_arithmetic(row: Published) -> None:
    macs = counted_row(row)
    assert 0 < macs.reduction < 0.01 * macs.tower


@pytest.mark.parametrize("row", CLUSTERING)
def test_distances_take_under_one_in_a_hundred_of_the_arithmetic(row: Published) -> None:
    gathered = next(layer for layer in video_tower(row).schedule if layer.entering > layer.attended)
    with NOTHING_COMPUTED:
        points = torch.zeros(gathered.sequences, gathered.entering, 768)
        distances = measure_macs(lambda: pairwise_distances(points)).tower
    assert 0 < distances < 0.01 * row.macs
