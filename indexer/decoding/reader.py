"""Every frame of a video, decoded once, in order, each with the second at which it is shown.

Errors are normal input: a packet that does not decode is passed over and counted, and a container that
breaks off ends the reading. What decoded is kept, and `FrameReader.warning` says what was wrong.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from indexer.decoding.container import MAX_PIXELS, OpenVideo, open_video
from indexer.decoding.orientation import Orientation, orientation_of
from indexer.decoding.presentation_clock import PresentationClock
from indexer.decoding.probe import VideoProbe, pixel_aspect
from indexer.decoding.seeking import Place, seek_before
from indexer.decoding.subtitle_reader import CueCollector
from indexer.decoding.time_stamps import first_sound_s, format_names, stamp_of
from indexer.errors import EncryptedVideo, NoFrames

SHORTFALL_S = 1.0
SHORTFALL_FRACTION = 0.05
"""Less decoded than claimed by more than both is worth a warning; containers round their durations."""


STREAMED = {"mpegts", "mpeg"}
"""Containers made for lossy ways, which mark packets that lack a part: of those most is shown all the same.
In others only a packet that the file's end cuts through is marked. It would make a decoder that works on
several frames at once give up those before."""


@dataclass(frozen=True)
class TimedFrame:
    """A frame, the second it is first shown, its pixel aspect, and what makes it upright."""

    frame: VideoFrame
    time_s: float
    aspect: float
    orientation: Orientation


class FrameReader:
    """Iterates over the frames of the file at an absolute path; afterwards its attributes say how it went."""

    def __init__(
        self,
        path: Path,
        probe: VideoProbe,
        max_pixels: int = MAX_PIXELS,
        *,
        from_s: float = 0.0,
        until_s: float = math.inf,
        cues: CueCollector | None = None,
    ) -> None:
        """Remember what to read, up to the second `until_s`; the file is opened by iterating.

        Frames before `from_s` may be passed over where the container finds its way, but never the one that
        is shown then. What the subtitle streams say goes to `cues`.
        """
        self._path = path
        self._probe = probe
        self._max_pixels = max_pixels
        self._from_s = from_s
        self._until_s = until_s
        self._cues = cues
        self._damaged_packets = 0
        self._damaged_frames = 0
        self._is_encrypted = False
        self._broke_off: str | None = None
        self.frames_decoded = 0
        self.end_s = 0.0
        """The second at which the last frame read so far ceases to be shown, or reading was to end."""

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yield each frame once; raises the IndexingError that says why there is none."""
        with open_video(self._path, self._max_pixels) as video:
            yield from self._read(video)
        if self.frames_decoded == 0:
            self._refuse()

    @property
    def warning(self) -> str | None:
        """What was wrong with the file, in one sentence, or None."""
        found = []
        if self._damaged_packets:
            found.append(f"damaged packets passed over: {self._damaged_packets}")
        if self._damaged_frames:
            found.append(f"frames shown with damage: {self._damaged_frames}")
        if self._broke_off:
            found.append(f"the file breaks off ({self._broke_off})")
        claimed_s = min(self._probe.duration_s or 0.0, self._until_s)
        if claimed_s - self.end_s > max(SHORTFALL_S, SHORTFALL_FRACTION * claimed_s):
            found.append(f"it claims {claimed_s:.1f} s and {self.end_s:.1f} s could be decoded")
        return f"Partly damaged: {'; '.join(found)}." if found else None

    def _read(self, video: OpenVideo) -> Iterator[TimedFrame]:
        stream = video.stream
        clock = PresentationClock(stream.time_base, self._probe.frame_rate, first_sound_s(video))
        aspect = pixel_aspect(stream.sample_aspect_ratio)
        place = seek_before(video, self._path, self._from_s) if self._from_s > 0 else None
        if place is not None:
            clock.resume(place.first_stamp, place.stamp)
        for frame in self._frames(video, clock, place):
            stamp = stamp_of(video, frame)
            if place is not None and stamp is not None and stamp < place.stamp:
                continue  # of an open group of pictures: it lacks what it was predicted from
            time_s = clock.time_s(stamp, frame.duration)
            self.frames_decoded += 1
            self._damaged_frames += frame.is_corrupt
            self.end_s = min(clock.end_s, self._until_s)
            if time_s >= self._until_s:
                return
            yield TimedFrame(frame, time_s, aspect, orientation_of(frame))

    def _frames(
        self, video: OpenVideo, clock: PresentationClock, place: Place | None
    ) -> Iterator[VideoFrame]:
        """Yield the frames from `place` on, and in the end, however it comes, those the decoder held back."""
        passed_over = place.packets_before if place is not None else 0
        has_gaps = bool(STREAMED & format_names(video))
        for index, packet in enumerate(self._packets(video, clock)):
            if index < passed_over:
                continue
            self._damaged_packets += packet.is_corrupt
            if has_gaps or not packet.is_corrupt:
                yield from self._decoded(packet)
        if self._broke_off:
            yield from self._held_back(video)

    def _packets(self, video: OpenVideo, clock: PresentationClock) -> Iterator["Packet[VideoStream]"]:
        cues = self._cues or CueCollector()
        streams = cues.streams(video.container) if self._cues else []
        try:
            for packet in video.container.demux(video.stream, *streams):
                if isinstance(packet.stream, VideoStream):
                    yield cast("Packet[VideoStream]", packet)
                else:
                    cues.add(packet, clock)
        except av.FFmpegError as error:
            self._broke_off = error.strerror
        finally:
            cues.place_early(clock, is_last=True)

    def _decoded(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        self._is_encrypted = self._is_encrypted or packet.has_sidedata("encryption_info")
        try:
            return packet.decode()
        except MemoryError:
            raise
        except av.FFmpegError:
            self._damaged_packets += not packet.is_corrupt  # those are counted
            return []

    def _held_back(self, video: OpenVideo) -> list[VideoFrame]:
        try:
            return video.stream.codec_context.decode(None)
        except MemoryError:
            raise
        except av.FFmpegError:
            return []

    def _refuse(self) -> None:
        name = self._path.name
        if self._is_encrypted:
            raise EncryptedVideo(f"{name} is encrypted (DRM): only an unprotected copy can be indexed")
        raise NoFrames(f"{name} has a video stream, but not one frame of it decodes: the file is damaged")
