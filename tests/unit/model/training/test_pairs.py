"""The order in which training sees pairs of video and caption."""

import numpy as np
import pytest

from model.training.pairs import PairSampler


def videos_of(sampler: PairSampler, step: int) -> list[int]:
    return [int(item) for item in sampler.items[sampler.pairs_of(step)]]


def test_an_epoch_sees_every_pair_once_if_batches_fill_it() -> None:
    sampler = PairSampler([3, 1, 2, 4, 2], batch=4, seed=0)
    seen = [pair for step in range(sampler.steps_per_epoch) for pair in sampler.pairs_of(step)]
    assert sorted(seen) == list(range(12))


def test_epochs_and_seeds_have_orders_of_their_own_and_a_step_always_the_same() -> None:
    sampler = PairSampler([2] * 30, batch=20, seed=0)
    first, later = sampler.pairs_of(0), sampler.pairs_of(3)
    assert first.tolist() != later.tolist()
    assert first.tolist() != PairSampler([2] * 30, batch=20, seed=1).pairs_of(0).tolist()
    assert later.tolist() == PairSampler([2] * 30, batch=20, seed=0).pairs_of(3).tolist()
    assert [sampler.epoch_of(step) for step in (0, 2, 3, 6)] == [0, 0, 1, 2]


def test_what_no_batch_has_room_for_changes_from_epoch_to_epoch() -> None:
    sampler = PairSampler([1] * 10, batch=8, seed=0)
    left_out = {frozenset(range(10)) - frozenset(sampler.pairs_of(step).tolist()) for step in range(8)}
    assert sampler.steps_per_epoch == 1
    assert len(left_out) > 1


@pytest.mark.parametrize("captions", [[2] * 12, [5] * 9, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]])
def test_two_captions_of_one_video_never_meet_in_a_batch_that_can_do_without(captions: list[int]) -> None:
    sampler = PairSampler(captions, batch=5, seed=3)
    for step in range(3 * sampler.steps_per_epoch):
        assert len(set(videos_of(sampler, step))) == 5


def test_a_video_with_most_of_the_captions_is_spread_and_nothing_is_lost() -> None:
    sampler = PairSampler([9, 1, 1, 1], batch=4, seed=0)
    batches = [videos_of(sampler, step) for step in range(3)]
    assert sorted(video for batch in batches for video in batch) == [0] * 9 + [1, 2, 3]
    assert all(0 in batch for batch in batches)


def test_each_place_of_an_epoch_is_as_likely_for_every_pair() -> None:
    places = np.array([PairSampler([2] * 6, 3, seed).pairs_of(0) for seed in range(600)])
    counts = np.bincount(places.ravel(), minlength=12) / len(places)
    assert np.abs(counts - 0.25).max() < 0.07  # 3 places for 12 pairs


def test_what_a_pair_draws_depends_on_seed_epoch_and_pair_alone() -> None:
    one = PairSampler([2] * 6, batch=3, seed=5)
    other = PairSampler([2] * 6, batch=6, seed=5)  # as if a step were shared by twice as many processes
    assert one.generator_of(4, 7).random() == other.generator_of(2, 7).random()
    assert one.generator_of(4, 7).random() != one.generator_of(0, 7).random()
    assert one.generator_of(4, 7).random() != one.generator_of(4, 8).random()


def test_draws_inside_the_towers_differ_by_step_and_place_in_the_batch() -> None:
    sampler = PairSampler([2] * 6, batch=4, seed=5)
    seeds = {sampler.seed_of(step, place) for step in range(5) for place in (0, 2)}
    assert len(seeds) == 10


def test_fewer_pairs_than_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="3 pairs"):
        PairSampler([1, 2], batch=4, seed=0)
