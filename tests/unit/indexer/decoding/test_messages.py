"""What the child writes, the parent reads; what is no message is refused."""

import io

import numpy as np
import pytest

from indexer.decoding.messages import (
    DecodedClip,
    DecodeMessage,
    DecodePlan,
    DecodeProgress,
    DecodeSummary,
    read_message,
    write_message,
)
from indexer.decoding.probe import VideoProbe
from indexer.errors import IndexingError, NoFrames

PLAN = DecodePlan(image_size=4, resize_mode="shortest", frames_per_clip=3)
CLIP = DecodedClip(
    start_s=1.5,
    end_s=4.0,
    frames=np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3),
    thumbnail_jpeg=b"\xff\xd8\n\x00",
    decoded_s=6.0,
)


def sent_and_received(message: DecodeMessage | IndexingError) -> DecodeMessage:
    stream = io.BytesIO()
    write_message(stream, message)
    stream.seek(0)
    received = read_message(stream.readline(), stream.read, PLAN)
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
