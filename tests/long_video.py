"""A video of hours that is written in a second: the packets of a short one, again and again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from tests.synthetic_video import write_two_scenes

PART_S = 10.0


def write_long(path: Path, hours: float) -> Path:
    """Write a video of two scenes that takes turns every five seconds, at 25 frames a second."""
    part = write_two_scenes(path.with_name(f"part of {path.name}"), PART_S / 2, PART_S, frame_rate=25.0)
    with av.open(str(path), "w") as long, av.open(str(part)) as short:
        stream = long.add_stream_from_template(short.streams.video[0])
        packets = [packet for packet in short.demux(video=0) if packet.dts is not None]
        for number in range(round(hours * 3600 / PART_S)):
            for packet in _copies(packets):
                shift = round(number * PART_S / packet.time_base)
                packet.pts, packet.dts = (packet.pts or 0) + shift, (packet.dts or 0) + shift
                packet.stream = stream
                long.mux(packet)
    part.unlink()
    return path


def _copies(packets: "list[Packet[Any]]") -> "Iterator[Packet[Any]]":
    for packet in packets:
        copy: Packet[Any] = Packet(bytes(packet))
        copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
        copy.is_keyframe = packet.is_keyframe
        yield copy
