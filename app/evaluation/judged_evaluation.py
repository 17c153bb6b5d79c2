"""How well each model that has read the library orders what was judged in it, before one is promoted.

Nothing is written: the model in use stays in use. Words are compared with clips as in a search that
looks at pictures only; the words of each generation are read by its own model.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidSearch
from app.search.asking.query import Words
from app.search.asking.query_words import read_terms, without_quotes
from app.search.asking.target import compose
from indexer.catalog import generations, judgements, stored_vectors
from indexer.catalog.judgements import JudgedClip
from indexer.catalog.session import Database
from indexer.catalog.tables import Generation
from indexer.config import Settings
from indexer.generation_models import load, reduction_of
from model.evaluation.judged_comparison import Difference, Scores, compare, condense_query, has_both_kinds
from model.evaluation.judged_ranking import JudgedMetrics, summarise_lists
from model.text_encoder import TextEncoder

Vector = NDArray[np.float32]  # (D,) unit


@dataclass(frozen=True)
class JudgedQuery:
    """A query, and whether each clip judged for it is right."""

    text: str
    clips: Mapping[str, bool]


@dataclass(frozen=True)
class GenerationQuality:
    """What the judgements say of one generation."""

    generation: int
    preset: str
    reduction: str
    is_in_use: bool
    """Whether others are compared with it: it serves, as a rule."""
    judgements_not_indexed: int
    """Of clips that this generation has not read."""
    judgements_used: int = 0
    queries_unusable: int = 0
    """Without a clip that is right and one that is wrong, or of words that cancel each other out."""
    metrics: JudgedMetrics | None = None
    against_in_use: Difference | None = None
    problem: str | None = None
    """Why there are no metrics."""


@dataclass(frozen=True)
class LibraryQuality:
    """What the judgements say of every generation."""

    judgements: int
    judgements_without_clip: int
    """Of moments that no clip is cut at any more."""
    queries: int
    generations: list[GenerationQuality]


@dataclass(frozen=True)
class LibraryEvaluator:
    """Measures generations by the judgements of a library, by key of the query."""

    database: Database
    device: str
    queries: Mapping[str, JudgedQuery]
    in_use: int | None
    """The generation that others are compared with."""

    def measure(self, generation: Generation) -> tuple[GenerationQuality, Scores]:
        """Return the quality of a generation but for the comparison, and the scores it is made of."""
        known = self._vectors(generation.id)
        quality = GenerationQuality(
            generation=generation.id,
            preset=generation.preset,
            reduction=reduction_of(generation),
            is_in_use=generation.id == self.in_use,
            judgements_not_indexed=sum(
                clip not in known for query in self.queries.values() for clip in query.clips
            ),
            queries_unusable=len(self.queries),
        )
        try:
            scores = self._score(generation, known)
        except ValueError as error:
            return replace(quality, problem=str(error)), {}
        lists = [condense_query(clips, self._judged(key, clips)) for key, clips in scores.items()]
        measured = replace(
            quality,
            judgements_used=sum(map(len, scores.values())),
            queries_unusable=len(self.queries) - len(scores),
            metrics=summarise_lists(lists),
        )
        return measured, scores

    def compared(self, quality: GenerationQuality, scores: Scores, in_use: Scores) -> GenerationQuality:
        """Return the quality of a generation with ``scores`` beside those of the one in use."""
        if quality.is_in_use:
            return quality
        relevance = {key: query.clips for key, query in self.queries.items()}
        return replace(quality, against_in_use=compare(scores, in_use, relevance))

    def _vectors(self, generation_id: int) -> dict[str, Vector]:
        clip_ids = list(dict.fromkeys(clip for query in self.queries.values() for clip in query.clips))
        with self.database.reading() as session:
            found = stored_vectors.of_clips(session, generation_id, clip_ids)
        return {clip: vector for clip, vector in found.items() if vector is not None}

    def _judged(self, key: str, known: Mapping[str, object]) -> dict[str, bool]:
        return {clip: is_right for clip, is_right in self.queries[key].clips.items() if clip in known}

    def _score(self, generation: Generation, known: Mapping[str, Vector]) -> Scores:
        """Return the scores of usable queries; raises ValueError saying why there are none."""
        if not known:
            raise ValueError("it has read none of the judged clips")
        judged = {key: self._judged(key, known) for key in self.queries}
        usable = {key: clips for key, clips in judged.items() if has_both_kinds(clips)}
        if not usable:
            raise ValueError("no query has a clip that was judged right and one that was judged wrong")
        encoder = load(generation, self.device).text
        background = np.stack(list(known.values()))  # (N, D)
        scores = {}
        for key, clips in usable.items():
            if (target := aim_words(encoder, self.queries[key].text, background)) is not None:
                scores[key] = {clip: float(known[clip] @ target) for clip in clips}
        if not scores:
            raise ValueError("the words of every judged query cancel each other out")
        return scores


def evaluate_library(
    database: Database, settings: Settings, generation_ids: Sequence[int] | None = None
) -> LibraryQuality:
    """Return what the judgements say of each generation; raises ValueError when they say nothing of any.

    They are compared with the generation that serves; of ``generation_ids``, when given, with the first.
    """
    with database.reading() as session:
        judged = judgements.judged_clips(session)
        known = generations.list_all(session)
        in_use = generations.serving(session)
    if generation_ids is not None:
        known = [one for wanted in generation_ids for one in known if one.id == wanted]
        in_use = known[0] if known else None
    if not judged:
        raise ValueError(
            "nothing is judged yet: say of hits whether they are right, with POST /judgements "
            '{"query": "…", "clip_id": "…", "is_relevant": true}, and come back'
        )
    queries = _queries(judged)
    evaluator = LibraryEvaluator(database, settings.device, queries, in_use.id if in_use else None)
    measured = [evaluator.measure(generation) for generation in known]
    if not any(quality.metrics for quality, _ in measured):
        reasons = [f"generation {one.generation} ({one.preset}): {one.problem}" for one, _ in measured]
        raise ValueError(f"the {len(judged):,} judgements measure no model: " + "; ".join(reasons))
    others: Scores = next((scores for quality, scores in measured if quality.is_in_use), {})
    return LibraryQuality(
        judgements=len(judged),
        judgements_without_clip=sum(one.clip_id is None for one in judged),
        queries=len(queries),
        generations=[evaluator.compared(quality, scores, others) for quality, scores in measured],
    )


def _queries(judged: Sequence[JudgedClip]) -> dict[str, JudgedQuery]:
    """Return the queries by key, with what was typed last."""
    texts = {one.query_key: one.query for one in judged}
    clips: dict[str, dict[str, bool]] = defaultdict(dict)
    for one in judged:
        if one.clip_id is not None:
            clips[one.query_key][one.clip_id] = one.is_relevant
    return {key: JudgedQuery(text, clips[key]) for key, text in texts.items()}


def aim_words(encoder: TextEncoder, text: str, background: NDArray[np.float32]) -> Vector | None:
    """Return what a search for ``text`` looks for; None for words that leave nothing to look for."""
    examples = [
        (term.weight, encoder.encode_readable(without_quotes(term.example.text))[0])
        for term in read_terms(text)
        if isinstance(term.example, Words)
    ]
    try:
        return compose(examples, background) if examples else None
    except InvalidSearch:
        return None
