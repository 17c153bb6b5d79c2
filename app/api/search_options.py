"""What GET and POST /search have in common: how the answer is to look, and which clips were judged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from app.confidence import Confidence
from app.request_error import RequestError
from app.search.asking.query import (
    DEFAULT_LIMIT,
    DEFAULT_WITHIN_S,
    MAX_JUDGED_CLIPS,
    MAX_LIMIT,
    MAX_WITHIN_S,
    MAX_WORDS_CHARACTERS,
    GroupBy,
    Mode,
    SearchQuery,
    Sort,
    Term,
)
from app.search.asking.query_words import TypedSteps, read_steps
from indexer.catalog.clip_filters import ClipFilters

ClipId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
"""As this service makes them."""

Description = Annotated[str, Field(max_length=MAX_WORDS_CHARACTERS)]

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]

JudgedClips = Annotated[list[ClipId], Field(max_length=MAX_JUDGED_CLIPS)]


class SearchOptions(BaseModel):
    """Every option of a search but its examples and filters."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Most hits on a page")] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(description="`next_cursor` of the page before")] = None
    mode: Annotated[
        Mode,
        Field(description="Found by what is seen, by the words said, or by both rankings fused"),
    ] = Mode.HYBRID
    group_by: Annotated[
        GroupBy, Field(description="`video`: one hit a video, its best moment, with the others in `moments`")
    ] = GroupBy.CLIP
    sort: Annotated[
        Sort, Field(description="`recorded_at` and `added_at`: what was found, the newest video first")
    ] = Sort.RELEVANCE
    diversity: Annotated[
        float,
        Field(ge=0, le=1, allow_inf_nan=False, description="0: the best first; 1: the most different first"),
    ] = 0.0
    merge: Annotated[bool, Field(description="Make one moment of neighbouring hits of a video")] = True
    collapse: Annotated[
        bool, Field(description="Show hits that look nearly the same as one, the others in its `similar`")
    ] = True
    explain: Annotated[
        bool,
        Field(description="Say of each hit which part of it fits how well, and where a picture of it is"),
    ] = False
    min_score: Annotated[
        float | None,
        Field(ge=-1, le=1, allow_inf_nan=False, description="Only hits with this cosine or more"),
    ] = None
    min_confidence: Annotated[
        Confidence | None, Field(description="Only hits that are this sure, or surer")
    ] = None
    within: Annotated[
        Seconds,
        Field(le=MAX_WITHIN_S, description="Of a sequence: most seconds from the end of a step to the next"),
    ] = DEFAULT_WITHIN_S
    relevant: Annotated[
        JudgedClips, Field(description="Ids of clips that are right: the search moves towards them (Rocchio)")
    ] = []
    irrelevant: Annotated[
        JudgedClips,
        Field(description="Ids of clips that are wrong: the search moves away and shows them no more"),
    ] = []
    use_judgements: Annotated[
        bool, Field(description="Count the clips judged for the same `q` as `relevant` and `irrelevant` too")
    ] = False

    def typed_steps(self, q: str | None) -> TypedSteps:
        """Return the steps that ``q`` tells of; in words that are to be said, "then" is one of them."""
        return TypedSteps((q or "",), None) if self.mode is Mode.TEXT else read_steps(q or "")

    def query_of(
        self, steps: Sequence[tuple[Term, ...]], within_s: float | None, filters: ClipFilters, text: str
    ) -> SearchQuery:
        """Return the search for one step, or for a sequence of several; raises InvalidSearch.

        ``within_s`` is what was typed of it, which counts more than the option.
        """
        return SearchQuery(
            terms=steps[0] if len(steps) == 1 else (),
            sequence=tuple(steps) if len(steps) > 1 else (),
            within_s=self.within if within_s is None else within_s,
            filters=filters,
            relevant=tuple(self.relevant),
            irrelevant=tuple(self.irrelevant),
            text=text,
            **self.model_dump(include=_SAME),
        )


_SAME = {
    "limit",
    "cursor",
    "mode",
    "group_by",
    "sort",
    "diversity",
    "merge",
    "collapse",
    "explain",
    "use_judgements",
    "min_score",
    "min_confidence",
}
"""Options that SearchQuery calls as this interface does."""


@contextmanager
def parameters_named(names: dict[str, str]) -> Iterator[None]:
    """Let errors of the block name parameters by what ``names`` calls them."""
    try:
        yield
    except RequestError as error:
        if error.parameter is not None:
            error.parameter = names.get(error.parameter, error.parameter)
        raise


def no_such_name(name: str, known: Sequence[str]) -> str:
    """Return a sentence about a name that does not exist, with the nearest one that does."""
    nearest = get_close_matches(name, known, n=1, cutoff=0.5)
    way_out = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(sorted(known))}"
    return f"there is no such parameter: {way_out}"


def name_the_nearest(errors: Sequence[Any], known: Sequence[str]) -> list[dict[str, Any]]:
    """Return pydantic's errors of a JSON body, located in it, with the way out for names it does not know."""
    located = [{**error, "loc": ("body", *error["loc"])} for error in errors]
    for error in located:
        if error["type"] == "extra_forbidden":
            error["msg"] = no_such_name(str(error["loc"][-1]), known)
    return located
