"""Subtitle streams are read along with the video, through the real child, on the video's own clock."""

import io
import json
from pathlib import Path

import pytest

from indexer.cue_text import MAX_CUES, NewCue
from indexer.decoding import subtitle_reader
from indexer.decoding.messages import DecodedCues, DecodeSummary, read_message
from indexer.decoding.packed_cues import pack_cues, unpack_cues
from indexer.decoding.plans import DecodePlan
from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from indexer.decoding.sandbox import decode_clips
from indexer.decoding.subtitle_reader import CueCollector
from tests.subtitled_video import write_subtitled
from tests.synthetic_video import write_plain

PLAN = DecodePlan(image_size=16, resize_mode="shortest", frames_per_clip=1)


def decoded(path: Path) -> tuple[DecodedCues | None, DecodeSummary]:
    with decode_clips(path, PLAN) as messages:
        found = [message for message in messages if isinstance(message, DecodedCues | DecodeSummary)]
    summary = found[-1]
    assert isinstance(summary, DecodeSummary)
    return (found[0] if isinstance(found[0], DecodedCues) else None), summary


def collected(path: Path) -> CueCollector:
    """Return what is said in the file, read in this process."""
    cues = CueCollector()
    assert list(FrameReader(path, probe(path), cues=cues))
    return cues


@pytest.mark.parametrize(
    ("codec", "name"), [("subrip", "a.mkv"), ("ass", "a.mkv"), ("webvtt", "a.mkv"), ("mov_text", "a.mp4")]
)
@pytest.mark.parametrize("first_s", [0.0, 5.0])
def test_text_streams_are_read_with_their_languages_from_the_first_frame_on(
    tmp_path: Path, codec: str, name: str, first_s: float
) -> None:
    said = {
        "eng": [(first_s + 0.5, first_s + 1.5, "Hello, world")],
        "ger": [(first_s + 1.0, first_s + 2.5, "Grüß Gott")],
    }

    found, summary = decoded(write_subtitled(tmp_path / name, said, codec=codec, first_s=first_s))

    assert found == DecodedCues(
        [NewCue(0.5, 1.5, "Hello, world", "eng"), NewCue(1.0, 2.5, "Grüß Gott", "ger")], None
    )
    assert summary.frames_decoded == 30


def test_what_begins_before_the_first_frame_begins_with_it_and_what_is_over_by_then_is_left_out(
    tmp_path: Path,
) -> None:
    said = [(0.2, 0.9, "never heard"), (0.5, 2.0, "half heard")]

    cues = collected(write_subtitled(tmp_path / "a.mkv", {"eng": said}, first_s=1.0))

    assert [(cue.start_s, cue.end_s, cue.text) for cue in cues.cues] == [(0.0, 1.0, "half heard")]
    assert cues.note == "cues of subtitle streams left out as damaged: 1"


def test_styles_breaks_and_drawings_are_not_said(tmp_path: Path) -> None:
    said = [
        (0.0, 1.0, "{\\an8}one\\Ntwo\\hthree {a comment}"),
        (1.0, 2.0, "{\\p1}m 0 0 l 100 0 100 100{\\p0}"),
        (2.0, 3.0, " "),
    ]

    assert [
        cue.text for cue in collected(write_subtitled(tmp_path / "a.mkv", {"eng": said}, codec="ass")).cues
    ] == ["one two three"]


def test_a_video_without_subtitles_says_nothing(tmp_path: Path) -> None:
    assert decoded(write_plain(tmp_path / "a.mp4"))[0] is None


def test_a_stream_of_pictures_is_passed_over_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_subtitled(tmp_path / "a.mkv", {"eng": [(0.0, 1.0, "text")]})
    monkeypatch.setattr(subtitle_reader, "TEXT_CODECS", frozenset({"ass"}))  # nothing here writes pictures

    cues = collected(path)

    assert (cues.cues, cues.note) == (
        [],
        "subtitle streams of pictures, not text, passed over: 1 (srt)",
    )


@pytest.mark.parametrize(("limit", "value"), [("MAX_CUES", 2), ("MAX_TEXT_BYTES", 9)])
def test_no_more_is_kept_than_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(subtitle_reader, limit, value)
    said = [(second, second + 1.0, "word") for second in (0.0, 1.0, 2.0)]

    cues = collected(write_subtitled(tmp_path / "a.mkv", {"eng": said}))

    assert len(cues.cues) == 2
    assert cues.note == "cues of subtitle streams left out as too many: 1"


def test_what_the_child_sends_is_cleaned_on_arrival() -> None:
    sent = [NewCue(0.0, 1.0, "<i>a</i>\x00\n&amp; b", "eng"), NewCue(1.0, 2.0, "<b>", "?!")]

    assert unpack_cues(pack_cues(sent)) == [NewCue(0.0, 1.0, "a & b", "eng")]


@pytest.mark.parametrize(
    "payload",
    [
        [[1.0, 0.5, "backwards", None]],
        [[float("nan"), 0.5, "never", None]],
        [[0.0, 1.0, "short"]],
        [[0.0, 1.0, 7, None]],
        7,
        [[0.0, 1.0, "a", None]] * (MAX_CUES + 1),
    ],
)
def test_cues_that_cannot_be_are_refused(payload: object) -> None:
    packed = json.dumps(payload).encode()
    line = json.dumps({"kind": "cues", "bytes": len(packed), "note": None}).encode()

    with pytest.raises((ValueError, TypeError)):
        read_message(line, io.BytesIO(packed).read, PLAN)


@pytest.mark.parametrize("size", [0, -1, 1 << 40])
def test_cues_of_an_impossible_size_are_refused_unread(size: int) -> None:
    line = json.dumps({"kind": "cues", "bytes": size, "note": None}).encode()

    with pytest.raises(ValueError, match=f"cues of {size} bytes"):
        read_message(line, io.BytesIO().read, PLAN)
