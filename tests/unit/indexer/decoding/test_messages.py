"""What the child writes, the parent reads; what is no message is refused."""

import io
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from indexer.decoding.messages import (
    DecodedClip,
    DecodedFrames,
    DecodeMessage,
    DecodeProgress,
    DecodeSummary,
    read_message,
    write_message,
)
from indexer.decoding.plans import DecodePlan, FramePlan, Plan, read_plan
from indexer.decoding.probe import VideoProbe
from indexer.errors import IndexingError, NoFrames

PLAN = DecodePlan(image_size=4, resize_mode="shortest", frames_per_clip=3)
FRAME_PLAN = FramePlan(image_size=4, resize_mode="squash", frames_per_second=3.0, most=2, start_s=1.5)
CLIP = DecodedClip(
    start_s=1.5,
    end_s=4.0,
    frames=np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3),
    thumbnail_jpeg=b"\xff\xd8\n\x00",
    decoded_s=6.0,
)


def sent_and_received(message: DecodeMessage | IndexingError, plan: Plan = PLAN) -> DecodeMessage:
    stream = io.BytesIO()
    write_message(stream, message)
    stream.seek(0)
    received = read_message(stream.readline(), stream.read, plan)
    assert stream.read() == b""
    return received


@pytest.mark.parametrize(
    "message",
    [
        VideoProbe("mp4", "h264", None, 640, 360, 90, 24.5, True, 1000),
        DecodeProgress(2.5),
        DecodeSummary(10.0, 240, "Partly damaged: déjà vu."),
    ],
)
def test_a_plain_message_arrives_as_it_was_sent(message: DecodeMessage) -> None:
    assert sent_and_received(message) == message


def test_a_clip_arrives_with_its_pictures_writable() -> None:
    received = sent_and_received(CLIP)
    assert isinstance(received, DecodedClip)
    assert (received.start_s, received.end_s, received.decoded_s) == (1.5, 4.0, 6.0)
    assert received.thumbnail_jpeg == CLIP.thumbnail_jpeg
    np.testing.assert_array_equal(received.frames, CLIP.frames)
    assert received.frames.flags.writeable


def test_frames_arrive_as_they_were_sent_and_writable() -> None:
    frames = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    received = sent_and_received(DecodedFrames(frames), FRAME_PLAN)
    assert isinstance(received, DecodedFrames)
    np.testing.assert_array_equal(received.frames, frames)
    assert received.frames.flags.writeable


@pytest.mark.parametrize("count", [0, 3, 10**9])
def test_more_or_fewer_frames_than_can_be_are_refused(count: int) -> None:
    line = json.dumps({"kind": "frames", "count": count}).encode()
    with pytest.raises(ValueError, match=f"{count} frames: must be 1 to 2"):
        read_message(line, io.BytesIO().read, FRAME_PLAN)


def test_clips_are_no_answer_to_a_plan_for_frames_nor_frames_to_one_for_clips() -> None:
    with pytest.raises(KeyError):
        sent_and_received(CLIP, FRAME_PLAN)
    with pytest.raises(KeyError):
        sent_and_received(DecodedFrames(np.zeros((1, 4, 4, 3), np.uint8)), PLAN)


@pytest.mark.parametrize("plan", [PLAN, FRAME_PLAN])
def test_a_plan_arrives_as_it_was_sent(plan: Plan) -> None:
    assert read_plan(json.dumps(asdict(plan))) == plan


def test_a_refusal_is_raised_as_the_same_error() -> None:
    with pytest.raises(NoFrames, match=r"nothing in a\.mp4"):
        sent_and_received(NoFrames("nothing in a.mp4"))


@pytest.mark.parametrize(
    "line", [b"", b"not json\n", b'{"kind": "probe", "codec": 1}\n', b'{"kind": "new"}\n', b"[]\n"]
)
def test_a_garbled_line_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        read_message(line, io.BytesIO().read, PLAN)


def test_a_clip_that_announces_a_huge_thumbnail_is_refused() -> None:
    line = b'{"kind": "clip", "start_s": 0, "end_s": 1, "decoded_s": 1, "thumbnail_bytes": 9999999999}\n'
    with pytest.raises(ValueError, match="9999999999 bytes"):
        read_message(line, io.BytesIO().read, PLAN)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"image_size": 0}, "image_size=0"),
        ({"frames_per_clip": 0}, "frames_per_clip=0"),
        ({"resize_mode": "stretch"}, "resize_mode='stretch'"),
        ({"min_clip_s": 6.0}, "min_clip_s=6.0"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(values: dict[str, object], named: str) -> None:
    plan: dict[str, object] = {"image_size": 32, "resize_mode": "squash", "frames_per_clip": 12, **values}
    with pytest.raises(ValueError, match=named):
        DecodePlan(**plan)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"image_size": 0}, "image_size=0"),
        ({"most": 0}, "most=0"),
        ({"resize_mode": "stretch"}, "resize_mode='stretch'"),
        ({"frames_per_second": float("nan")}, "frames_per_second=nan"),
        ({"frames_per_second": 1e9}, "frames_per_second=1000000000.0"),
        ({"start_s": -1.0}, "begins at -1.0 s"),
        ({"start_s": float("inf")}, "begins at inf s"),
        ({"start_s": float("nan")}, "begins at nan s"),
        ({"start_s": 2.0, "end_s": 2.0}, "begins at 2.0 s and ends at 2.0 s"),
    ],
)
def test_frames_that_no_video_has_are_refused(values: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(FRAME_PLAN, **values)  # type: ignore[arg-type]
