"""A hostile file costs one decode: the child is limited, watched and always reaped."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from indexer.decoding import sandbox
from indexer.decoding.child import DecodeLimits, cpu_limit_s
from indexer.decoding.messages import (
    DecodedClip,
    DecodedFrames,
    DecodeMessage,
    DecodePlan,
    DecodeProgress,
    DecodeSummary,
    FramePlan,
)
from indexer.decoding.probe import VideoProbe
from indexer.decoding.sandbox import Decoding, decode_clips, decode_frames
from indexer.errors import DecoderCrashed, DecoderStalled, NotAVideo
from tests.synthetic_video import write_not_a_video, write_plain, write_truncated

PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12)


def child_running(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the next child run `script` instead of decoding."""
    monkeypatch.setattr(sandbox, "CHILD_COMMAND", [sys.executable, "-c", script])


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def decoded(path: Path) -> list[DecodeMessage]:
    with decode_clips(path, PLAN) as messages:
        return list(messages)


def test_a_video_arrives_as_probe_clips_and_summary(tmp_path: Path) -> None:
    messages = decoded(write_plain(tmp_path / "plain.mp4", duration_s=13.0, frame_rate=6.0))
    assert isinstance(messages[0], VideoProbe)
    clips = [message for message in messages if isinstance(message, DecodedClip)]
    assert [(clip.start_s, round(clip.end_s, 1)) for clip in clips] == [(0.0, 10.0), (10.0, 13.0)]
    assert clips[0].frames.shape == (12, 32, 32, 3)
    assert clips[0].thumbnail_jpeg.startswith(b"\xff\xd8")
    summary = messages[-1]
    assert isinstance(summary, DecodeSummary)
    assert (summary.frames_decoded, summary.warning) == (78, None)
    assert summary.decoded_seconds == pytest.approx(13.0, abs=0.05)


def test_progress_is_told_while_no_clip_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import sys\n"
        "from indexer.decoding import child\n"
        "child.PROGRESS_INTERVAL_S = 0.0\n"
        "sys.exit(child.main(sys.argv[1:]))\n"
    )
    child_running(monkeypatch, script)
    _, *progress, clip, _ = decoded(write_plain(tmp_path / "short.mp4", duration_s=4.0, frame_rate=6.0))
    assert isinstance(clip, DecodedClip)
    told = [message.decoded_s for message in progress if isinstance(message, DecodeProgress)]
    assert told == pytest.approx([index / 6 for index in range(24)], abs=0.01)


def test_frames_of_a_span_arrive_and_nothing_after_it_is_decoded(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "plain.mp4", duration_s=13.0, frame_rate=6.0)
    with decode_frames(path, FramePlan(32, "shortest", 3.0, 60, start_s=1.0, end_s=3.0)) as messages:
        found = [message for message in messages if not isinstance(message, DecodeProgress)]
    video, frames, summary = found
    assert isinstance(video, VideoProbe)
    assert isinstance(frames, DecodedFrames)
    assert frames.frames.shape == (6, 32, 32, 3)
    assert summary == DecodeSummary(3.0, 19, None)


def test_a_damaged_video_gives_what_decodes_and_a_warning(tmp_path: Path) -> None:
    *_, clip, summary = decoded(write_truncated(tmp_path / "cut.mkv"))
    assert isinstance(clip, DecodedClip)
    assert isinstance(summary, DecodeSummary)
    assert summary.warning is not None
    assert clip.end_s == pytest.approx(summary.decoded_seconds)


def test_a_refused_file_raises_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(NotAVideo, match=r"text\.mp4"):
        decoded(write_not_a_video(tmp_path / "text.mp4"))


def test_a_name_that_begins_with_a_dash_is_a_name(tmp_path: Path) -> None:
    assert isinstance(decoded(write_plain(tmp_path / "--help.mp4", 1.0))[-1], DecodeSummary)


def test_a_relative_path_is_refused_before_a_child_starts() -> None:
    with pytest.raises(ValueError, match="relative"):
        decode_clips(Path("-x.mp4"), PLAN)


def test_a_child_that_crashes_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import os, sys; sys.stderr.write('x' * 100_000 + ' bad slice'); sys.stderr.flush(); os.abort()"
    child_running(monkeypatch, script)
    with pytest.raises(DecoderCrashed, match=r"a\.mp4 was ended by SIGABRT.*bad slice") as raised:
        decoded(tmp_path / "a.mp4")
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("status", [0, 3])
def test_a_child_that_ends_without_a_summary_has_crashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    child_running(monkeypatch, f"raise SystemExit({status})")
    with pytest.raises(DecoderCrashed, match=f"exited with status {status}"):
        decoded(tmp_path / "a.mp4")


def test_a_child_killed_while_it_decodes_is_reported(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "long.mp4", duration_s=600.0, frame_rate=6.0)
    with decode_clips(path, PLAN) as messages, pytest.raises(DecoderCrashed, match="SIGKILL"):
        for _ in messages:
            os.kill(messages.child_pid, signal.SIGKILL)


def test_a_silent_child_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child_running(monkeypatch, "import time; time.sleep(600)")
    with decode_clips(tmp_path / "a.mp4", PLAN, stall_s=0.3) as messages:
        with pytest.raises(DecoderStalled, match=r"a\.mp4 gave no sign of life for 0\.3 s"):
            list(messages)
        assert is_gone(messages.child_pid)


def test_a_child_that_only_chatters_on_stderr_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child_running(monkeypatch, "import sys\nwhile True: sys.stderr.write('warning ' * 1000)")
    with decode_clips(tmp_path / "a.mp4", PLAN, stall_s=0.3) as messages, pytest.raises(DecoderStalled):
        list(messages)


@pytest.mark.parametrize("said", ["hello\\n", "[]\\n", "x" * 100_000])
def test_a_child_that_talks_nonsense_has_crashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    child_running(monkeypatch, f"import time; print('{said}', end='', flush=True); time.sleep(600)")
    with decode_clips(tmp_path / "a.mp4", PLAN) as messages:
        with pytest.raises(DecoderCrashed, match="garbled"):
            list(messages)
        assert is_gone(messages.child_pid)


def test_a_consumer_that_stops_early_leaves_no_child(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "long.mp4", duration_s=600.0, frame_rate=6.0)
    with decode_clips(path, PLAN) as messages:
        next(iter(messages))
    assert is_gone(messages.child_pid)


def test_too_little_memory_is_an_error_of_this_file(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", 2.0)
    with (
        decode_clips(path, PLAN, DecodeLimits(memory_bytes=300 * 1024**2)) as messages,
        pytest.raises(DecoderCrashed, match=r"a\.mp4.*memory"),
    ):
        list(messages)


def test_too_much_cpu_time_is_a_stall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 9))\nwhile True: pass"
    child_running(monkeypatch, script)
    with decode_clips(tmp_path / "a.mp4", PLAN) as messages, pytest.raises(DecoderStalled, match="CPU time"):
        list(messages)


def test_the_child_limits_itself_and_imports_no_torch(tmp_path: Path) -> None:
    script = (
        "import json, resource, sys\n"
        "from indexer.decoding.child import main\n"
        "main(sys.argv[1:])\n"
        "print('noise of a library', flush=True)\n"
        "limits = {name: resource.getrlimit(getattr(resource, 'RLIMIT_' + name))[0]\n"
        "          for name in ('AS', 'CPU', 'FSIZE', 'NOFILE', 'CORE')}\n"
        "json.dump([limits, sorted(sys.modules)], sys.stderr)\n"
    )
    path = write_plain(tmp_path / "a.mp4", 2.0)
    plan, limits = json.dumps(asdict(PLAN)), json.dumps(asdict(DecodeLimits()))
    command = [sys.executable, "-c", script, limits, plan, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, env=sandbox.child_environment())
    noise, said = done.stderr.splitlines()
    assert (noise, b"noise" in done.stdout) == (b"noise of a library", False)
    found, modules = json.loads(said)
    assert found == {"AS": 4 * 1024**3, "CPU": 120 + 2 * 30, "FSIZE": 0, "NOFILE": 64, "CORE": 0}
    assert not {"torch", "sqlalchemy", "faiss", "fastapi", "indexer.catalog"} & set(modules)
    assert "scenedetect" in modules


def test_the_child_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_DATABASE_URL", "postgresql://user:password@host/db")
    assert not [name for name in sandbox.child_environment() if name.startswith("REELSEEK")]


def test_a_child_whose_parent_is_gone_ends(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "long.mp4", duration_s=600.0, frame_rate=6.0)
    orphan = subprocess.Popen(
        [*sandbox.CHILD_COMMAND, json.dumps(asdict(DecodeLimits())), json.dumps(asdict(PLAN)), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=sandbox.child_environment(),
    )
    assert orphan.stdout is not None
    orphan.stdout.close()
    assert orphan.wait(timeout=30) == 1


def test_the_cpu_limit_grows_with_the_length_and_has_an_end() -> None:
    def limit(duration_s: float | None, size_bytes: int = 0) -> int:
        return cpu_limit_s(VideoProbe("mp4", "h264", duration_s, 64, 64, 0, 25.0, False, size_bytes))

    assert limit(10.0) < limit(3600.0)
    assert limit(None, size_bytes=10**9) > limit(3600.0)
    assert limit(1e12) == 7 * 24 * 3600


def test_leaving_twice_does_no_harm(tmp_path: Path) -> None:
    messages: Decoding = decode_clips(write_plain(tmp_path / "a.mp4", 1.0), PLAN)
    list(messages)
    messages.close()
    messages.close()
    assert is_gone(messages.child_pid)
