"""``reelseek evaluate-library``: what the judgements say of each model, as a table or as JSON."""

from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.config import ServiceSettings
from app.evaluation.judged_evaluation import GenerationQuality, LibraryQuality, evaluate_library
from indexer.library import open_library
from model.evaluation.judged_comparison import ENOUGH_QUERIES, Difference
from model.evaluation.judged_ranking import JudgedMetrics


def evaluate_and_print(settings: ServiceSettings, console: Console, *, as_json: bool) -> None:
    """Print the quality of each generation; raises ValueError when the judgements say nothing of any."""
    library = open_library(settings)
    try:
        quality = evaluate_library(library.database, settings)
    finally:
        library.close()
    if as_json:
        console.print_json(data=asdict(quality))
    else:
        _print_table(quality, console)


def _print_table(quality: LibraryQuality, console: Console) -> None:
    title = f"{_count(quality.judgements, 'judgement')} of {_count(quality.queries, 'query', 'queries')}"
    columns = (
        "",
        "model",
        "nDCG@10 (95 %)",
        "R@1",
        "R@5",
        "R@10",
        "queries",
        "against that in use",
    )
    table = Table(*columns, title=title, title_justify="left")
    for one in quality.generations:
        if one.metrics is not None:
            table.add_row(*_cells(one, one.metrics))
    console.print(table)
    for line in _notes(quality):
        console.print(line, style="dim", markup=False)


def _cells(one: GenerationQuality, metrics: JudgedMetrics) -> list[str | Text]:
    name = f"{one.preset}, {one.reduction}"
    interval = f" ({_span(metrics.ndcg_interval)})" if metrics.ndcg_interval else ""
    recalls = (metrics.recall_at_1, metrics.recall_at_5, metrics.recall_at_10)
    return [
        f"{one.generation} (in use)" if one.is_in_use else str(one.generation),
        Text(name),  # no markup: a folder may be called anything
        f"{metrics.ndcg_at_10:.2f}{interval}",
        *("–" if recall is None else f"{recall:.1f}" for recall in recalls),
        f"{metrics.queries:,}",
        _difference(one.against_in_use),
    ]


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return ""
    return f"{difference.ndcg_at_10:+.2f} ({_span(difference.interval, '+')}): {difference.verdict}"


def _span(interval: tuple[float, float], sign: str = "") -> str:
    low, high = (f"{end:{sign}.2f}" for end in interval)
    return f"{low} to {high}"


def _notes(quality: LibraryQuality) -> list[str]:
    """Return what could not be measured, and how far the figures can be trusted."""
    notes = []
    if gone := quality.judgements_without_clip:
        notes.append(f"{_count(gone, 'judgement')} left out: no clip is cut at that moment any more.")
    if not any(one.is_in_use and one.metrics for one in quality.generations):
        notes.append("The model in use has read none of what was judged: none is compared with it.")
    for one in quality.generations:
        name = f"Generation {one.generation} ({one.preset})"
        if one.problem is not None:
            notes.append(f"{name} is not measured: {one.problem}.")
            continue
        if one.judgements_not_indexed:
            count = _count(one.judgements_not_indexed, "judgement")
            notes.append(f"{name}: {count} left out, of clips that it has not read.")
        if one.queries_unusable:
            count = _count(one.queries_unusable, "query", "queries")
            notes.append(f"{name}: {count} left out: a query needs a clip judged right and one judged wrong.")
    most = max(one.metrics.queries for one in quality.generations if one.metrics)
    if most < ENOUGH_QUERIES:
        notes.append(
            f"{_count(most, 'query is', 'queries are')} too few to tell models apart: judge hits of "
            f"{ENOUGH_QUERIES - most} more, right ones and wrong ones."
        )
    return notes


def _count(number: int, noun: str, nouns: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
