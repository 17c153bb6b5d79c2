"""EDLs, read back by rules of our own and by OpenTimelineIO's counting."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidMoment
from app.export.edit_list import reel_names, write_edit_list
from app.export.moments import Moment
from tests.moments import frame_of, make_list, make_source, read_events

NTSC = 30000 / 1001
RATES = [24000 / 1001, 24.0, 25.0, NTSC, 30.0, 48.0, 50.0, 60000 / 1001, 60.0]
SECONDS = st.floats(0, 4.9 * 3600, allow_nan=False)


@given(
    st.sampled_from(RATES),
    st.booleans(),
    st.sampled_from([None, "00:59:58:20", "01:00:00;02", "23:30:00:00"]),
    st.lists(st.tuples(SECONDS, st.floats(0.5, 600)), min_size=1, max_size=6),
)
def test_an_edl_read_back_gives_the_seconds_within_half_a_frame(
    frame_rate: float, prefers_drop: bool, start: str | None, spans: list[tuple[float, float]]
) -> None:
    source = make_source(frame_rate, prefers_drop=prefers_drop, start_timecode=start)
    moments = [Moment(source, begin, begin + length) for begin, length in spans]
    events = read_events(write_edit_list(make_list(*moments)), frame_rate)
    assert len(events) == len(moments)
    half_s, day = 0.5 / frame_rate + 1e-9, frame_of_day(source.count.write(-1), frame_rate)
    place = frame_of("01:00:00;00" if source.count.is_drop else "01:00:00:00", frame_rate)
    for event, moment in zip(events, moments, strict=True):
        begin, end = (((frame - source.first_frame) % day) / frame_rate for frame in event.source)
        assert abs(begin - moment.start_s) <= half_s
        assert abs(end - moment.end_s) <= half_s
        assert event.record[0] == place
        place += (event.source[1] - event.source[0]) % day
        assert event.record[1] == place


def frame_of_day(last: str, rate: float) -> int:
    """Return the frames of a day from its last timecode."""
    return frame_of(last, rate) + 1


@given(st.sampled_from(RATES), SECONDS, st.lists(st.floats(0.05, 30), min_size=2, max_size=8))
def test_moments_that_touch_neither_overlap_nor_lose_a_frame(
    frame_rate: float, begin: float, lengths: list[float]
) -> None:
    source = make_source(frame_rate)
    cuts = list(accumulate(lengths, initial=begin))
    moments = [Moment(source, *span) for span in pairwise(cuts)]
    events = read_events(write_edit_list(make_list(*moments)), frame_rate)
    assert all(event.source[1] == following.source[0] for event, following in pairwise(events))
    assert events[-1].source[1] - events[0].source[0] == events[-1].record[1] - events[0].record[0]


def test_the_list_has_the_form_of_cmx_3600() -> None:
    source = make_source(NTSC, filename="Holiday – été.MOV")
    moment = Moment(source, 59.9, 61.0, best_at_s=60.5, score=0.31, confidence="high")
    assert write_edit_list(make_list(moment, name="a dog\non a beach")).decode().split("\r\n") == [
        "TITLE: a dog on a beach",
        "FCM: DROP FRAME",
        "",
        "001  HOLIDAY  V     C        00:00:59;25 00:01:01;00 01:00:00;00 01:00:01;03",
        "* FROM CLIP NAME: Holiday – été.MOV",
        "* SOURCE FILE: file:///films/1.mp4",
        "* LOC: 01:00:00;18 GREEN   BEST 0.3100 HIGH",
        "",
    ]


def test_non_drop_is_said_where_it_is_wanted() -> None:
    moment = Moment(make_source(NTSC, prefers_drop=False), 60.06, 61.0)
    lines = write_edit_list(make_list(moment)).decode().split("\r\n")
    assert lines[1] == "FCM: NON-DROP FRAME"
    assert "00:01:00:00" in lines[3]


def test_the_programme_counts_as_most_moments_do_and_others_are_noted() -> None:
    pal, film = make_source(25.0, number=1), make_source(24.0, number=2)
    moments = (Moment(film, 1.0, 2.0), Moment(pal, 1.0, 2.0), Moment(pal, 3.0, 4.0))
    text = write_edit_list(make_list(*moments)).decode()
    assert "00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00" in text
    assert text.count("* COMMENT: SOURCE FRAME RATE 24.000") == 1


def test_a_variable_rate_is_not_hidden() -> None:
    text = write_edit_list(make_list(Moment(make_source(27.1), 1.0, 2.0))).decode()
    assert "* COMMENT: VARIABLE FRAME RATE, COUNTED AT 25.000" in text


def test_reel_names_are_short_plain_and_different() -> None:
    names = ["ax.mov", "Holiday in Rome 1.mp4", "Holiday in Rome 2.mp4", "日本.mp4", "..", "ÄÖ-ü.mkv"]
    reels = reel_names([make_source(filename=name, number=index) for index, name in enumerate(names)])
    assert list(reels.values()) == ["AX2", "HOLIDAY", "HOLIDAY2", "REEL", "REEL2", "AO_U"]


def test_a_name_cannot_add_a_line() -> None:
    source = make_source(filename="a\r\n002  EVIL     V     C.mp4")
    text = write_edit_list(make_list(Moment(source, 1.0, 2.0))).decode()
    assert [line[:3] for line in text.split("\r\n") if line[:1].isdigit()] == ["001"]


def test_no_moments_are_a_list_without_events() -> None:
    assert write_edit_list(make_list()) == b"TITLE: a dog\r\nFCM: NON-DROP FRAME\r\n"


def test_more_moments_than_an_edl_can_number_are_refused() -> None:
    moment = Moment(make_source(), 1.0, 2.0)
    with pytest.raises(InvalidMoment, match="1000 moments"):
        write_edit_list(make_list(*[moment] * 1000))


def test_a_moment_lasts_one_frame_at_least() -> None:
    (event,) = read_events(write_edit_list(make_list(Moment(make_source(), 1.0, 1.001))), 25.0)
    assert event.source == (25, 26)
