"""Clips show what the video shows at their times."""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.decoding.clip_maker import ClipMaker
from indexer.decoding.messages import DecodedClip
from indexer.decoding.plans import DecodePlan
from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from tests.synthetic_video import (
    BLUE,
    RED,
    flat,
    shade,
    write_oriented,
    write_plain,
    write_two_scenes,
    write_variable_rate,
    write_video,
)

PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12)


def clips_of(path: Path, plan: DecodePlan = PLAN) -> list[DecodedClip]:
    reader, maker = FrameReader(path, probe(path)), ClipMaker(plan)
    clips = [clip for timed in reader for clip in maker.add(timed)]
    return clips + list(maker.finish(reader.end_s))


def greys(clip: DecodedClip) -> list[int]:
    return [int(frame.mean()) for frame in clip.frames]


def thumbnail(clip: DecodedClip) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.asarray(Image.open(io.BytesIO(clip.thumbnail_jpeg)))


def test_clips_tile_the_video_and_their_frames_are_those_shown(tmp_path: Path) -> None:
    clips = clips_of(write_plain(tmp_path / "plain.mp4", duration_s=11.0, frame_rate=12.0))
    assert [(round(clip.start_s, 2), round(clip.end_s, 2)) for clip in clips] == [(0.0, 5.5), (5.5, 11.0)]
    for clip in clips:
        assert clip.frames.shape == (12, 32, 32, 3)
        assert clip.frames.dtype == np.uint8
        times = clip.start_s + (np.arange(12) + 0.5) * (clip.end_s - clip.start_s) / 12
        # Shown at a time is the last picture kept before it, at most a sixth of a second (4 shades) old.
        np.testing.assert_allclose(greys(clip), [shade(float(time_s) - 1 / 12) for time_s in times], atol=5)


def test_a_clip_begins_at_the_cut_and_never_shows_the_other_scene(tmp_path: Path) -> None:
    clips = clips_of(write_two_scenes(tmp_path / "two.mp4", cut_s=3.0, duration_s=6.0))
    assert [(round(clip.start_s, 3), round(clip.end_s, 2)) for clip in clips] == [(0.0, 3.0), (3.0, 6.0)]
    for clip, colour in zip(clips, (RED, BLUE), strict=True):
        assert np.abs(clip.frames.astype(int) - colour).max() < 12
        assert np.abs(thumbnail(clip).astype(int) - colour).max() < 16


def test_a_still_that_spans_clips_is_repeated(tmp_path: Path) -> None:
    pictures = [(0.0, flat(RED)), (25.0, flat(BLUE)), (27.5, flat(BLUE)), (30.0, flat(BLUE))]
    clips = clips_of(write_video(tmp_path / "slides.mp4", pictures))
    assert all(before.end_s == after.start_s for before, after in pairwise(clips))
    assert [round(clip.end_s) for clip in clips[:3]] == [10, 20, 25]
    for clip in clips[:3]:
        assert np.abs(clip.frames.astype(int) - RED).max() < 12


def test_a_variable_rate_is_sampled_by_time_and_not_by_frame_number(tmp_path: Path) -> None:
    [clip] = clips_of(write_variable_rate(tmp_path / "vfr.mp4"))
    assert clip.end_s == pytest.approx(6.0, abs=0.05)
    # The still shown from 1 s to 5 s fills eight of the twelve half seconds.
    assert sum(abs(grey - shade(1.0)) <= 3 for grey in greys(clip)) >= 8


def test_a_video_of_one_frame_is_one_clip(tmp_path: Path) -> None:
    [clip] = clips_of(write_video(tmp_path / "one.mp4", [(0.0, flat(RED))]))
    assert clip.start_s == 0.0
    assert clip.end_s > 0.0
    assert clip.frames.shape == (12, 32, 32, 3)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_and_thumbnail_are_upright(tmp_path: Path, rotation: int) -> None:
    [clip] = clips_of(write_oriented(tmp_path / "turned.mp4", rotation))
    shown = thumbnail(clip)
    assert shown.shape == (96, 160, 3)
    for picture in (shown, *clip.frames):
        middle = picture.shape[1] // 2
        assert np.abs(picture[4, middle].astype(int) - RED).max() < 16
        assert np.abs(picture[-5, middle].astype(int) - BLUE).max() < 16


def test_only_the_pictures_of_the_current_clip_are_kept(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "long.mp4", duration_s=60.0, frame_rate=6.0)
    reader, maker = FrameReader(path, probe(path)), ClipMaker(PLAN)
    most = 0
    for timed in reader:
        for _ in maker.add(timed):
            pass
        most = max(most, len(maker._candidates))
    assert most <= 6 * 13


@pytest.mark.parametrize(
    "plan",
    [
        DecodePlan(image_size=224, resize_mode="shortest", frames_per_clip=12),
        DecodePlan(image_size=32, resize_mode="squash", frames_per_clip=4),
    ],
)
def test_a_shot_change_at_the_edge_of_the_picture_is_seen_whatever_the_model_sees(
    tmp_path: Path, plan: DecodePlan
) -> None:
    """The middle square, all that a model may see, stays as it is: generations share their clips."""
    pictures = []
    for number in range(72):
        picture = flat(RED, width=320, height=96)
        if number >= 36:
            picture[:, :104], picture[:, -104:] = BLUE, BLUE
        pictures.append((number / 12, picture))
    path = write_video(tmp_path / "edges.mp4", pictures, frame_rate=12)
    assert [clip.start_s for clip in clips_of(path, plan)] == [0.0, pytest.approx(3.0, abs=0.01)]
