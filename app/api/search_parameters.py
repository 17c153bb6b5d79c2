"""The query parameters of ``GET /search``."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field

from app.api.identifiers import VideoId
from app.api.search_options import ClipId, Description, SearchOptions, Seconds, no_such_name, parameters_named
from app.errors import InvalidSearch
from app.search.asking.filters import METADATA_PREFIX, FilterFields, clip_filters_of
from app.search.asking.query import MAX_STEPS, IndexedClip, Picture, SearchQuery, Span, Term
from app.search.asking.query_words import read_terms


class SearchParameters(SearchOptions, FilterFields):
    """All of them, but for those of metadata, whose names are the user's."""

    q: Annotated[
        Description | None,
        Field(
            description="What is to be seen, in words. A dash before a word, or before several in quotes, "
            "turns away from them, as `a beach -people`; quotes keep words together for words said. "
            "`a dog then a car within 30 s` is a sequence."
        ),
    ] = None
    like_clip: Annotated[ClipId | None, Field(description="Moments like this clip; with `q`: but so")] = None
    like_video: Annotated[
        VideoId | None, Field(description="Moments like this video, or like its part from `like_start`")
    ] = None
    like_start: Annotated[Seconds | None, Field(description="Second in `like_video`")] = None
    like_end: Annotated[Seconds | None, Field(description="Second in `like_video`")] = None
    then: Annotated[
        list[Description],
        Field(
            default_factory=list,
            max_length=MAX_STEPS - 1,
            description="What is to be seen after `q` in the same video; repeat it for up to 5 steps in all",
        ),
    ]

    def to_query(self, metadata: Sequence[tuple[str, str]], images: Sequence[bytes] = ()) -> SearchQuery:
        """Return the search, with conditions on ``metadata`` as typed, and ``images`` to be like as well.

        Raises InvalidSearch.
        """
        typed = self.typed_steps(self.q)
        said_first, *said_then = typed.steps
        first = (*read_terms(said_first), *self._examples(), *(Term(Picture(image)) for image in images))
        if not first and not self.relevant:
            message = "describe a moment in words, or give like_clip, like_video or relevant"
            raise InvalidSearch("q", message, self.q)
        steps = [first, *(read_terms(words) for words in (*said_then, *self.then))]
        text = " → ".join([self.q or "", *self.then])
        with parameters_named({"terms": "q", "terms.weight": "q"}):
            return self.query_of(steps, typed.within_s, clip_filters_of(self, metadata), text)

    def _examples(self) -> list[Term]:
        if self.like_video is None:
            for name in ("like_start", "like_end"):
                if (value := getattr(self, name)) is not None:
                    raise InvalidSearch(name, "which video? give like_video too", value)
        examples = [] if self.like_clip is None else [Term(IndexedClip(self.like_clip))]
        if self.like_video is not None:
            examples.append(Term(Span(self.like_video, self.like_start, self.like_end)))
        return examples


async def query_of_parameters(
    request: Request, parameters: Annotated[SearchParameters, Query()]
) -> SearchQuery:
    """Return the search that a request's parameters ask for; raises InvalidSearch, also for unknown ones.

    A coroutine, as it only reads: waking a thread for it takes as long.
    """
    return parameters.to_query(metadata_of(request, SearchParameters))


def metadata_of(request: Request, kind: type[SearchParameters]) -> list[tuple[str, str]]:
    """Return the conditions on metadata, as typed, of a request with parameters of ``kind``.

    Raises InvalidSearch for other parameters, and for one given twice that is not a list.
    """
    given = request.query_params.multi_items()
    known, repeatable = kind.model_fields, _lists_of(kind)
    seen: set[str] = set()
    for name, value in given:
        if name.startswith(METADATA_PREFIX):
            continue
        if name not in known:
            raise InvalidSearch(name, no_such_name(name, list(known)), value)
        if name in seen and name not in repeatable:
            raise InvalidSearch(name, "is given twice: give it once", value)
        seen.add(name)
    return [one for one in given if one[0].startswith(METADATA_PREFIX)]


@cache
def _lists_of(kind: type[SearchParameters]) -> frozenset[str]:
    """Return the names of the parameters that may be given more than once."""
    defaults = {
        name: field.get_default(call_default_factory=True) for name, field in kind.model_fields.items()
    }
    return frozenset(name for name, default in defaults.items() if isinstance(default, list))
