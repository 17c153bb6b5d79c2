"""A folder's clips from a process of their own: the writing side and the reading side, together and apart."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from indexer.decoding.messages import DecodedClip
from indexer.decoding.plans import DecodePlan
from indexer.decoding.sandbox import decode_clips
from indexer.streams import clip_stream
from indexer.streams.record_stream import READER_GONE, pixel_record, refusal_record, write_records
from model.decoded_stream import RefusedVideo, VideoClip, VideoReadingError
from model.evaluation import video_clips
from model.evaluation.video_clips import read_clips
from model.preprocessing import Preprocessing
from tests.synthetic_video import write_not_a_video, write_plain, write_truncated, write_two_scenes

PREPROCESSING = Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest")
FRAMES = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two videos with a file between them that is none."""
    folder = tmp_path / "videos"
    folder.mkdir()
    write_two_scenes(folder / "a.mp4")
    write_not_a_video(folder / "b.mp4")
    write_plain(folder / "c.mp4", duration_s=2.0)
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder without the project's code, as a user of an installed command does."""
    (tmp_path / "indexer.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)


def read(folder: Path, limit: int | None = None) -> tuple[list[VideoClip], list[RefusedVideo]]:
    found = list(read_clips(folder, PREPROCESSING, FRAMES, limit))
    clips = [one for one in found if isinstance(one, VideoClip)]
    return clips, [one for one in found if isinstance(one, RefusedVideo)]


def stream_of(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the next process run ``script`` instead of decoding."""
    monkeypatch.setattr(video_clips, "COMMAND", [sys.executable, "-c", script])


@pytest.mark.usefixtures("elsewhere")
def test_clips_arrive_as_they_are_cut_for_indexing(folder: Path) -> None:
    clips, refusals = read(folder)
    assert [(clip.path.name, round(clip.start_s), round(clip.end_s)) for clip in clips] == [
        ("a.mp4", 0, 3),
        ("a.mp4", 3, 6),
        ("c.mp4", 0, 2),
    ]
    with decode_clips(folder / "a.mp4", DecodePlan(32, "shortest", FRAMES)) as messages:
        indexed = [message for message in messages if isinstance(message, DecodedClip)]
    for clip, same in zip(clips, indexed, strict=False):
        np.testing.assert_array_equal(clip.frames, same.frames)
    assert clips[0].frames.flags.writeable
    [refusal] = refusals
    assert (refusal.path, refusal.code) == (folder / "b.mp4", "not-a-video")
    assert "b.mp4 is not a video" in refusal.reason


def test_a_damaged_video_gives_what_decodes(tmp_path: Path) -> None:
    write_truncated(tmp_path / "cut.mkv")
    clips, refusals = read(tmp_path)
    assert (len(clips), refusals) == (1, [])


def test_hostile_names_arrive_unchanged(tmp_path: Path) -> None:
    names = ["-rf.mp4", 'it\'s "so" [bold].mp4', "two\nlines.mp4", "ünï.mp4"]
    for name in names:
        (tmp_path / name).write_bytes(b"no video")
    _, refusals = read(tmp_path)
    assert [refusal.path.name for refusal in refusals] == names
    assert all(refusal.reason.isprintable() for refusal in refusals)


def test_a_link_that_leads_nowhere_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    clips, [refusal] = read(tmp_path)
    assert (clips, refusal.code) == ([], "unreadable")


def test_a_limit_ends_the_stream_whole(folder: Path) -> None:
    clips, refusals = read(folder, limit=2)
    assert ([clip.path.name for clip in clips], refusals) == (["a.mp4", "a.mp4"], [])


def test_a_folder_that_does_not_exist_is_told_in_the_process_s_own_words(tmp_path: Path) -> None:
    with pytest.raises(VideoReadingError, match=r"exited with status 2 .*nowhere is not a folder"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("cut_at", ["in a header", "in the pixels", "before the end"])
def test_a_stream_that_is_cut_off_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: str
) -> None:
    stream = BytesIO()
    frames = np.zeros((FRAMES, 32, 32, 3), np.uint8)
    write_records(stream, [pixel_record("clip", tmp_path / "a.mp4", (0.0, 2.0), frames)])
    whole = stream.getvalue()
    length = {"in a header": 30, "in the pixels": 1000, "before the end": whole.rindex(b'{"kind": "end"')}
    cut = tmp_path / "stream"
    cut.write_bytes(whole[: length[cut_at]])
    read_it = f"import sys; sys.stdout.buffer.write(open({str(cut)!r}, 'rb').read()); sys.exit('bye')"
    stream_of(monkeypatch, read_it)
    complaint = r"exited with status 1 before its last record \(it said: bye\)"
    with pytest.raises(VideoReadingError, match=complaint):
        read(tmp_path)


def test_a_process_that_is_killed_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream_of(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(VideoReadingError, match="was ended by signal 9"):
        read(folder)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("hello", "wrote no record"),
        ("[]", "wrote no record"),
        ('{"kind": "song"}', "a record of the kind 'song'"),
        ('{"kind": "clip", "shape": [9999999, 1, 1, 3]}', "where .* was asked for"),
        ("x" * 100_000, "a line of more than"),
    ],
)
def test_a_process_that_talks_nonsense_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: str, complaint: str
) -> None:
    stream_of(monkeypatch, f"import time; print({said!r}, flush=True); time.sleep(600)")
    with pytest.raises(VideoReadingError, match=complaint):
        read(folder)


def test_a_reader_that_stops_early_ends_the_process_quietly(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        write_not_a_video(tmp_path / name)
    process = subprocess.Popen(
        [*video_clips.COMMAND, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["path"] == str(tmp_path / "a.mp4")
    process.stdout.close()
    assert process.wait(timeout=30) == READER_GONE
    assert process.stderr is not None
    with process.stderr as said:
        assert said.read() == b""


def test_closing_the_clips_early_does_not_wait_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = refusal_record(tmp_path / "a.mp4", "empty-file", "it is empty")
    line = json.dumps(record.header)
    stream_of(monkeypatch, f"import time; print({line!r}, flush=True); time.sleep(600)")
    started = monotonic()
    with closing(read_clips(tmp_path, PREPROCESSING, FRAMES)) as found:
        assert next(found) == RefusedVideo(tmp_path / "a.mp4", "empty-file", "it is empty")
    assert monotonic() - started < 30


@pytest.fixture
def command() -> Iterator[typer.Typer]:
    """Yield the writing side as typed."""
    command = typer.Typer()
    command.command()(clip_stream.main)
    yield command


@pytest.mark.parametrize(
    ("options", "complaint"), [(["--frames=0"], "frames_per_clip=0"), (["--size=-1"], "image_size=-1")]
)
def test_frames_that_cannot_be_are_wrong_usage(
    command: typer.Typer, tmp_path: Path, options: list[str], complaint: str
) -> None:
    answer = CliRunner().invoke(command, [str(tmp_path), *options])
    assert (answer.exit_code, answer.stdout_bytes) == (2, b"")
    assert complaint in answer.stderr
