"""Subtitle files of every make become cues; what is odd is left out and counted, never more."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.cue_text import MAX_CUE_CHARACTERS, MAX_CUES, MAX_TIME_S, NewCue
from indexer.errors import NotSubtitles
from indexer.subtitle_file import MAX_SUBTITLE_BYTES, Subtitles, parse_subtitles

SUBRIP = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i>,
world!

2
00:01:00,000 --> 01:00:00,250
{\\an8}Good &amp; bye 42

"""

WEBVTT = """WEBVTT - a title

STYLE
::cue { color: red }

NOTE said by nobody

chapter one
00:01.000 --> 00:02.500 align:start position:10%
<v Anna>Hello,
<00:00:01.500><c.yellow>world!</c>

1:00:00.000 --> 1:00:01.000
-- Bye
"""


def parse(text: str) -> Subtitles:
    return parse_subtitles(text.encode())


def texts(text: str) -> list[str]:
    return [cue.text for cue in parse(text).cues]


def test_subrip_is_read_without_tags_numbers_and_entities() -> None:
    assert parse_subtitles(SUBRIP.encode(), "en").cues == [
        NewCue(1.0, 2.5, "Hello, world!", "en"),
        NewCue(60.0, 3600.25, "Good & bye 42", "en"),
    ]


def test_webvtt_is_read_without_identifiers_notes_styles_and_settings() -> None:
    assert parse(WEBVTT).cues == [NewCue(1.0, 2.5, "Hello, world!"), NewCue(3600.0, 3601.0, "-- Bye")]
    assert parse(WEBVTT).note is None


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_every_usual_encoding_and_line_ending_is_read(encoding: str, newline: str) -> None:
    content = SUBRIP.replace("Hello", "“Déjà vu” – ça va?").replace("\n", newline).encode(encoding)

    found = parse_subtitles(content)

    assert [cue.text for cue in found.cues] == ["“Déjà vu” – ça va?, world!", "Good & bye 42"]
    assert (found.note is not None) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("00:00:01.000 --> 00:00:02.500", (1.0, 2.5)),
        ("0:0:1,5 --> 0:0:2,50", (1.5, 2.5)),
        ("00:00:01-->00:00:02", (1.0, 2.0)),
        ("00:00:05,000 --> 00:00:05,000", (5.0, 5.0)),
        ("  00:00:01,000  -->  00:00:02,000  X1:100 X2:200", (1.0, 2.0)),
        ("100:00:00,000 --> 100:00:01,000", (360000.0, 360001.0)),
    ],
)
def test_times_are_read_in_every_usual_way(times: str, expected: tuple[float, float]) -> None:
    [cue] = parse(f"{times}\nword").cues

    assert (cue.start_s, cue.end_s) == expected


@pytest.mark.parametrize(
    "times",
    [
        "00:00:02,000 --> 00:00:01,000",
        "-00:00:02,000 --> 00:00:01,000",
        "O0:00:0l,000 --> 00:00:02,000",
        "--> 00:00:01,000",
        "00:00:01,000 -->",
        "9999:00:00,000 --> 9999:00:01,000",
        "00:00:01,0000000000 --> 00:00:02,000",
    ],
)
def test_a_cue_whose_times_cannot_be_right_is_left_out_with_its_words_and_counted(times: str) -> None:
    found = parse(f"{SUBRIP}3\n{times}\nwrong\n\n4\n00:00:03,000 --> 00:00:04,000\nright\n")

    assert [cue.text for cue in found.cues] == ["Hello, world!", "Good & bye 42", "right"]
    assert found.refused == 1
    assert "impossible times: 1" in (found.note or "")


def test_an_arrow_between_words_is_said() -> None:
    assert texts("00:00:01,000 --> 00:00:02,000\ngo --> there\n") == ["go --> there"]


def test_overlapping_cues_and_those_out_of_order_are_all_kept() -> None:
    overlapping = "00:00:05,000 --> 00:00:09,000\nb\n\n00:00:01,000 --> 00:00:08,000\na\n"

    assert texts(overlapping) == ["b", "a"]


def test_blank_lines_inside_and_missing_between_cues_do_no_harm() -> None:
    odd = "1\n00:00:01,000 --> 00:00:02,000\none\n\nstill one\n2\n00:00:03,000 --> 00:00:04,000\ntwo\n"

    assert texts(odd) == ["one still one", "two"]


def test_cues_without_words_are_no_cues() -> None:
    assert texts("00:00:01,000 --> 00:00:02,000\n<b> </b>\u200e\n\n" + SUBRIP)[0] == "Hello, world!"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"WEBVTT\n\n", b"once upon a time", b"\x00\x01\x02" * 100, b"\xff\xfe", b"1 --> b\nc"],
)
def test_what_holds_no_cue_is_refused_with_the_way_out(content: bytes) -> None:
    with pytest.raises(NotSubtitles, match=r"send SubRip \(\.srt\) or WebVTT"):
        parse_subtitles(content)


def test_a_file_of_too_many_bytes_is_refused_unread() -> None:
    with pytest.raises(NotSubtitles, match=f"more than the {MAX_SUBTITLE_BYTES} bytes allowed"):
        parse_subtitles(b" " * (MAX_SUBTITLE_BYTES + 1))


@pytest.mark.parametrize("words", ["the same words again\n\n", ""])
def test_cues_past_the_most_are_not_read_but_told(words: str) -> None:
    started = time.process_time()
    found = parse("00:00:01,000 --> 00:00:02,000\nhello\n" + f"0:1-->0:2\n{words}" * (5 * MAX_CUES))

    assert len(found.cues) == (MAX_CUES if words else 1)
    assert found.note == "only the first 100000 cues were read"
    assert time.process_time() - started < 20


def test_a_number_of_thousands_of_digits_is_no_character() -> None:
    assert [cue.text for cue in parse(f"0:1-->0:2\nhi &#{'9' * 5000}; &#65;\n").cues] == ["hi A"]


@pytest.mark.parametrize("bomb", ["<", "<a", "{\\", "&", "&#", "<a>", " ", "\u0301", "1\n", "-->", "<a\n"])
def test_hostile_text_takes_no_more_time_than_its_length(bomb: str) -> None:
    started = time.process_time()
    found = parse("00:00:01,000 --> 00:00:02,000\nword " + bomb * 300_000)

    assert all(len(cue.text) <= MAX_CUE_CHARACTERS for cue in found.cues)
    assert time.process_time() - started < 5


PIECES = (
    "00:00:01,000 --> 00:00:02,000\n",
    "WEBVTT\n\n",
    "-->",
    "\n",
    "<i>",
    "{\\b",
    "7",
    "NOTE",
    "é",
    "\x00",
)


@settings(max_examples=100)
@given(pieces=st.lists(st.sampled_from(PIECES) | st.text(max_size=5)), tail=st.binary(max_size=20))
def test_whatever_comes_cues_are_possible_or_the_file_is_refused(pieces: list[str], tail: bytes) -> None:
    try:
        found = parse_subtitles("".join(pieces).encode(errors="replace") + tail)
    except NotSubtitles:
        return
    for cue in found.cues:
        assert 0 <= cue.start_s <= cue.end_s <= MAX_TIME_S
        assert not {"Cc", "Cs"} & {unicodedata.category(character) for character in cue.text}
        assert cue.text == cue.text.strip() != ""
