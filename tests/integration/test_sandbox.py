"""A hostile file costs one decode: the child is limited, watched and always reaped."""

import json
import os
import signal
import time
from dataclasses import asdict
from pathlib import Path
from threading import Timer

import pytest

from indexer.decoding.limits import DecodeLimits, cpu_limit_s, wait_limit_s
from indexer.decoding.messages import DecodedClip, DecodedFrames, DecodeMessage, DecodeProgress, DecodeSummary
from indexer.decoding.plans import DecodePlan, FramePlan
from indexer.decoding.probe import VideoProbe
from indexer.decoding.sandbox import Decoding, decode_clips, decode_frames
from indexer.decoding.spawner_pool import Child
from indexer.errors import DecoderCrashed, DecoderStalled, NotAVideo
from tests.decoders import CONFINED, children_after, children_that
from tests.synthetic_video import write_not_a_video, write_plain, write_truncated

PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12)
IMPATIENT = DecodeLimits(silence_s=0.3)


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


def test_progress_is_told_while_no_clip_is_ready(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "short.mp4", duration_s=4.0, frame_rate=6.0)
    with children_after("child.PROGRESS_INTERVAL_S = 0.0") as talkative:
        _, *progress, clip, _ = decode_clips(path, PLAN, spawners=talkative)
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


@pytest.mark.parametrize("name", ["--help.mp4", "kill\n.mp4", os.fsdecode(b"caf\xe9.mp4")])
def test_a_strange_name_is_a_name(tmp_path: Path, name: str) -> None:
    assert isinstance(
        decoded(write_plain(tmp_path / "a.mp4", 1.0).rename(tmp_path / name))[-1], DecodeSummary
    )


def test_a_relative_path_is_refused_before_a_child_starts() -> None:
    with pytest.raises(ValueError, match="relative"):
        decode_clips(Path("-x.mp4"), PLAN)


def test_a_child_that_crashes_is_reported_with_its_last_words(tmp_path: Path) -> None:
    body = "sys.stderr.write('x' * 100_000 + ' bad slice'); sys.stderr.flush(); os.abort()"
    with (
        children_that(body) as aborting,
        pytest.raises(DecoderCrashed, match=r"a\.mp4 was ended by SIGABRT.*bad slice") as raised,
    ):
        list(decode_clips(tmp_path / "a.mp4", PLAN, spawners=aborting))
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("status", [0, 3])
def test_a_child_that_ends_without_a_summary_has_crashed(tmp_path: Path, status: int) -> None:
    with (
        children_that(f"return {status}") as ending,
        pytest.raises(DecoderCrashed, match=f"exited with status {status}"),
    ):
        list(decode_clips(tmp_path / "a.mp4", PLAN, spawners=ending))


def test_a_child_killed_while_it_decodes_is_reported(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "long.mp4", duration_s=120.0, frame_rate=6.0)
    with decode_clips(path, PLAN) as messages, pytest.raises(DecoderCrashed, match="SIGKILL"):
        for _ in messages:
            os.kill(messages.child_pid, signal.SIGKILL)


def test_a_silent_child_is_stopped(tmp_path: Path) -> None:
    with (
        children_that("time.sleep(600)") as silent,
        decode_clips(tmp_path / "a.mp4", PLAN, IMPATIENT, silent) as messages,
    ):
        with pytest.raises(DecoderStalled, match=r"a\.mp4 gave no sign of life for 0\.3 s"):
            list(messages)
        assert is_gone(messages.child_pid)


@pytest.mark.parametrize(
    "body",
    [
        "while True: sys.stderr.write('warning ' * 1000)",
        "while True: stream.write(b' '), stream.flush(), time.sleep(0.01)",
    ],
)
def test_a_child_that_only_chatters_is_stopped(tmp_path: Path, body: str) -> None:
    with children_that(body) as chattering, pytest.raises(DecoderStalled):
        list(decode_clips(tmp_path / "a.mp4", PLAN, IMPATIENT, chattering))


def test_a_child_that_says_it_makes_progress_for_ever_is_stopped(tmp_path: Path) -> None:
    body = "while True:\n    yield child.DecodeProgress(0.1)\n    time.sleep(0.05)"
    with (
        children_that(body, CONFINED) as endless,
        pytest.raises(DecoderStalled, match=r"waited for 0\.4 s in all"),
    ):
        list(decode_clips(tmp_path / "a.mp4", PLAN, DecodeLimits(wait_s=0.4), endless))


def test_only_waiting_counts_as_waiting(tmp_path: Path) -> None:
    body = """
        import numpy
        for start_s in range(0, 10, 2):
            yield DecodedClip(start_s, start_s + 2, numpy.zeros((12, 32, 32, 3), numpy.uint8), b"x", 0.0)
    """
    limits = DecodeLimits(silence_s=1.5, wait_s=1.5)
    with (
        children_that(body, CONFINED) as quick,
        decode_clips(tmp_path / "a.mp4", PLAN, limits, quick) as messages,
        pytest.raises(DecoderCrashed, match="exited with status 0"),
    ):
        for _ in messages:
            time.sleep(0.4)  # as an encoder that is slower than the decoder


def probe_that_says(**claims: object) -> str:
    """Return the line of a probe in which ``claims`` take the place of what is true."""
    true = VideoProbe("mp4", "h264", 1.0, 64, 64, 0, 25.0, has_audio=False, size_bytes=1)
    return json.dumps({"kind": "probe", **asdict(true), **claims}) + "\\n"


@pytest.mark.parametrize(
    "said",
    [
        "hello\\n",
        "[]\\n",
        "[" * 60_000 + "\\n",
        "x" * 100_000,
        probe_that_says(duration_s="long"),
        probe_that_says(duration_s=float("nan")),
        probe_that_says(duration_s=float("inf")),
        probe_that_says(duration_s=-1.0),
        probe_that_says(width=1.5),
        probe_that_says(height=10**30),
        probe_that_says(codec=None),
        probe_that_says(more=1),
    ],
)
def test_a_child_that_talks_nonsense_has_crashed(tmp_path: Path, said: str) -> None:
    body = f"stream.write(b'{said}'); stream.flush(); time.sleep(600)"
    with (
        children_that(body) as nonsensical,
        decode_clips(tmp_path / "a.mp4", PLAN, spawners=nonsensical) as messages,
    ):
        with pytest.raises(DecoderCrashed, match="garbled"):
            list(messages)
        assert is_gone(messages.child_pid)


def test_a_child_whose_clips_are_out_of_place_is_not_believed() -> None:
    body = """
        import numpy
        for start_s, end_s in json.loads(path.name):
            yield DecodedClip(start_s, end_s, numpy.zeros((12, 32, 32, 3), numpy.uint8), b"x", 0.0)
    """
    backwards, endless, beyond, before, overlapping, tiny = (
        "[[5, 4]]",
        "[[0, NaN]]",
        "[[0, 1e9]]",
        "[[-1, 2]]",
        "[[0, 2], [1, 4]]",
        "[[0, 0.1], [0.1, 0.2]]",
    )
    with children_that(body, CONFINED) as lying:
        for told in (backwards, endless, beyond, before, overlapping, tiny):
            with pytest.raises(DecoderCrashed, match=r"garbled.*clip \d from .* is out of place"):
                list(decode_clips(Path("/", told), PLAN, spawners=lying))


def test_a_child_that_falls_silent_for_good_but_stays_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Child.wait, "__defaults__", (0.3,))
    body = "os.closerange(1, 64); time.sleep(600)"
    with children_that(body) as staying, decode_clips(tmp_path / "a.mp4", PLAN, spawners=staying) as messages:
        with pytest.raises(DecoderCrashed, match="SIGKILL"):
            list(messages)
        assert is_gone(messages.child_pid)


def test_a_consumer_that_stops_early_leaves_no_child(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "long.mp4", duration_s=120.0, frame_rate=6.0)
    with decode_clips(path, PLAN) as messages:
        next(iter(messages))
    assert is_gone(messages.child_pid)


def test_another_thread_ends_a_decode_at_once(tmp_path: Path) -> None:
    with (
        children_that("time.sleep(600)") as silent,
        decode_clips(tmp_path / "a", PLAN, None, silent) as messages,
    ):
        Timer(0.2, messages.kill).start()
        started = time.monotonic()
        with pytest.raises(DecoderCrashed, match="SIGKILL"):
            list(messages)
    assert time.monotonic() - started < 5.0


def test_too_little_memory_is_an_error_of_this_file(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", 2.0)
    with (
        decode_clips(path, PLAN, DecodeLimits(memory_bytes=300 * 1024**2)) as messages,
        pytest.raises(DecoderCrashed, match=r"a\.mp4.*memory"),
    ):
        list(messages)


def test_too_much_cpu_time_is_a_stall(tmp_path: Path) -> None:
    body = "resource.setrlimit(resource.RLIMIT_CPU, (1, 9))\nwhile True: pass"
    with children_that(body) as busy, pytest.raises(DecoderStalled, match="CPU time"):
        list(decode_clips(tmp_path / "a.mp4", PLAN, spawners=busy))


def test_the_limits_of_time_grow_with_the_length_and_have_an_end() -> None:
    def video(duration_s: float | None, size_bytes: int = 0) -> VideoProbe:
        return VideoProbe("mp4", "h264", duration_s, 64, 64, 0, 25.0, False, size_bytes)

    for limit in (cpu_limit_s, wait_limit_s):
        assert limit(video(10.0)) < limit(video(3600.0))
        assert limit(video(None, size_bytes=10**9)) > limit(video(3600.0))
        assert limit(video(1e12)) == limit(video(1e13))
    assert cpu_limit_s(video(1e12)) == 7 * 24 * 3600
    assert wait_limit_s(video(60.0)) > cpu_limit_s(video(60.0))


def test_leaving_twice_does_no_harm(tmp_path: Path) -> None:
    messages: Decoding = decode_clips(write_plain(tmp_path / "a.mp4", 1.0), PLAN)
    list(messages)
    messages.close()
    messages.close()
    messages.kill()
    assert is_gone(messages.child_pid)
