"""The pictures of an indexed clip, decoded once more."""

import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from indexer.clip_pictures import read_pictures
from indexer.decoding.messages import DecodedClip
from indexer.decoding.plans import ClipPlan, DecodePlan
from indexer.decoding.sandbox import decode_clips
from indexer.errors import DecoderStalled, NoFrames, NotAVideo
from tests.counted_film import steady, write_film
from tests.synthetic_video import write_not_a_video, write_plain, write_two_scenes, write_variable_rate

INDEXED = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12, max_clip_s=4.0)


def plan_of(start_s: float, end_s: float) -> ClipPlan:
    return ClipPlan(32, "shortest", 12, start_s, end_s)


def films(folder: Path) -> list[Path]:
    """Return films that are found their way through, and one that is read from its beginning."""
    return [
        write_film(folder / "a.mp4", steady(Fraction(24000, 1001), 14.5, gop=48)),
        write_film(folder / "a.mkv", steady(Fraction(25), 14.5, gop=250)),
        write_film(folder / "slow.mp4", steady(Fraction(1, 2), 14.0)),
        write_film(folder / "a.ts", steady(Fraction(10), 9.0)),
        write_film(folder / "turned.mp4", steady(Fraction(10), 9.0, rotation=90)),
        write_variable_rate(folder / "vfr.mp4"),
        write_two_scenes(folder / "scenes.mp4"),
    ]


def test_every_clip_has_the_pictures_that_it_was_indexed_by(tmp_path: Path) -> None:
    for path in films(tmp_path):
        with decode_clips(path, INDEXED) as messages:
            clips = [message for message in messages if isinstance(message, DecodedClip)]
        assert len(clips) > 1, path.name
        for clip in (clips[0], clips[-1]):
            again = read_pictures(path, plan_of(clip.start_s, clip.end_s))
            assert np.array_equal(again, clip.frames), (path.name, clip.start_s)


def test_a_clip_behind_the_end_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "short.mp4", duration_s=2.0)
    with pytest.raises(NoFrames, match=r"short\.mp4 ends before second 5\.0"):
        read_pictures(path, plan_of(5.0, 9.0))


def test_what_is_no_video_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(NotAVideo):
        read_pictures(write_not_a_video(tmp_path / "text.mp4"), plan_of(0.0, 1.0))


def test_nobody_waits_longer_than_said_and_the_decoder_is_ended(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "film.mp4", 30.0)
    started = time.monotonic()
    with pytest.raises(DecoderStalled, match=r"film\.mp4 up to 3\.0 s took more than 0\.001 s"):
        read_pictures(path, plan_of(0.0, 3.0), patience_s=0.001)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("bounds", [(-1.0, 2.0), (2.0, 2.0), (0.0, float("inf")), (float("nan"), 1.0)])
def test_bounds_that_no_clip_has_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no clip of a video begins at"):
        plan_of(*bounds)
