"""From figures to advice: the table's rows, its order, and the sentence under it."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from model.decoded_stream import RefusedVideo
from model.evaluation.drift.display import show_report
from model.evaluation.drift.encoding import Encoded
from model.evaluation.drift.metrics import CosineDrift, RankAgreement
from model.evaluation.drift.report import DriftReport, ReducerDrift, compare, conclusion, depth_for, recommend
from model.video_encoder import VideoEmbedding


def drift(reducer: str, speed_up: float, overlap: float) -> ReducerDrift:
    agreement = RankAgreement(overlap, 0.8)
    return ReducerDrift(
        reducer, speed_up, (0.9, 1.1), CosineDrift(0.99, 0.97, 0.95), None, agreement, agreement
    )


UNREDUCED = drift("none", 1.0, 1.0)


def unit_vectors(*shape: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(0).standard_normal(shape)
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return unit


def encoded(clips: NDArray[np.float32], segments: int, *batch_s: float) -> Encoded:
    return Encoded(VideoEmbedding(clips, unit_vectors(len(clips), segments, 8)), batch_s, len(clips))


def shown(*drifts: ReducerDrift, asked_depth: int = 10, refusals: list[RefusedVideo] | None = None) -> str:
    report = DriftReport(
        model="tiny",
        frames_per_clip=12,
        clips=20,
        videos=5,
        refusals=refusals or [],
        queries=40,
        asked_depth=asked_depth,
        depth=9,
        timed_clips=20,
        recommended=recommend(drifts),
        reducers=list(drifts),
    )
    output = StringIO()
    show_report(Console(file=output, width=80), report)
    return output.getvalue()


def test_the_fastest_that_keeps_nine_of_ten_hits_is_recommended() -> None:
    drifts = [drift("hasty", 3.0, 0.89), drift("good", 2.0, 0.9), drift("slow", 1.5, 1.0), UNREDUCED]
    assert recommend(drifts) == "good"
    assert "common: good, 2.00 times as fast as unreduced, with 0.90." in conclusion(drifts, 10)


@pytest.mark.parametrize("other", [drift("hasty", 3.0, 0.7), drift("slower", 0.9, 1.0)])
def test_without_a_faster_and_faithful_one_none_is_recommended(other: ReducerDrift) -> None:
    assert recommend([UNREDUCED, other]) == "none"
    said = conclusion([UNREDUCED, other], 10)
    assert "Nothing faster than unreduced keeps 0.90 of the first 10 hits" in said
    assert f"The most faithful is {other.reducer}" in said


def test_rows_are_sorted_by_speed_and_compared_with_the_first() -> None:
    clips = unit_vectors(20, 8)
    rows = compare(
        ["none", "slow", "fast"],
        [encoded(clips, 4, 2.0), encoded(clips, 4, 4.0), encoded(-clips, 6, 0.5)],
        unit_vectors(5, 8),
        depth=5,
    )
    assert [(row.reducer, row.speed_up) for row in rows] == [("fast", 4.0), ("none", 1.0), ("slow", 0.5)]
    fast, none, _ = rows
    assert (fast.clip_cosine.mean, none.clip_cosine.mean) == pytest.approx((-1, 1))
    assert fast.words.rank_correlation < -0.9
    assert fast.neighbours.overlap == pytest.approx(1)  # both vectors of a pair are turned alike


def test_one_disturbed_batch_does_not_decide_the_speed() -> None:
    clips = unit_vectors(20, 8)
    unreduced, disturbed = (
        encoded(clips, 4, 2.0, 2.0, 4.0, 2.0, 2.0),
        encoded(clips, 4, 1.0, 9.0, 2.0, 1.0, 1.0),
    )
    fast, _ = compare(["none", "fast"], [unreduced, disturbed], unit_vectors(5, 8), 5)
    assert (fast.reducer, fast.speed_up, fast.speed_up_quartiles) == ("fast", 2.0, (2.0, 2.0))


def test_segments_are_compared_only_where_there_are_as_many() -> None:
    clips = unit_vectors(20, 8)
    unreduced = encoded(clips, 4, 1.0)
    _, same = compare(["none", "same"], [unreduced, encoded(clips, 4, 1.0)], unit_vectors(5, 8), 5)
    assert same.segment_cosine is not None
    assert same.segment_cosine.mean == pytest.approx(1)
    _, other = compare(["none", "other"], [unreduced, encoded(clips, 6, 1.0)], unit_vectors(5, 8), 5)
    assert other.segment_cosine is None


@pytest.mark.parametrize(("clips", "depth"), [(1000, 10), (21, 10), (20, 9), (6, 2), (3, 1), (2, 1)])
def test_no_more_than_half_of_a_ranking_is_compared(clips: int, depth: int) -> None:
    assert depth_for(clips, 10) == depth


def test_the_table_fits_the_80_columns_of_a_pipe() -> None:
    lines = shown(drift("tempme:2-2-3/2/0.7/0.9", 1.61, 0.95), UNREDUCED).splitlines()
    [row] = [line for line in lines if line.startswith("tempme:2-2-3/2/0.7/0.9 ")]
    assert row.split()[1:] == ["1.61×", "0.990", "0.970", "0.950", "–", "0.95", "0.80", "0.95", "0.80"]
    assert not [line for line in lines if "…" in line]


def test_a_depth_that_was_lowered_is_said() -> None:
    assert "first 9 of each ranking are compared and not the first 10" in shown(drift("a", 2, 1), UNREDUCED)
    assert "are compared and not" not in shown(drift("a", 2, 1), UNREDUCED, asked_depth=9)


def test_refused_files_are_told_without_driving_the_terminal() -> None:
    refusal = RefusedVideo(Path("/videos/[bold]\x1b[2J.mp4"), "not-a-video", "it is [red]text")
    assert "'/videos/[bold]\\x1b[2J.mp4': not-a-video: it is [red]text" in shown(
        drift("a", 2, 1), UNREDUCED, refusals=[refusal]
    )
