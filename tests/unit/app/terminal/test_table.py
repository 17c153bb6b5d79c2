"""Answers as the terminal shows them."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from app.confidence import Confidence
from app.schemas import (
    CoverageDetails,
    Explanation,
    Hit,
    HitVideo,
    PageInfo,
    SearchAnswer,
    SearchModel,
    SearchTiming,
    SegmentScore,
    ShortHit,
    SimilarHits,
    WordsSaid,
)
from app.terminal.table import clock, print_answer


def make_short(start: float, **fields: object) -> ShortHit:
    """Return a moment of four seconds that stands behind a hit."""
    defaults = {
        "clip_id": "c",
        "video_id": "v",
        "title": "Beach",
        "start": start,
        "end": start + 4,
        "score": 0.3,
        "confidence": None,
        "thumbnail_url": "/t",
        "stream_url": "/s",
    }
    return ShortHit.model_validate({**defaults, **fields})


def make_hit(**fields: object) -> Hit:
    """Return a hit of four seconds."""
    defaults = {
        **make_short(4.0).model_dump(exclude={"title"}),
        "rank": 1,
        "best_at": 6.5,
        "tight_start": 5.0,
        "tight_end": 7.0,
        "confidence": Confidence.HIGH,
        "clips": ["c"],
        "similar": SimilarHits(count=0, hits=[]),
        "moments": [],
        "steps": [],
        "said": None,
        "explanation": None,
        "preview_url": "/clips/c/preview?start=0&end=4",
        "video": HitVideo(
            title="Beach", filename="b.mp4", duration=9.0, recorded_at=datetime.now(UTC), metadata={}
        ),
    }
    return Hit.model_validate({**defaults, **fields})


def shown(*hits: Hit, width: int = 120, colours: bool = False, **fields: object) -> str:
    """Return what is printed for an answer of these hits."""
    coverage = CoverageDetails(videos=1, clips=2, videos_pending=0, videos_failed=0, videos_of_other_models=0)
    defaults = {
        "query": "a dog",
        "data": list(hits),
        "nothing_found": False,
        "page_info": PageInfo(limit=1, next_cursor=None),
        "coverage": coverage,
        "model": SearchModel(preset="fake", generation=1),
        "notices": [],
        "timing_ms": SearchTiming(embed=0, search=0, rows=0, total=3),
    }
    console = Console(width=width, force_terminal=colours, color_system="standard" if colours else None)
    with console.capture() as captured:
        print_answer(console, SearchAnswer.model_validate({**defaults, **fields}))
    return captured.get()


@pytest.mark.parametrize(
    ("seconds", "clocked"),
    [(0.0, "0:00.0"), (9.96, "0:10.0"), (59.99, "1:00.0"), (75.25, "1:15.2"), (3600.0, "1:00:00.0")],
)
def test_times_are_minutes_and_seconds_with_a_tenth(seconds: float, clocked: str) -> None:
    assert clock(seconds) == clocked


def test_a_hit_is_a_row_that_says_how_sure_it_is_and_what_stands_behind_it() -> None:
    said = WordsSaid(text="good morning", start=4.0, end=5.0)
    text = shown(make_hit(similar=SimilarHits(count=6, hits=[]), said=said))
    row = next(line for line in text.splitlines() if "Beach" in line)
    for cell in ("high", "0.300", "0:04.0-0:08.0", "0:06.5", "+6 similar"):
        assert cell in row
    assert "“good morning”" in text


def test_how_sure_a_hit_is_has_a_colour() -> None:
    assert "\x1b[32mhigh" in shown(make_hit(), colours=True)
    assert "\x1b[33mmedium" in shown(make_hit(confidence="medium"), colours=True)
    assert "\x1b[31mlow" in shown(make_hit(confidence="low"), colours=True)


def test_a_hit_that_nothing_is_claimed_of_has_a_dash() -> None:
    assert "–" in shown(make_hit(confidence=None))


@pytest.mark.parametrize("field", ["steps", "moments"])
def test_steps_and_moments_stand_in_the_row_of_their_hit(field: str) -> None:
    text = shown(make_hit(**{field: [make_short(4.0), make_short(20.0)]}))
    assert "0:04.0-0:08.0" in text
    assert "0:20.0-0:24.0" in text


def test_an_explained_hit_shows_how_well_each_part_fits() -> None:
    explanation = Explanation(segments=[SegmentScore(start=4.0, end=5.0, score=0.25)], heatmap_url=None)
    text = shown(make_hit(explanation=explanation))
    assert "0:04.0 0.250" in text


def test_a_narrow_terminal_has_lines_and_nothing_is_left_out_of_them() -> None:
    text = shown(make_hit(similar=SimilarHits(count=6, hits=[])), width=40)
    assert all(len(line) <= 40 for line in text.splitlines())
    whole = " ".join(text.split())
    assert "1. high 0.300 Beach 0:04.0-0:08.0; best at 0:06.5; +6 similar" in whole
    assert "│" not in text


def test_an_answer_of_guesses_says_so_before_them() -> None:
    text = shown(make_hit(), nothing_found=True)
    assert text.index("Nothing in the library clearly shows that") < text.index("Beach")


def test_an_answer_without_hits_says_so() -> None:
    assert "No moment fits." in shown()


def test_further_pages_and_notices_are_told_below() -> None:
    text = shown(
        make_hit(), page_info=PageInfo(limit=1, next_cursor="next"), notices=["min_score leaves out."]
    )
    below = text.partition("2 clips of 1 video searched in 3 ms")[2]
    assert "--cursor" in below
    assert "--min-score leaves out." in below
