"""One search from words to answer: the line that the HTTP interface and the command line both follow."""

from time import perf_counter

from app.dependencies import Services
from app.query_encoder import EncodedWords
from app.schemas import CoverageDetails, PageInfo, SearchAnswer, SearchModel, SearchTiming
from app.search.cursor import resume
from app.search.hits import read_hits
from app.search.index_page import IndexPage, search_index
from app.search.query import SearchQuery
from indexer.catalog import videos
from indexer.catalog.videos import Coverage

BUNDLED_PRESET = "tiny"

SHOWN_WORDS = 4
SHOWN_CHARACTERS = 20
"""Of what was read last, so that a person finds the place."""


def search_videos(services: Services, query: SearchQuery) -> SearchAnswer:
    """Return the moments that fit the words best; raises InvalidCursor."""
    started = perf_counter()
    cursor = resume(query.cursor, query, services.generation_id) if query.cursor is not None else None
    words = services.queries.encode(query.words)
    embedded = perf_counter()
    page = search_index(services, query, words.vector, cursor)
    searched = perf_counter()
    with services.library.database.reading() as session:
        hits = read_hits(session, services.generation_id, words.vector, page)
        coverage = _describe(videos.coverage(session, services.generation_id))
    finished = perf_counter()
    return SearchAnswer(
        query=query.words,
        data=hits,
        page_info=PageInfo(limit=query.limit, next_cursor=page.next_cursor),
        coverage=coverage,
        model=SearchModel(preset=services.preset, generation=services.generation_id),
        notices=_notices(services.preset, words, coverage, page),
        timing_ms=SearchTiming(
            embed=_milliseconds(embedded - started),
            search=_milliseconds(searched - embedded),
            rows=_milliseconds(finished - searched),
            total=_milliseconds(finished - started),
        ),
    )


def _notices(preset: str, words: EncodedWords, coverage: CoverageDetails, page: IndexPage) -> list[str]:
    notices = []
    if coverage.videos == 0 and coverage.videos_pending > 0:
        notices.append("No video is searchable yet: the first ones are still waiting or being indexed.")
    elif coverage.videos == coverage.videos_of_other_models == 0:
        notices.append(
            "Nothing is indexed yet: add videos on the page, or run python -m indexer.batch FOLDER."
        )
    if coverage.videos_of_other_models > 0:
        notices.append(tell_of_other_models(coverage.videos_of_other_models))
    if words.is_truncated:
        notices.append(_tell_what_was_read(words))
    if page.is_of_changed_library:
        notices.append("Videos came or went since the first page: search again to see all there is.")
    if preset == BUNDLED_PRESET and coverage.videos > 0:
        notices.append(
            "Searched with the small model that comes with ReelSeek: REELSEEK_MODEL names a better one."
        )
    return notices


def tell_of_other_models(count: int) -> str:
    """Return what to do about videos that the model in use has not read."""
    were, them = ("video was", "it") if count == 1 else ("videos were", "them")
    return (
        f"{count:,} {were} indexed with another model or reduction and cannot be found with this one: index "
        f'{them} again with python -m indexer.batch FOLDER (for uploads: "$REELSEEK_HOME/media").'
    )


def _describe(coverage: Coverage) -> CoverageDetails:
    return CoverageDetails(
        videos=coverage.videos,
        clips=coverage.clips,
        videos_pending=coverage.videos_pending,
        videos_failed=coverage.videos_failed,
        videos_of_other_models=max(0, coverage.videos_ready - coverage.videos),
    )


def _tell_what_was_read(words: EncodedWords) -> str:
    """Return how much of words that are too long was searched for; in characters if a word was cut."""
    if words.text[len(words.read)] == " ":
        read, given, noun = len(words.read.split()), len(words.text.split()), "words"
        end = " ".join(words.read.split()[-SHOWN_WORDS:])
    else:
        read, given, noun = len(words.read), len(words.text), "characters"
        end = words.read[-SHOWN_CHARACTERS:]
    dots = "…" if len(end) < len(words.read) else ""
    return (
        f"Your description is longer than this model can read: only the first {read:,} of {given:,} {noun} "
        f"were searched for, up to “{dots}{end}”. Use fewer words, or search several times."
    )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
