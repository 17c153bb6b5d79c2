"""The subtitle streams of a container, read along with its video: text only, on the video's clock.

Their texts come raw; whoever receives them takes the tags out, as nothing from this process is trusted.
"""

import re
from collections import Counter
from typing import TYPE_CHECKING

import av
from av.container import InputContainer
from av.packet import Packet
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from indexer.cue_text import MAX_CUE_CHARACTERS, MAX_CUES, NewCue, is_possible, language_of
from indexer.decoding.allowed_codecs import TEXT_CODECS
from indexer.decoding.presentation_clock import PresentationClock

if TYPE_CHECKING:
    from av.stream import Stream

MAX_STREAMS = 64
"""More languages than any film has subtitles in."""

MAX_TEXT_BYTES = 16 * 1024 * 1024
"""Of all cues of a video together."""

_STYLE = re.compile(r"\{[^{}]*\}")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
_BREAK = re.compile(r"\\[Nnh]")


class CueCollector:
    """Takes the packets of a video's subtitle streams and keeps what is said."""

    def __init__(self) -> None:
        self.cues: list[NewCue] = []
        self._early: list[NewCue] = []  # on the container's clock: no frame has been shown yet
        self._pictures: Counter[str] = Counter()
        self._refused = 0
        self._surplus = 0
        self._text_bytes = 0

    @property
    def note(self) -> str | None:
        """What was left out, in words, or None."""
        found = [
            f"subtitle streams of pictures, not text, passed over: {count} ({name})"
            for name, count in sorted(self._pictures.items())
        ]
        if self._refused:
            found.append(f"cues of subtitle streams left out as damaged: {self._refused}")
        if self._surplus:
            found.append(f"cues of subtitle streams left out as too many: {self._surplus}")
        return "; ".join(found) or None

    def streams(self, container: InputContainer) -> list[SubtitleStream]:
        """Return the streams to read, and note those that are pictures."""
        found: list[SubtitleStream] = []
        for stream in container.streams.subtitles:
            name = _codec_name(stream)
            if name in TEXT_CODECS and len(found) < MAX_STREAMS:
                found.append(stream)
            else:
                self._pictures[name] += 1
        return found

    def add(self, packet: "Packet[Stream]", clock: PresentationClock) -> None:
        """Take a packet of one of the streams; ``clock`` is at the frame that was shown last."""
        self.place_early(clock)
        if not isinstance(packet.stream, SubtitleStream) or packet.pts is None or packet.time_base is None:
            return
        try:
            subtitle = packet.stream.decode2(packet)
        except av.FFmpegError:
            self._refused += 1
            return
        if subtitle is None or not (text := _text(subtitle)):
            return
        start_s = float(packet.pts * packet.time_base)
        length_s = float((packet.duration or 0) * packet.time_base) or subtitle.end_display_time / 1000
        language = language_of(packet.stream.metadata.get("language"))
        self._keep(NewCue(start_s, start_s + length_s, text, language), clock)

    def place_early(self, clock: PresentationClock, *, is_last: bool = False) -> None:
        """Place the cues that came before the first frame, now that it is known, or never will be."""
        if clock.shown_at_s(0.0) is not None or is_last:
            early, self._early = self._early, []
            for cue in early:
                self._place(cue, clock.shown_at_s(0.0) or 0.0)

    def _keep(self, cue: NewCue, clock: PresentationClock) -> None:
        self._text_bytes += len(cue.text.encode())
        if len(self.cues) + len(self._early) >= MAX_CUES or self._text_bytes > MAX_TEXT_BYTES:
            self._surplus += 1
            return
        shift_s = clock.shown_at_s(0.0)
        if shift_s is None:
            self._early.append(cue)
        else:
            self._place(cue, shift_s)

    def _place(self, cue: NewCue, shift_s: float) -> None:
        """Keep ``cue`` on the video's clock; what is over before the first frame is never heard."""
        start_s, end_s = max(0.0, cue.start_s + shift_s), cue.end_s + shift_s
        if is_possible(start_s, end_s):
            self.cues.append(NewCue(start_s, end_s, cue.text, cue.language))
        else:
            self._refused += 1


def _codec_name(stream: SubtitleStream) -> str:
    # PyAV's types do not say so, but a stream of a codec that FFmpeg does not know has no codec context.
    codec: SubtitleCodecContext | None = stream.codec_context
    return codec.name if codec else "unknown"


def _text(subtitle: SubtitleSet) -> str:
    """Return the raw text of a subtitle: what follows eight commas in FFmpeg's own form."""
    lines = [rect.ass.decode(errors="replace") for rect in subtitle.rects if isinstance(rect, AssSubtitle)]
    written = " ".join(line.split(",", 8)[-1] for line in lines)[: 4 * MAX_CUE_CHARACTERS]
    if _DRAWING.search(written):
        return ""
    return _BREAK.sub(" ", _STYLE.sub("", written)).strip()
