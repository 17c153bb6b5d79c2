"""The best runs of clips for steps in order: the same as trying every run there is."""

from itertools import combinations, pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.search.ordering import sequence
from app.search.ordering.sequence import SequenceHit, find
from indexer.catalog import vector_codec
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from indexer.vector_index.faiss_index import FaissIndex
from indexer.vector_index.view import IndexView
from tests.factories import make_clip_ids, make_unit_vectors

DIMENSION = 8
Times = list[tuple[float, float]]


def make_view(videos: list[Times], vectors: NDArray[np.float32]) -> IndexView:
    """Return a library of videos, whose clips have ids from 1 on."""
    times = np.array([time for video in videos for time in video]).reshape(-1, 2)
    codes = np.repeat(np.arange(len(videos)), [len(video) for video in videos]).astype(np.int32)
    ids = np.arange(1, len(times) + 1)
    table, index = ClipTable(vectors.shape[1]), FaissIndex(vectors.shape[1])
    names = [f"video {code}" for code in range(len(videos))]
    columns = ClipColumns(ids, codes, times[:, 0], times[:, 1])
    table.add(columns, names, vectors.astype(np.float16), make_clip_ids(ids))
    index.add(ids, table.vectors(ids))
    return IndexView(table, index, revision=1)


def every_run(
    view: IndexView, steps: NDArray[np.float32], spreads: NDArray[np.float64], within_s: float, ids: list[int]
) -> list[SequenceHit]:
    """Return what ``find`` should, found by trying all."""
    clips = view.clips(np.array(ids, np.int64))
    vectors = view.vectors(clips.ids)
    scores = np.stack([vector_codec.cosines(vectors, step) for step in steps])
    order = sorted(range(len(ids)), key=lambda place: (clips.video[place], clips.start_s[place], ids[place]))
    best: dict[int, tuple[float, tuple[int, ...]]] = {}
    for run in combinations(order, len(steps)):
        if all(_follows(clips, one, other, within_s) for one, other in pairwise(run)):
            total = 0.0
            for step in range(len(steps) - 1, -1, -1):
                total = float(scores[step, run[step]]) / float(spreads[step]) + total
            if run[0] not in best or total > best[run[0]][0]:
                best[run[0]] = (total, run)
    chosen: list[tuple[float, tuple[int, ...]]] = []
    for total, run in sorted(best.values(), key=lambda one: (-one[0], ids[one[1][0]])):
        if not any(_overlap(clips, run, other) for _, other in chosen):
            chosen.append((total, run))
    return [
        SequenceHit(
            tuple(ids[place] for place in run),
            tuple(float(scores[step, place]) for step, place in enumerate(run)),
            total / len(steps),
        )
        for total, run in chosen
    ]


def _follows(clips: ClipColumns, one: int, other: int, within_s: float) -> bool:
    gap_s = clips.start_s[other] - clips.end_s[one]
    return bool(clips.video[one] == clips.video[other] and -1e-9 <= gap_s <= within_s + 1e-9)


def _overlap(clips: ClipColumns, run: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if clips.video[run[0]] != clips.video[other[0]]:
        return False
    is_before = clips.end_s[run[-1]] <= clips.start_s[other[0]]
    return not (is_before or clips.end_s[other[-1]] <= clips.start_s[run[0]])


def random_search(chance: Random) -> dict[str, Any]:
    """Return videos with and without gaps between clips, some of which look the same, and a sequence."""
    videos: list[Times] = []
    for _ in range(chance.randint(1, 6)):
        videos.append([])
        end_s = 0.0
        for _ in range(chance.randint(0, 9)):
            start_s = end_s + chance.choice([0.0, 0.0, 2.5, 2.75, 10.0])
            end_s = start_s + chance.choice([0.25, 2.0, 5.0, 10.0])
            videos[-1].append((start_s, end_s))
    count = sum(map(len, videos))
    looks = make_unit_vectors(chance.randrange(50), chance.choice([1, 5, 60]), DIMENSION)
    steps = make_unit_vectors(chance.randrange(50, 99), chance.randint(2, 4), DIMENSION)
    return {
        **{"videos": videos, "vectors": looks[[chance.randrange(len(looks)) for _ in range(count)]]},
        **{"steps": steps, "spreads": np.array([chance.choice([0.1, 0.25, 0.3]) for _ in steps])},
        "within_s": chance.choice([0.0, 2.5, 10.0, 1000.0]),
        "limit": chance.choice([1, 2, 5, 12]),
        "until_id": chance.choice([None, None, chance.randint(0, 40)]),
        "of_videos": chance.choice([None, None, {0, 2, 3}, set()]),
        "nearest": chance.choice([(1, 3), (5,), (2, 20), (4096,)]),
    }


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150)
def test_the_best_runs_are_those_of_trying_every_run(seed: int) -> None:
    drawn = random_search(Random(seed))
    view = make_view(drawn["videos"], drawn["vectors"])
    codes, until_id = drawn["of_videos"], drawn["until_id"]
    allowed = None if codes is None else [view.ids_of_videos([f"video {code}"]) for code in sorted(codes)]
    allowed_ids = None if allowed is None else np.sort(np.concatenate([*allowed, np.empty(0, np.int64)]))
    ids = (view.ids if allowed_ids is None else allowed_ids).tolist()
    ids = [one for one in ids if until_id is None or one <= until_id]
    expected = every_run(view, drawn["steps"], drawn["spreads"], drawn["within_s"], ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence, "NEAREST", drawn["nearest"])
        found = find(
            *(view, drawn["steps"], drawn["spreads"], drawn["within_s"], drawn["limit"]),
            *(allowed_ids, until_id),
        )

    assert found == expected[: drawn["limit"]]
