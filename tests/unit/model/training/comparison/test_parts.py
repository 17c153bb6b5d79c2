"""Arms and seeds, and what all of them have in common."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from model.training.comparison.parts import divide, keep_plan, run_from_json, run_of, run_to_json
from model.training.pairs import PairSampler
from model.training.run import Overrides
from tests.compared_parts import budget

ARMS = ["none", "centerclip:B4-4,49", "tempme:2-2-3/2/0.7/0.9"]


def test_parts_go_seed_by_seed_and_each_arm_is_first_in_turn(tmp_path: Path) -> None:
    parts = divide(ARMS, [0, 1, 2], tmp_path)
    assert [part.seed for part in parts] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for seed in (0, 1, 2):
        assert {part.arm for part in parts if part.seed == seed} == set(ARMS)
    assert [part.arm for part in parts[::3]] == ARMS


def test_every_part_has_a_folder_of_its_own_inside_the_output(tmp_path: Path) -> None:
    folders = {part.model_folder for part in divide(ARMS, [0, 1], tmp_path)}
    assert len(folders) == 6
    assert all(folder.parents[2] == tmp_path for folder in folders)


def test_all_arms_have_the_same_budget_and_differ_in_their_reducer_alone(tmp_path: Path) -> None:
    runs = [run_of(part, budget()) for part in divide(ARMS, [7], tmp_path)]
    assert [run.reducer for run in runs] == ARMS
    same = {replace(run, reducer="", output=Path()) for run in runs}
    assert same == {replace(budget(), reducer="", output=Path(), seed=7)}


def test_all_arms_of_a_seed_see_the_same_pairs_in_the_same_order(tmp_path: Path) -> None:
    """What a training draws its pairs from has no reducer in it."""
    runs = [run_of(part, budget()) for part in divide(ARMS, [7], tmp_path)]
    orders = [
        [PairSampler([5] * 20, 4, run.seed).pairs_of(step).tolist() for step in range(30)] for run in runs
    ]
    assert orders[0] == orders[1] == orders[2]
    assert {(run.dataset, run.root, run.max_steps, run.overrides) for run in runs} == {
        ("pans", budget().root, 2, budget().overrides)
    }


def test_a_run_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    run = replace(budget(tmp_path), frame_store=tmp_path / "frames", checkpointing=True)
    assert run_from_json(json.loads(json.dumps(run_to_json(run)))) == run
    with pytest.raises(ValueError, match="colour"):
        run_from_json({**run_to_json(run), "colour": "red"})


def test_an_output_folder_takes_no_other_budget(tmp_path: Path) -> None:
    keep_plan(budget(), 1, tmp_path)
    keep_plan(replace(budget(), workers=8, save_every=5), 1, tmp_path)  # these change no figure
    with pytest.raises(ValueError, match="with max_steps 2, not 9: name another --output"):
        keep_plan(replace(budget(), max_steps=9), 1, tmp_path)
    with pytest.raises(ValueError, match="overrides"):
        keep_plan(replace(budget(), overrides=Overrides(batch=8)), 1, tmp_path)
    with pytest.raises(ValueError, match="processes 1, not 2"):
        keep_plan(budget(), 2, tmp_path)
