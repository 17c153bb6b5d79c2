"""The shared collection of hostile and unusual files: each gives clips or a reason, in bounded time."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from indexer.clip_cutting import cutting
from indexer.decoding.messages import DecodedClip, DecodeMessage, DecodeSummary
from indexer.decoding.pictures import PictureScaler
from indexer.decoding.plans import DecodePlan
from indexer.decoding.probe import VideoProbe, probe
from indexer.decoding.reader import FrameReader
from indexer.decoding.sandbox import decode_clips
from indexer.errors import IndexingError

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "edge_cases"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the shared edge cases are not at {FOLDER}")

PLAN = DecodePlan(image_size=64, resize_mode="shortest", frames_per_clip=12)

REFUSED = {
    "not_a_video.mp4": "not-a-video",
    "chunk_out_of_range.mp4": "not-a-video",
    "empty.webm": "empty-file",
    "zero_frames_claims_41s.mp4": "no-frames",
    "zero_frames_claims_231s.mp4": "no-frames",
    "init_segment_only.mp4": "no-frames",
    "encrypted.mp4": "encrypted",
    "no_video_stream.mp4": "no-video-stream",
    "audio_only.mp4": "no-video-stream",
    "-leading-dash-1x1.mp4": "picture-too-small",
    "one_pixel_no_frames.avi": "picture-too-small",
}

DECODED_S = {
    "vfr.mp4": 14.97,
    "vfr_dropped_frames.mp4": 10.0,
    "no_duration.webm": 4.94,
    "av1.mkv": 5.0,
    "hevc.mp4": 1.0,
    "fades.mp4": 10.0,
    "corrupted_tail.mp4": 5.0,
}


def files() -> list[str]:
    found = sorted(path.name for path in FOLDER.glob("*")) if FOLDER.is_dir() else []
    return [name for name in found if name != "cases.csv"]


def decoded(name: str) -> list[DecodeMessage]:
    with decode_clips(FOLDER / name, PLAN) as messages:
        return list(messages)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", files())
def test_each_file_gives_clips_or_a_reason(name: str) -> None:
    if name in REFUSED:
        with pytest.raises(IndexingError) as refused:
            decoded(name)
        assert refused.value.code == REFUSED[name]
        return
    found, *_, summary = messages = decoded(name)
    assert isinstance(found, VideoProbe)
    assert isinstance(summary, DecodeSummary)
    clips = [message for message in messages if isinstance(message, DecodedClip)]
    assert clips[0].start_s == 0.0
    assert clips[-1].end_s == summary.decoded_seconds
    assert all(before.end_s == after.start_s for before, after in pairwise(clips))
    assert all(clip.frames.shape == (12, 64, 64, 3) for clip in clips)
    assert summary.decoded_seconds == pytest.approx(DECODED_S.get(name, summary.decoded_seconds), abs=0.05)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("rotate_0.mov", (568, 320)),
        ("rotate_90.mov", (320, 568)),
        ("rotate_180.mov", (568, 320)),
        ("rotate_270.mov", (320, 568)),
        ("phone_sideways.mov", (480, 640)),
        ("non_square_pixels.mpg", (501, 288)),
    ],
)
def test_sizes_are_as_shown(name: str, size: tuple[int, int]) -> None:
    found = probe(FOLDER / name)
    assert (found.width, found.height) == size


def test_frames_with_a_burned_in_counter_are_shown_at_their_times() -> None:
    path = FOLDER / "counter_burned_in.mp4"
    scaler, reader = PictureScaler(), FrameReader(path, probe(path))
    whole = {
        round(timed.time_s, 3): scaler.model_input(timed.frame, 256, "squash").astype(int) for timed in reader
    }
    assert sorted(whole) == [index / 10 for index in range(30)]
    plan = DecodePlan(image_size=256, resize_mode="squash", frames_per_clip=12)
    with decode_clips(path, plan) as messages:
        [clip] = [message for message in messages if isinstance(message, DecodedClip)]
    for index, frame in enumerate(clip.frames):
        time_s = (index + 0.5) * 3.0 / 12
        shown_s = min(whole, key=lambda at_s: float(np.abs(whole[at_s] - frame).mean()))
        # The frame on the screen at that time, or the one before it: one in three is skipped at 10 fps.
        assert time_s - 0.2 < shown_s <= time_s


def test_a_cut_shows_the_frames_whose_counter_was_asked_for(tmp_path: Path) -> None:
    path = FOLDER / "counter_burned_in.mp4"
    scaler, reader = PictureScaler(), FrameReader(path, probe(path))
    whole = [scaler.model_input(timed.frame, 256, "squash").astype(int) for timed in reader]
    with cutting(path, 1.2, 2.1, tmp_path) as cut, av.open(str(cut.wait())) as container:
        shown = [scaler.model_input(frame, 256, "squash").astype(int) for frame in container.decode(video=0)]
    nearest = [
        min(range(30), key=lambda number: float(np.abs(whole[number] - picture).mean())) for picture in shown
    ]
    assert nearest == list(range(12, 21))
