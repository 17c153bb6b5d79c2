"""Moments as an OpenTimelineIO timeline, read back by that library."""

import opentimelineio as otio
import pytest

from app.export.moments import Moment
from app.export.timeline import write_timeline
from tests.moments import make_list, make_source

NTSC = 30000 / 1001


def read_back(*moments: Moment) -> otio.schema.Timeline:
    return otio.adapters.read_from_string(write_timeline(make_list(*moments)).decode(), "otio_json")


def test_a_clip_points_at_its_file_on_the_files_own_timecode() -> None:
    source = make_source(NTSC, start_timecode="01:00:00;00")
    moment = Moment(source, 10.0, 14.0, "c1", 1, 12.0, 0.3, "high", "hello")
    (clip,) = read_back(moment).tracks[0]
    assert clip.media_reference.target_url == "file:///films/1.mp4"
    available, wanted = clip.media_reference.available_range, clip.source_range
    assert available.start_time.to_timecode() == "01:00:00;00"
    assert available.duration.to_seconds() == pytest.approx(5 * 3600, abs=0.5 / NTSC)
    assert (wanted.start_time - available.start_time).to_seconds() == pytest.approx(10, abs=0.5 / NTSC)
    assert wanted.duration.to_seconds() == pytest.approx(4, abs=1 / NTSC)
    (marker,) = clip.markers
    assert wanted.contains(marker.marked_range)
    assert (marker.marked_range.start_time - wanted.start_time).to_seconds() == pytest.approx(2, abs=1 / NTSC)
    known = clip.metadata["reelseek"]
    assert (known["score"], known["confidence"], known["said"]) == (0.3, "high", "hello")
    assert known["frame_rate"] == "30000/1001"


def test_moments_follow_each_other_and_the_query_is_kept() -> None:
    source = make_source(25.0)
    timeline = read_back(Moment(source, 0.0, 2.0), Moment(source, 8.0, 9.0))
    assert [clip.name for clip in timeline.tracks[0]] == ["A film", "A film"]
    assert timeline.duration().to_seconds() == pytest.approx(3.0)
    assert timeline.global_start_time.to_timecode() == "01:00:00:00"
    assert timeline.metadata["reelseek"]["query"] == "a dog"


def test_a_moment_without_a_best_second_has_no_marker() -> None:
    (clip,) = read_back(Moment(make_source(), 0.0, 2.0)).tracks[0]
    assert not clip.markers
    assert "score" not in clip.metadata["reelseek"]


def test_no_moments_are_an_empty_track() -> None:
    assert len(read_back().tracks[0]) == 0
