"""An answer as a person reads it in a terminal: a table, or a few lines a hit where that is too narrow."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from app.confidence import Confidence
from app.schemas import Hit, SearchAnswer, ShortHit
from app.terminal.options import in_options

NARROW_COLUMNS = 72
"""Of a terminal: with fewer, the cells of a table are higher than wide."""

INDENT = 3

STYLES = {Confidence.HIGH: "green", Confidence.MEDIUM: "yellow", Confidence.LOW: "red"}

GUESSES = "Nothing in the library clearly shows that. These are the nearest moments there are."


def print_answer(console: Console, answer: SearchAnswer) -> None:
    """Print the hits, how much was searched, and what there is to know about it."""
    console.print(Text(f"“{answer.query}”" if answer.query else "Moments like these", style="italic"))
    if answer.nothing_found:
        console.print(GUESSES, style="yellow")
    if not answer.data:
        console.print("No moment fits.")
    elif console.width < NARROW_COLUMNS:
        _print_lines(console, answer.data)
    else:
        console.print(_table(answer.data))
    searched = f"{count_of(answer.coverage.clips, 'clip')} of {count_of(answer.coverage.videos, 'video')}"
    console.print(f"{searched} searched in {answer.timing_ms.total:.0f} ms", highlight=False)
    if answer.page_info.next_cursor is not None:
        console.print("There is more: a higher --limit shows it, or --cursor with the next_cursor of --json.")
    for notice in answer.notices:
        console.print(in_options(notice), style="dim", markup=False, highlight=False)


def clock(seconds: float) -> str:
    """Return a time in a video as ``m:ss.t``, with hours when there are any."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    whole, tenth = divmod(rest, 10)
    return f"{hours}:{minutes:02}:{whole:02}.{tenth}" if hours else f"{minutes}:{whole:02}.{tenth}"


def count_of(number: int, noun: str) -> str:
    """Return how many there are, in words."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _table(hits: Sequence[Hit]) -> Table:
    table = Table("", "sure", "score", "video", "moment", "best at", "")
    for hit in hits:
        table.add_row(
            str(hit.rank),
            _sure(hit),
            f"{hit.score:.3f}",
            Text("\n").join([Text(hit.video.title), *_said(hit)]),  # no markup: a title may hold brackets
            "\n".join(_moments(hit)),
            clock(hit.best_at),
            "\n".join(_more(hit)),
        )
    return table


def _print_lines(console: Console, hits: Sequence[Hit]) -> None:
    for hit in hits:
        console.print(Text(f"{hit.rank}."), _sure(hit), Text(f"{hit.score:.3f} {hit.video.title}"))
        facts = [", ".join(_moments(hit)), f"best at {clock(hit.best_at)}", *_more(hit)]
        for line in [Text("; ".join(facts)), *_said(hit)]:
            console.print(Padding(line, (0, 0, 0, INDENT)))


def _sure(hit: Hit | ShortHit) -> Text:
    if hit.confidence is None:
        return Text("–")
    return Text(hit.confidence, style=STYLES[hit.confidence])


def _said(hit: Hit) -> list[Text]:
    return [] if hit.said is None else [Text(f"“{hit.said.text}”", style="italic dim")]


def _moments(hit: Hit) -> list[str]:
    """Return when it is seen: each step of a sequence, each moment of a video, or the one that it is."""
    moments: Sequence[Hit | ShortHit] = hit.steps or hit.moments or [hit]
    return [f"{clock(moment.start)}-{clock(moment.end)}" for moment in moments]


def _more(hit: Hit) -> list[str]:
    """Return what stands behind it, and with --explain how well each part fits."""
    similar = [f"+{hit.similar.count:,} similar"] if hit.similar.count else []
    segments = hit.explanation.segments if hit.explanation else []
    parts = [f"{clock(part.start)} {part.score:.3f}" for part in segments]
    return similar + parts
