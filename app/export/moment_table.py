"""Moments as a table: RFC 4180, UTF-8, one row a moment."""

import csv
import io

from app.display_name import one_line
from app.export.moments import Moment, MomentList

COLUMNS = (
    "rank",
    "title",
    "filename",
    "start",
    "end",
    "best_at",
    "timecode_in",
    "timecode_out",
    "timecode_best",
    "frame_rate",
    "frame_rate_is_constant",
    "score",
    "confidence",
    "said",
    "recorded_at",
    "video_id",
    "clip_id",
    "address",
)
"""Seconds count from the video's first frame; ``timecode_out`` is the frame after the last, as in an EDL."""

BEGINS_FORMULA = ("=", "+", "-", "@")
"""A spreadsheet would compute a cell that begins so, and a title may come from anybody."""


def write_table(wanted: MomentList) -> bytes:
    """Return the moments as a CSV file."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for moment in wanted.moments:
        writer.writerow(_row(moment))
    return table.getvalue().encode("utf-8", errors="replace")


def _row(moment: Moment) -> list[object]:
    source = moment.source
    best = moment.best_at_s
    return [
        moment.rank,
        _harmless(source.title),
        _harmless(source.filename),
        f"{moment.start_s:.3f}",
        f"{moment.end_s:.3f}",
        None if best is None else f"{best:.3f}",
        source.timecode(moment.start_s),
        source.count.write(source.first_frame + moment.start_frame + moment.frames),
        None if moment.best_frame is None else source.count.write(source.first_frame + moment.best_frame),
        f"{float(source.count.rate.value):.3f}",
        "yes" if source.count.rate.is_constant else "no",
        None if moment.score is None else f"{moment.score:.4f}",
        moment.confidence,
        _harmless(moment.said or ""),
        source.recorded_at.isoformat() if source.recorded_at else None,
        source.video_id,
        moment.clip_id,
        _harmless(source.address),
    ]


def _harmless(text: str) -> str:
    shown = one_line(text)
    return f"'{shown}" if shown.startswith(BEGINS_FORMULA) else shown
