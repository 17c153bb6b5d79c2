"""Two generations beside each other as a person reads them in a terminal."""

from rich.table import Table
from rich.text import Text

from app.evaluation.judged_evaluation import GenerationQuality
from app.generations.comparison import TOP, Comparison, Lacking
from app.generations.status_table import model_name, speed_text


def comparison_table(comparison: Comparison) -> Table:
    """Return a column a generation."""
    one, other = comparison.one, comparison.other
    judged = {quality.generation: quality for quality in comparison.judged}
    table = Table("", *(f"generation {side.generation} ({side.state.value})" for side in (one, other)))
    table.add_row("model", model_name(one), model_name(other))
    table.add_row("videos", f"{one.videos:,}", f"{other.videos:,}")
    table.add_row(
        "lacks of the other", *map(_lacking, (comparison.lacking_in_one, comparison.lacking_in_other))
    )
    table.add_row("vectors", f"{one.vectors:,}", f"{other.vectors:,}")
    table.add_row("speed of building", speed_text(one), speed_text(other))
    for name, show in (("nDCG@10, judged", _ndcg), ("R@1, judged", _recall), ("against the first", _verdict)):
        table.add_row(name, *(show(judged.get(side.generation)) for side in (one, other)))
    return table


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return what the table does not say: how far both find the same, and what could not be measured."""
    lines = []
    overlap = comparison.overlap
    if overlap is None:
        lines.append(f"Searches were not compared: {comparison.overlap_problem}.")
    else:
        lines.append(
            f"Of the first {TOP} hits, {overlap.share:.0%} are the same in both (mean of {overlap.queries:,} "
            f"recent queries, {overlap.videos:,} videos that both have read); the first hit is the same for "
            f"{overlap.same_first:.0%} of the queries."
        )
        lines += [f"  {share:.0%} the same: {text}" for text, share in overlap.most_different if share < 1]
    if comparison.judged_problem:
        lines.append(f"Judgements were not used: {comparison.judged_problem}.")
    lines += [f"Generation {one.generation}: {one.problem}." for one in comparison.judged if one.problem]
    return lines


def _lacking(lacking: Lacking) -> Text:
    named = "".join(f"\n{title}" for title in lacking.titles)
    return Text(f"{lacking.count:,}{named}")


def _ndcg(quality: GenerationQuality | None) -> str:
    return "–" if quality is None or quality.metrics is None else f"{quality.metrics.ndcg_at_10:.2f}"


def _recall(quality: GenerationQuality | None) -> str:
    recall = quality.metrics.recall_at_1 if quality and quality.metrics else None
    return "–" if recall is None else f"{recall:.1f}"


def _verdict(quality: GenerationQuality | None) -> str:
    difference = quality.against_in_use if quality else None
    return "" if difference is None else f"{difference.ndcg_at_10:+.2f}: {difference.verdict}"
