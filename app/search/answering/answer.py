"""One search from query to answer: the line that the HTTP interface and the command line both follow."""

from collections.abc import Sequence
from time import perf_counter

from app.confidence import Confidence, QueryLevel
from app.dependencies import Services
from app.schemas import CoverageDetails, PageInfo, SearchAnswer, SearchModel, SearchTiming
from app.search.answering.hits import Confide, Told, read_hits
from app.search.answering.notices import BUNDLED_PRESET, coverage_notices, query_notices
from app.search.asking.judged import Judged, read_judged
from app.search.asking.query import SearchQuery
from app.search.asking.query_words import read_terms
from app.search.asking.target import Target, aim, aim_at_what_is_said
from app.search.ordering.scope import read_scope
from app.search.paging.arrangement import Found, Moment
from app.search.paging.cursor import Progress, Yardsticks, resume
from app.search.paging.page import Page, PageMaker
from indexer.catalog import videos
from indexer.catalog.change_watch import CatalogMemory
from indexer.catalog.states import VideoState
from indexer.vector_index.view import IndexView

LOWEST_FIRST = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def search_videos(services: Services, query: SearchQuery) -> SearchAnswer:
    """Return the moments that fit best; raises InvalidCursor, InvalidSearch, UnknownClip and UnknownVideo."""
    started = perf_counter()
    judged = read_judged(services, query)
    targets = _targets(services, query, judged)
    progress = resume(query, services.generation_id, len(targets[0].vector))
    embedded = perf_counter()
    scope = read_scope(services, query, targets)
    with services.follower.reading() as view:
        progress = progress or _at_the_start(services, view, query, targets)
        levels = progress.yardsticks.levels(targets)
        page = PageMaker(services, view, query, scope, levels, progress).make()
    searched = perf_counter()
    with services.library.database.reading() as session:
        confide = _confide(query, levels)
        hits = read_hits(session, services.generation_id, page, confide, _told(query))
    coverage = _coverage(services.library.database.memory, page)
    finished = perf_counter()
    if query.terms and query.cursor is None and not query.is_said_alone:
        services.recent_words.note(query.text)
    return SearchAnswer(
        query=query.text,
        data=hits,
        nothing_found=page.nothing_found,
        page_info=PageInfo(limit=query.limit, next_cursor=page.next_cursor),
        coverage=coverage,
        model=SearchModel(preset=services.preset, generation=services.generation_id),
        notices=[*judged.notices, *_notices(services.preset, query, targets, levels, coverage, page)],
        timing_ms=SearchTiming(
            embed=_milliseconds(embedded - started),
            search=_milliseconds(searched - embedded),
            rows=_milliseconds(finished - searched),
            total=_milliseconds(finished - started),
        ),
    )


def _targets(services: Services, query: SearchQuery, judged: Judged) -> list[Target]:
    if query.is_said_alone:
        return [aim_at_what_is_said(query.terms, judged.irrelevant)]
    return [
        aim(services, terms, judged.relevant, judged.irrelevant) for terms in query.sequence or (query.terms,)
    ]


def _at_the_start(
    services: Services, view: IndexView, query: SearchQuery, targets: Sequence[Target]
) -> Progress:
    if query.is_said_alone:
        levels = [QueryLevel(target.vector, spread=1.0) for target in targets]
    else:
        levels = [services.calibrator.calibrate(view, target) for target in targets]
    return Progress(view.revision, view.newest_id, Yardsticks.of(query, targets, levels))


def _confide(query: SearchQuery, levels: Sequence[QueryLevel]) -> Confide:
    """Return how sure a moment of a hit is; a sequence is as sure as the least sure of its steps."""

    def of_sequence(found: Found, moment: Moment) -> Confidence | None:
        steps = [level.confidence(step.score) for level, step in zip(levels, found.steps, strict=True)]
        if moment in found.steps:
            return steps[found.steps.index(moment)]
        known = [step for step in steps if step is not None]
        return min(known, key=LOWEST_FIRST.index) if len(known) == len(steps) else None

    if query.sequence:
        return of_sequence
    if query.is_said_alone:
        return lambda _found, _moment: None
    return lambda _found, moment: levels[0].confidence(moment.score)


def _told(query: SearchQuery) -> Told | None:
    """Return what hits are to be explained by, if they are: by words that `q` alone can say again."""
    if not query.explain:
        return None
    is_words = bool(query.terms) and read_terms(query.text) == query.terms
    is_moved = bool(query.relevant or query.irrelevant or query.use_judgements)
    return Told(query.text if is_words and not is_moved else None)


def _coverage(memory: CatalogMemory, page: Page) -> CoverageDetails:
    counts = memory.recall("videos by state", videos.counts_by_state)
    return CoverageDetails(
        videos=page.video_count,
        clips=page.clip_count,
        videos_pending=counts[VideoState.PENDING] + counts[VideoState.INDEXING],
        videos_failed=counts[VideoState.FAILED],
        videos_of_other_models=max(0, counts[VideoState.READY] - page.video_count),
    )


def _notices(
    preset: str,
    query: SearchQuery,
    targets: Sequence[Target],
    levels: Sequence[QueryLevel],
    coverage: CoverageDetails,
    page: Page,
) -> list[str]:
    notices = coverage_notices(coverage)
    notices += dict.fromkeys(notice for target in targets for notice in target.notices)
    is_confidence_known = levels[0].confidence(1.0) is not None
    notices += query_notices(query, targets[0].said, is_confidence_known=is_confidence_known)
    if page.is_of_changed_library:
        notices.append("Videos came or went since the first page: search again to see all there is.")
    if preset == BUNDLED_PRESET and coverage.videos > 0:
        notices.append(
            "Searched with the small model that comes with ReelSeek: reelseek reindex --preset fast reads "
            "the videos with a better one."
        )
    return notices


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
