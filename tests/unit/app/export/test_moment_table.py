"""Moments as CSV."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.export.moment_table import COLUMNS, write_table
from app.export.moments import Moment
from tests.moments import make_list, make_source


def rows_of(*moments: Moment) -> list[dict[str, str]]:
    text = write_table(make_list(*moments)).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_row_has_seconds_and_timecodes() -> None:
    source = make_source(30000 / 1001, start_timecode="10:00:00;00", filename="Übung, „eins“.mp4")
    source = replace(source, recorded_at=datetime(2026, 5, 1, tzinfo=UTC))
    moment = Moment(source, 60.0, 64.5, "c1", 3, 61.0, 0.25, "low", 'she said "go"\r\nand\u202e went')
    assert rows_of(moment) == [
        {
            "rank": "3",
            "title": "A film",
            "filename": "Übung, „eins“.mp4",
            "start": "60.000",
            "end": "64.500",
            "best_at": "61.000",
            "timecode_in": "10:00:59;28",
            "timecode_out": "10:01:04;15",
            "timecode_best": "10:01:01;00",
            "frame_rate": "29.970",
            "frame_rate_is_constant": "yes",
            "score": "0.2500",
            "confidence": "low",
            "said": 'she said "go" and went',
            "recorded_at": "2026-05-01T00:00:00+00:00",
            "video_id": source.video_id,
            "clip_id": "c1",
            "address": "file:///films/1.mp4",
        }
    ]


def test_what_is_not_known_is_empty_and_a_variable_rate_is_told() -> None:
    (row,) = rows_of(Moment(make_source(27.1), 1.0, 2.0))
    assert {name for name, value in row.items() if not value} == {
        *("rank", "best_at", "timecode_best", "score", "confidence", "said", "recorded_at", "clip_id")
    }
    assert row["frame_rate_is_constant"] == "no"


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\u202e=1"])
def test_a_cell_that_a_spreadsheet_would_compute_is_text(title: str) -> None:
    source = replace(make_source(), title=title, filename=title)
    (row,) = rows_of(Moment(source, 1.0, 2.0, said=title))
    assert [row["title"], row["filename"], row["said"]] == ["'" + title.lstrip("\t\r\u202e")] * 3


def test_a_negative_score_stays_a_number() -> None:
    assert rows_of(Moment(make_source(), 1.0, 2.0, score=-0.1))[0]["score"] == "-0.1000"


def test_no_moments_are_a_table_of_its_header() -> None:
    assert write_table(make_list()) == f"{','.join(COLUMNS)}\r\n".encode()
