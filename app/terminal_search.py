"""``reelseek search``: an answer as a table."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.config import ServiceSettings
from app.dependencies import build_services
from app.schemas import Hit, SearchAnswer
from app.search.answer import search_videos
from app.search.notices import tell_of_other_models
from app.search.query import SearchQuery
from app.search.query_words import read_terms


def search_and_print(settings: ServiceSettings, words: str, limit: int, *, as_json: bool) -> None:
    """Print the best ``limit`` moments; raises ValueError when nothing is indexed, or for blank words."""
    query = SearchQuery(terms=read_terms(words), limit=limit, text=words)
    services = build_services(settings)
    try:
        answer = search_videos(services, query)
    finally:
        services.close()
    if as_json:
        sys.stdout.write(answer.model_dump_json(indent=2) + "\n")
    elif answer.coverage.videos == 0:
        raise ValueError(_why_nothing(settings, answer))
    else:
        _print_table(answer)


def clock(seconds: float) -> str:
    """Return a time in a video as ``m:ss.t``, with hours when there are any."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    whole, tenth = divmod(rest, 10)
    return f"{hours}:{minutes:02}:{whole:02}.{tenth}" if hours else f"{minutes}:{whole:02}.{tenth}"


def _why_nothing(settings: ServiceSettings, answer: SearchAnswer) -> str:
    coverage = answer.coverage
    if coverage.videos_pending:
        return (
            f"{_count(coverage.videos_pending, 'video')} to be indexed and none searchable yet: let a worker "
            "do it with python -m indexer.worker"
        )
    if coverage.videos_of_other_models:
        return tell_of_other_models(coverage.videos_of_other_models)
    return (
        f"nothing is indexed in {settings.home_folder} with the model {settings.model!r}: index a folder "
        "with python -m indexer.batch FOLDER"
    )


def _print_table(answer: SearchAnswer) -> None:
    table = Table(
        "score", "video", "moment", "best at", title=Text(f"“{answer.query}”"), title_justify="left"
    )
    for hit in answer.data:
        table.add_row(*_cells(hit))
    console = Console()
    console.print(table)
    searched = f"{_count(answer.coverage.clips, 'clip')} of {_count(answer.coverage.videos, 'video')}"
    console.print(f"{searched} searched in {answer.timing_ms.total:.0f} ms")
    for notice in answer.notices:
        console.print(notice, style="dim", markup=False)


def _cells(hit: Hit) -> tuple[str, Text, str, str]:
    title = Text(hit.video.title)  # no markup: a title may hold brackets
    return f"{hit.score:.3f}", title, f"{clock(hit.start)}-{clock(hit.end)}", clock(hit.best_at)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
