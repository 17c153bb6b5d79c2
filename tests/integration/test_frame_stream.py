"""Frames of the files asked for, from a process of its own: the writing side and the reading side."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image

from indexer.streams.frame_stream import read_requests
from indexer.streams.record_stream import READER_GONE, pixel_record, refusal_record
from model.datasets import frames
from model.datasets.base import CaptionedItem, Media, Photograph, Refusal, VideoFile
from model.datasets.frames import CandidateFrames, Sampling, read_candidates
from model.decoded_stream import VideoReadingError
from model.preprocessing import Preprocessing
from tests.synthetic_video import shade, write_not_a_video, write_plain, write_truncated

PREPROCESSING = Preprocessing(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest")
SAMPLING = Sampling(frames_per_second=2.0, most=6)


def photograph(shade: int) -> Photograph:
    buffer = BytesIO()
    Image.new("RGB", (16, 16), (shade,) * 3).save(buffer, format="PNG")
    return Photograph(buffer.getvalue())


def read(media: Sequence[Media]) -> list[CandidateFrames | Refusal]:
    items = [CaptionedItem(f"item {index}", ("said of it",), one) for index, one in enumerate(media)]
    return list(read_candidates(items, PREPROCESSING, SAMPLING))


def stream_of(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the next process run ``script`` instead of decoding."""
    monkeypatch.setattr(frames, "COMMAND", [sys.executable, "-c", script])


def test_items_are_answered_in_order_with_refusals_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "indexer.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    plain = write_plain(tmp_path / "plain.mp4", duration_s=8.0)
    hostile = write_plain(tmp_path / 'two\nlines "ü".mp4', duration_s=1.0)
    write_not_a_video(tmp_path / "text.mp4")
    write_truncated(tmp_path / "cut.mkv")
    found = read(
        [
            VideoFile(plain, 1.0, 3.0),
            VideoFile(tmp_path / "text.mp4"),
            photograph(100),
            VideoFile(Path("plain.mp4")),
            VideoFile(tmp_path / "gone.mp4"),
            VideoFile(tmp_path / "cut.mkv"),
            VideoFile(plain, 9.0, 12.0),
            VideoFile(plain, 3.0, 3.0),
            VideoFile(hostile),
            VideoFile(plain, 7.0, 12.0),
        ]
    )
    codes = [one.code if isinstance(one, Refusal) else "" for one in found]
    assert codes == [
        "",
        "not-a-video",
        "",
        "",
        "media-missing",
        "incomplete",
        "outside-span",
        "impossible-span",
        "",
        "",
    ]
    names = [one.name if isinstance(one, Refusal) else one.item.name for one in found]
    assert names == [f"item {index}" for index in range(10)]
    shown = [one.frames for one in found if isinstance(one, CandidateFrames)]
    span, still, thinned, short, tail = [[float(frame.mean()) for frame in one] for one in shown]
    np.testing.assert_allclose(span, [shade(t) for t in (1.0, 1.5, 2.0, 2.5)], atol=2)
    assert still == [100]
    np.testing.assert_allclose(thinned, [shade(t) for t in (0.5, 2.0, 3.0, 4.5, 6.0, 7.0)], atol=2)
    assert (len(thinned), len(short), len(tail)) == (6, 2, 2)
    assert shown[0].shape == (4, 16, 16, 3)
    assert shown[0].flags.writeable
    assert "breaks off at 2." in found[5].reason if isinstance(found[5], Refusal) else False


def test_a_video_that_lacks_little_is_used(tmp_path: Path) -> None:
    [found] = read([VideoFile(write_truncated(tmp_path / "cut.mkv", keep=0.97))])
    assert isinstance(found, CandidateFrames)


def test_a_whole_span_of_a_video_that_breaks_off_later_is_used(tmp_path: Path) -> None:
    path = write_truncated(tmp_path / "cut.mkv")
    inside, over_the_break = read([VideoFile(path, 0.0, 2.0), VideoFile(path, 1.0, 3.5)])
    assert isinstance(inside, CandidateFrames)
    assert isinstance(over_the_break, Refusal)


def test_closing_the_candidates_early_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = json.dumps(refusal_record(tmp_path / "a.mp4", "empty-file", "it is empty").header)
    monkeypatch.chdir(tmp_path)
    stream_of(
        monkeypatch,
        "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid()));"
        f"print({line!r}, flush=True); time.sleep(600)",
    )
    items = [CaptionedItem(name, ("x",), VideoFile(tmp_path / f"{name}.mp4")) for name in ("a", "b")]
    started_s = monotonic()
    with closing(read_candidates(items, PREPROCESSING)) as found:
        assert next(found) == Refusal("a", "empty-file", "it is empty")
    assert monotonic() - started_s < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("", "exited with status 0 before its last record"),
        (json.dumps({"kind": "end", "records": {}}), "answered for no file where"),
        (json.dumps(refusal_record(Path("/other.mp4"), "x", "y").header), "answered for /other.mp4 where"),
        (json.dumps({"kind": "clip"}), "known are frames, refusal and end"),
        (
            json.dumps(pixel_record("frames", Path("a"), (0, 1), np.zeros((7, 16, 16, 3), np.uint8)).header),
            r"where \[1 to 6, 16, 16, 3\] was asked for",
        ),
    ],
)
def test_another_answer_than_asked_for_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, complaint: str
) -> None:
    stream_of(monkeypatch, f"print({answer!r})" if answer else "")
    with pytest.raises(VideoReadingError, match=complaint):
        read([VideoFile(tmp_path / "a.mp4")])


@pytest.mark.parametrize("line", [b"hello\n", b"[]\n", b'{"path": "a"}\n', b"x" * 100_000])
def test_a_request_that_is_none_is_quoted(line: bytes) -> None:
    with pytest.raises(ValueError, match="asks for no file"):
        list(read_requests(BytesIO(line)))


def run_command(*options: str, asked: str = "") -> "subprocess.CompletedProcess[str]":
    command = [*frames.COMMAND, *options]
    return subprocess.run(command, input=asked, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("options", "asked", "complaint"),
    [
        (["--rate=0"], "", "frames_per_second=0.0: must be over 0"),
        (["--most=0"], "", "most=0: must be at least 1"),
        ([], "hello\n", "'hello' asks for no file"),
    ],
)
def test_wrong_usage_is_one_line(options: list[str], asked: str, complaint: str) -> None:
    done = run_command(*options, asked=asked)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert complaint in done.stderr


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    write_not_a_video(tmp_path / "a.mp4")
    line = json.dumps({"path": str(tmp_path / "a.mp4"), "start_s": 0, "end_s": None}).encode() + b"\n"
    with subprocess.Popen(
        frames.COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(line * 100)
        process.stdin.close()
        assert json.loads(process.stdout.readline())["code"] == "not-a-video"
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (READER_GONE, b"")
