"""What a person should know about an answer."""

from app.schemas import CoverageDetails
from app.search.asking.query import SearchQuery, Sort, Words

BUNDLED_PRESET = "tiny"


def coverage_notices(coverage: CoverageDetails) -> list[str]:
    """Return what to say of videos that were not searched."""
    notices = []
    if coverage.videos == 0 and coverage.videos_pending > 0:
        notices.append("No video is searchable yet: the first ones are still waiting or being indexed.")
    elif coverage.videos == coverage.videos_of_other_models == 0:
        notices.append(
            "Nothing is indexed yet: add videos on the page, or run python -m indexer.batch FOLDER."
        )
    if coverage.videos_of_other_models > 0:
        notices.append(tell_of_other_models(coverage.videos_of_other_models))
    return notices


def query_notices(query: SearchQuery, said: str, *, is_confidence_known: bool) -> list[str]:
    """Return what to say of options that have no effect; ``said`` are the words to be said."""
    notices: list[str] = []
    if query.sequence:
        return notices
    if query.is_said_alone:
        return _notices_of_what_is_said(query, said)
    is_dated = query.sort is not Sort.RELEVANCE and query.min_score is None
    if not is_confidence_known and (query.min_confidence is not None or is_dated):
        notices.append(
            "How sure a hit is cannot be told for this search, so that none was left out for it: "
            "min_score leaves out what scores too low."
        )
    return notices


def _notices_of_what_is_said(query: SearchQuery, said: str) -> list[str]:
    if not said:
        return ["mode=text finds words that are said, and no words were given: describe them in q."]
    if query.relevant or any(not isinstance(term.example, Words) for term in query.terms):
        return ["mode=text finds words that are said: images, clips and judgements change nothing."]
    return []


def tell_of_other_models(count: int) -> str:
    """Return what to do about videos that the model in use has not read."""
    were, them = ("video was", "it") if count == 1 else ("videos were", "them")
    return (
        f"{count:,} {were} indexed with another model or reduction and cannot be found with this one: "
        f"reelseek reindex reads {them} with it."
    )
