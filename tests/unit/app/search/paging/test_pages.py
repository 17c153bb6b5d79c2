"""Pages put together: every clip once, whatever is merged, collapsed, grouped, varied, added or deleted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import faiss
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.confidence import QueryLevel
from app.search.asking.query import GroupBy, Mode, SearchQuery, Sort, Term, Words
from app.search.ordering.ranking import Bounds, Ranker
from app.search.ordering.spoken import SpokenClips
from app.search.paging.arrangement import Arranger, Found
from app.search.paging.shown import Shown, ids_of_steps, steps_of
from indexer.vector_index.clip_table import ClipColumns, ClipTable
from indexer.vector_index.faiss_index import FaissIndex, IndexKind
from indexer.vector_index.view import IndexView
from tests.factories import make_clip_ids, make_unit_vectors

DIMENSION = 4
CLIP_S = 5.0
VECTOR = make_unit_vectors(0, 1, DIMENSION)[0]
SHAPES = make_unit_vectors(1, 6, DIMENSION)
"""Few, so that clips often look the same."""


@dataclass
class Videos:
    """A library that changes."""

    table: ClipTable = field(default_factory=lambda: ClipTable(DIMENSION))
    index: FaissIndex = field(default_factory=lambda: FaissIndex(DIMENSION))
    ids: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    next_id: int = 1

    def add(self, shapes: Iterable[int]) -> None:
        """Add a video whose clips look as numbered, one after the other."""
        vectors = np.array([SHAPES[shape] for shape in shapes]).astype(np.float16)
        count = len(vectors)
        ids = np.arange(self.next_id, self.next_id + count)
        self.next_id += count
        name = f"video {ids[0]}"
        self.ids[name] = ids
        start_s = np.arange(count, dtype=np.float64) * CLIP_S
        columns = ClipColumns(ids, np.zeros(count, np.int32), start_s, start_s + CLIP_S)
        self.table.add(columns, [name], vectors, make_clip_ids(ids))
        self.index.add(ids, self.table.vectors(ids))

    def delete(self, number: int) -> None:
        """Delete one of the videos."""
        name = sorted(self.ids)[number % len(self.ids)]
        ids = self.ids.pop(name)
        self.table.remove(ids)
        self.index.remove(ids)

    def view(self) -> IndexView:
        return IndexView(self.table, self.index, revision=0)


@dataclass
class Reader:
    """Reads a search page by page."""

    videos: Videos
    query: SearchQuery
    said: list[int]
    """Clips in which the words are said, best first."""
    until_id: int
    shown: Shown = field(default_factory=Shown)
    depth: int = 0
    last: tuple[int, ...] = ()
    found: list[Found] = field(default_factory=list)

    def read(self) -> bool:
        """Read one more page; return whether it goes on."""
        view = self.videos.view()
        counted = [] if self.query.mode is Mode.VISUAL else self.said  # as the scope of a search has it
        said = np.array([one for one in counted if one <= self.until_id], np.int64)
        spoken = SpokenClips(said[view.known(said)])
        vector = None if self.query.mode is Mode.TEXT else VECTOR
        ranker = Ranker(view, vector, Bounds(until_id=self.until_id), spoken)
        page = Arranger(self.query, ranker, QueryLevel(VECTOR, spread=0.3), dates_of).page(
            self.shown, self.depth, self.last
        )
        self.found += page.found
        if self.query.mode is Mode.VISUAL:
            check_scores(view, page.found)
        self.shown = replace(page.shown, ahead=ids_of_steps(steps_of(page.shown.ahead)))
        self.depth, self.last = page.depth, page.last
        return page.goes_on

    def units(self) -> Counter[int | str]:
        """Return how often each clip was shown; each video when hits are videos."""
        moments = [moment for one in self.found for moment in (one.moment, *one.similar)]
        if self.query.group_by is GroupBy.VIDEO:
            return Counter(moment.video_id for moment in moments)
        return Counter(clip for moment in moments for clip in moment.clips)


def check_scores(view: IndexView, found: Iterable[Found]) -> None:
    """Fail unless each moment scores as the best of its clips."""
    for moment in (moment for one in found for moment in (one.moment, *one.moments)):
        scores = view.scores(np.array(moment.clips), VECTOR)
        assert moment.score == scores.max()


def dates_of(video_ids: Sequence[str]) -> dict[str, datetime | None]:
    """Return a day for each video; none for a third of them."""
    numbers = {one: int(one.split()[1]) for one in video_ids}
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return {one: start + timedelta(number % 5) if number % 3 else None for one, number in numbers.items()}


shapes = st.lists(st.integers(0, len(SHAPES) - 1), min_size=1, max_size=12)
queries = st.builds(
    SearchQuery,
    terms=st.just((Term(Words("a cat")),)),
    mode=st.sampled_from(Mode),
    group_by=st.sampled_from(GroupBy),
    sort=st.sampled_from([Sort.RELEVANCE, Sort.RELEVANCE, Sort.RECORDED_AT]),
    merge=st.booleans(),
    collapse=st.booleans(),
    diversity=st.sampled_from([0.0, 0.0, 0.5, 1.0]),
    limit=st.integers(1, 7),
)


def ivf(reach: float, lists: int = 5) -> FaissIndex:
    """Return an empty index that parts vectors into lists, and searches some of them."""
    raw = faiss.index_factory(DIMENSION, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    raw.train(make_unit_vectors(2, 400, DIMENSION))
    return FaissIndex(DIMENSION, raw, IndexKind("ivf", reach=reach, made_for=400, error=0.02))


changes = st.lists(st.one_of(st.integers(0, 99), shapes), max_size=3)
"""A number deletes a video, a list adds one."""


@given(
    library=st.lists(shapes, min_size=1, max_size=8),
    query=queries,
    said=st.lists(st.integers(1, 90), unique=True, max_size=12),
    between=st.lists(changes, max_size=12),
)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_every_clip_that_stays_is_shown_exactly_once_whatever_comes_and_goes_between_pages(
    library: list[list[int]], query: SearchQuery, said: list[int], between: list[list[int | list[int]]]
) -> None:
    read_all(Videos(), library, query, said, between)


@given(
    library=st.lists(shapes, min_size=1, max_size=8),
    query=queries,
    said=st.lists(st.integers(1, 90), unique=True, max_size=12),
    between=st.lists(changes, max_size=12),
    reach=st.sampled_from([-2.0, -0.3, 2.0]),
)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_an_index_that_looks_into_some_lists_only_may_skip_clips_but_repeats_none(
    library: list[list[int]],
    query: SearchQuery,
    said: list[int],
    between: list[list[int | list[int]]],
    reach: float,
) -> None:
    read_all(Videos(index=ivf(reach)), library, query, said, between, may_skip=reach < 2)


def read_all(
    videos: Videos,
    library: list[list[int]],
    query: SearchQuery,
    said: list[int],
    between: list[list[int | list[int]]],
    *,
    may_skip: bool = False,
) -> None:
    """Read all pages while ``videos`` change; fail unless every clip that stays is shown once."""
    for one in library:
        videos.add(one)
    reader = Reader(videos, query, said, until_id=videos.next_id - 1)
    first = {name: set(ids.tolist()) for name, ids in videos.ids.items()}
    for now in [*between, *[[]] * 100]:
        if not reader.read():
            break
        for change in now:
            if isinstance(change, list):
                videos.add(change)
            elif videos.ids:
                videos.delete(change)
    stayed = {name: clips for name, clips in first.items() if name in videos.ids}
    if query.mode is Mode.TEXT:
        stayed = {name: clips & set(said) for name, clips in stayed.items() if clips & set(said)}
    is_of_videos = query.group_by is GroupBy.VIDEO
    expected = set(stayed) if is_of_videos else {clip for clips in stayed.values() for clip in clips}
    shown = reader.units()
    assert may_skip or [one for one in expected if shown[one] != 1] == []
    assert max(shown.values(), default=1) == 1


@given(
    library=st.lists(shapes, min_size=1, max_size=8),
    query=queries,
    said=st.lists(st.integers(1, 90), unique=True, max_size=12),
)
@settings(derandomize=True, max_examples=40, deadline=None)
def test_pages_put_together_are_one_long_page(
    library: list[list[int]], query: SearchQuery, said: list[int]
) -> None:
    videos = Videos()
    for one in library:
        videos.add(one)
    pages = Reader(videos, query, said, until_id=videos.next_id - 1)
    while pages.read():
        pass
    whole = Reader(videos, replace(query, limit=100), said, until_id=videos.next_id - 1)
    assert not whole.read()
    assert pages.found == whole.found
