"""Small files that ask for much: pictures that grow, films of a year, films with a cover.

`write_growing` and `write_pixel_bomb` say one size where a container is opened, and another in the pictures.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.frame import VideoFrame

from tests.synthetic_video import RED, flat, write_video

JPEG_FRAME_HEADERS = (b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x08")
"""Before the height and the width of a baseline JPEG picture."""


def write_pixel_bomb(path: Path, side: int = 65_500) -> Path:
    """Write an AVI of 64x64 pixels whose JPEG pictures, a few hundred bytes each, say that they are huge."""
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        for index in range(20):
            frame = VideoFrame.from_ndarray(flat(RED, 64, 64), format="rgb24").reformat(format="yuvj420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole, size = path.read_bytes(), (64).to_bytes(2, "big") * 2
    for header in JPEG_FRAME_HEADERS:
        whole = whole.replace(header + size, header + side.to_bytes(2, "big") * 2)
    path.write_bytes(whole)
    return path


def write_growing(path: Path, *parts_of: tuple[int, int, int]) -> Path:
    """Write a transport stream of parts (width, height, frames), ten frames a second, one after the other."""
    parts = []
    for number, (width, height, frames) in enumerate(parts_of):
        part = path.with_name(f"{path.stem}-{number}.ts")
        grey = np.full((height * 3 // 2, width), 128, np.uint8)
        with av.open(str(part), "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for index in range(frames):
                frame = VideoFrame.from_ndarray(grey, format="yuv420p")
                frame.pts, frame.time_base = index, Fraction(1, 10)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        parts.append(part.read_bytes())
        part.unlink()
    path.write_bytes(b"".join(parts))
    return path


def write_header_only(path: Path) -> Path:
    """Write an mp4 in fragments, and keep what comes before the first of them."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        frame = VideoFrame.from_ndarray(flat(RED), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"moof") - 4])
    return path


def write_long_stills(path: Path, stills: int, each_s: float) -> Path:
    """Write a few bytes of pictures that stand for `each_s` seconds each."""
    return write_video(path, [(index * each_s, flat(RED, 64, 64)) for index in range(stills)])


def write_with_cover(path: Path, cover_side: int = 600) -> Path:
    """Write a second of film of 160x96 pixels, not its file's default, with a larger still as its cover."""
    with av.open(str(path), "w", format="mp4") as container:
        film = container.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        film.width, film.height, film.pix_fmt = 160, 96, "yuv420p"
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = cover_side, cover_side, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        container.mux(
            cover.encode(VideoFrame.from_ndarray(flat(RED, cover_side, cover_side), format="rgb24"))
        )
        for index in range(10):
            frame = VideoFrame.from_ndarray(flat(RED), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(film.encode(frame))
        container.mux(film.encode(None))
    enabled, disabled = (b"tkhd\0\0\0" + flags for flags in (b"\x03", b"\x02"))
    written = path.read_bytes()
    assert written.count(enabled) == 1, "the film has the only track; the cover is metadata"
    path.write_bytes(written.replace(enabled, disabled))
    return path


def write_song_with_cover(path: Path) -> Path:
    """Write an MP3 whose cover FFmpeg lists as a video stream."""
    with av.open(str(path), "w", format="mp3") as container:
        sound = container.add_stream("libmp3lame", rate=44_100, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(VideoFrame.from_ndarray(flat(RED, 64, 64), format="rgb24")))
        for index in range(20):
            silence = np.zeros((1, 1152), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44_100, 1152 * index
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path
