"""Moments as an OpenTimelineIO timeline: one track, one clip a moment, a marker on its best frame."""

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from app.display_name import one_line
from app.export.edit_list import record_count, record_start
from app.export.moments import Moment, MomentList, Source


def write_timeline(wanted: MomentList) -> bytes:
    """Return the moments as an ``.otio`` file (JSON)."""
    count = record_count(wanted.moments)
    timeline = otio.schema.Timeline(
        name=one_line(wanted.name),
        global_start_time=RationalTime(record_start(count), float(count.rate.value)),
        metadata={"reelseek": {"query": one_line(wanted.name), "drop_frame": count.is_drop}},
    )
    track = otio.schema.Track(name="ReelSeek", kind=otio.schema.TrackKind.Video)
    track.extend([_clip(moment) for moment in wanted.moments])
    timeline.tracks.append(track)
    text: str = otio.adapters.write_to_string(timeline, "otio_json")
    return text.encode()


def _clip(moment: Moment) -> otio.schema.Clip:
    source = moment.source
    clip = otio.schema.Clip(
        name=one_line(source.title),
        media_reference=_reference(source),
        source_range=_span(source, moment.start_frame, moment.frames),
        metadata={"reelseek": _known(moment)},
    )
    if moment.best_frame is not None:
        clip.markers.append(
            otio.schema.Marker(
                name="best",
                color=otio.schema.MarkerColor.GREEN,
                marked_range=_span(source, moment.best_frame, 1),
            )
        )
    return clip


def _reference(source: Source) -> otio.schema.ExternalReference:
    available = None
    if source.duration_s is not None:
        available = _span(source, 0, source.count.rate.frame_at(source.duration_s))
    return otio.schema.ExternalReference(target_url=source.address, available_range=available)


def _span(source: Source, first: int, frames: int) -> TimeRange:
    """Return frames of ``source`` on its own timecode."""
    rate = float(source.count.rate.value)
    return TimeRange(RationalTime(source.first_frame + first, rate), RationalTime(frames, rate))


def _known(moment: Moment) -> dict[str, object]:
    source = moment.source
    rate = source.count.rate
    known = {
        "video_id": source.video_id,
        "clip_id": moment.clip_id,
        "filename": one_line(source.filename),
        "start_s": moment.start_s,
        "end_s": moment.end_s,
        "best_at_s": moment.best_at_s,
        "rank": moment.rank,
        "score": moment.score,
        "confidence": moment.confidence,
        "said": None if moment.said is None else one_line(moment.said),
        "recorded_at": source.recorded_at.isoformat() if source.recorded_at else None,
        "frame_rate": f"{rate.value.numerator}/{rate.value.denominator}",
        "frame_rate_is_constant": rate.is_constant,
        "drop_frame": source.count.is_drop,
    }
    return {name: value for name, value in known.items() if value is not None}
