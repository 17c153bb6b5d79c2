"""Moments as an edit decision list (CMX 3600), which nearly every editor reads: cuts, one after the other.

- Source timecode counts at each video's own frame rate, record timecode at the rate of most moments.
- Reel names have eight characters; the whole file name follows in ``* FROM CLIP NAME``.
- ``* LOC`` marks the best frame.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from app.display_name import one_line
from app.errors import InvalidMoment
from app.export.frame_rate import FrameRate
from app.export.moments import Moment, MomentList, Source
from app.export.timecode import TimecodeCount

RECORD_START_HOUR = 1
"""Programmes begin at hour one, by custom."""

MAX_EVENTS = 999
"""Event numbers have three digits."""

MAX_TITLE_CHARACTERS = 70

REEL_CHARACTERS = 8

RESERVED_REELS = {"AX", "BL", "AUX", "BLACK"}
"""Names that mean an auxiliary source and black."""


def write_edit_list(wanted: MomentList) -> bytes:
    """Return the moments as an EDL file; raises InvalidMoment for more than it can number."""
    if (count := len(wanted.moments)) > MAX_EVENTS:
        message = f"{count} moments: an EDL numbers at most {MAX_EVENTS}; ask for fewer, or take csv or otio"
        raise InvalidMoment("limit", message)
    return "".join(f"{line}\r\n" for line in _lines(wanted)).encode("utf-8", errors="replace")


def record_count(moments: tuple[Moment, ...]) -> TimecodeCount:
    """Return how the edited programme counts its frames: as most moments do; at 25 when there are none."""
    counts = Counter(moment.source.count for moment in moments)
    return counts.most_common(1)[0][0] if counts else TimecodeCount(FrameRate(Fraction(25)))


def record_start(count: TimecodeCount) -> int:
    """Return the number of the programme's first frame."""
    return count.read(f"{RECORD_START_HOUR:02}:00:00{';' if count.is_drop else ':'}00")


def _lines(wanted: MomentList) -> Iterator[str]:
    count = record_count(wanted.moments)
    yield f"TITLE: {one_line(wanted.name)[:MAX_TITLE_CHARACTERS].strip() or 'ReelSeek'}"
    yield f"FCM: {'DROP FRAME' if count.is_drop else 'NON-DROP FRAME'}"
    reels = reel_names([moment.source for moment in wanted.moments])
    place = record_start(count)
    for number, moment in enumerate(wanted.moments, start=1):
        frames = record_frames(moment, count)
        yield ""
        yield _event(number, moment, reels[moment.source.video_id], (count, place, place + frames))
        yield from _notes(moment, count, place)
        place += frames


def record_frames(moment: Moment, count: TimecodeCount) -> int:
    """Return how many frames ``moment`` lasts in the programme."""
    rate = moment.source.count.rate
    if rate.value == count.rate.value:
        return moment.frames
    return max(1, count.rate.frame_at(rate.seconds(moment.frames)))


def _event(number: int, moment: Moment, reel: str, record: tuple[TimecodeCount, int, int]) -> str:
    source = moment.source
    first = source.first_frame + moment.start_frame
    source_in, source_out = source.count.write(first), source.count.write(first + moment.frames)
    count, record_in, record_out = record
    return (
        f"{number:03}  {reel:<8} V     C        "
        f"{source_in} {source_out} {count.write(record_in)} {count.write(record_out)}"
    )


def _notes(moment: Moment, count: TimecodeCount, place: int) -> Iterator[str]:
    source = moment.source
    yield f"* FROM CLIP NAME: {one_line(source.filename)}"
    yield f"* SOURCE FILE: {one_line(source.address)}"
    if moment.best_frame is not None:
        offset = count.rate.frame_at(source.count.rate.seconds(moment.best_frame - moment.start_frame))
        score = "" if moment.score is None else f" {moment.score:.4f}"
        sure = f" {moment.confidence.upper()}" if moment.confidence else ""
        yield f"* LOC: {count.write(place + offset)} GREEN   BEST{score}{sure}"
    rate = source.count.rate
    if not rate.is_constant:
        yield f"* COMMENT: VARIABLE FRAME RATE, COUNTED AT {float(rate.value):.3f}"
    elif rate.value != count.rate.value:
        yield f"* COMMENT: SOURCE FRAME RATE {float(rate.value):.3f}"


def reel_names(sources: list[Source]) -> dict[str, str]:
    """Return a name of at most eight capitals, digits and underscores for each video id, all different."""
    names: dict[str, str] = {}
    taken = set(RESERVED_REELS)
    for source in sources:
        if source.video_id in names:
            continue
        stem = source.filename.rpartition(".")[0] or source.filename
        plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().upper()
        name = re.sub(r"[^A-Z0-9]+", "_", plain).strip("_")[:REEL_CHARACTERS].rstrip("_") or "REEL"
        number = 1
        unique = name
        while unique in taken:
            number += 1
            unique = f"{name[: REEL_CHARACTERS - len(str(number))]}{number}"
        taken.add(unique)
        names[source.video_id] = unique
    return names
