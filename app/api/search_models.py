"""A search as JSON: the models that ``POST /search`` takes."""

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.identifiers import VideoId
from app.api.search_options import ClipId, Description, SearchOptions, Seconds
from app.errors import InvalidSearch
from app.search.asking.filters import METADATA_PREFIX, FilterFields, clip_filters_of
from app.search.asking.query import (
    MAX_STEPS,
    MAX_TERMS,
    MAX_WEIGHT,
    Example,
    IndexedClip,
    Picture,
    SearchQuery,
    Span,
    Term,
    Words,
)
from app.search.asking.query_words import read_terms
from indexer.catalog.clip_filters import ClipFilters

Weight = Annotated[
    float,
    Field(
        ge=-MAX_WEIGHT,
        le=MAX_WEIGHT,
        allow_inf_nan=False,
        description="How much a moment is to be like it; negative: away from it; not 0",
    ),
]


class SearchTerm(BaseModel):
    """One example: exactly one of `words`, `clip`, `video` and `image`."""

    model_config = ConfigDict(extra="forbid")

    words: Annotated[Description | None, Field(description="A description; dashes in it mean nothing")] = None
    clip: Annotated[ClipId | None, Field(description="A clip of the library")] = None
    video: Annotated[
        VideoId | None, Field(description="A video of the library, or its part from `start` to `end`")
    ] = None
    start: Annotated[Seconds | None, Field(description="Second in `video`")] = None
    end: Annotated[Seconds | None, Field(description="Second in `video`")] = None
    image: Annotated[
        int | None, Field(ge=0, description="Which `image` part of the form: 0 is the first")
    ] = None
    weight: Weight = 1.0

    def to_term(self, images: list[bytes]) -> Term:
        """Return the term; raises InvalidSearch."""
        given = [name for name in ("words", "clip", "video", "image") if getattr(self, name) is not None]
        if len(given) != 1:
            message = (
                f"has {' and '.join(given) or 'no example'}: give words, clip, video or image, and only one"
            )
            raise InvalidSearch("terms", message)
        if self.video is None and (self.start, self.end) != (None, None):
            raise InvalidSearch("terms.start", "which video? start and end are for the term of a video")
        return Term(self._example(images), self.weight)

    def _example(self, images: list[bytes]) -> Example:
        if self.words is not None:
            return Words(self.words)
        if self.clip is not None:
            return IndexedClip(self.clip)
        if self.video is not None:
            return Span(self.video, self.start, self.end)
        if self.image is None or self.image >= len(images):
            message = (
                f"the form has {len(images)} image parts: count them from 0, and send multipart/form-data"
            )
            raise InvalidSearch("terms.image", message, self.image)
        return Picture(images[self.image])


class SearchStep(BaseModel):
    """What is to be seen: words as in the `q` of GET /search, other terms, or both together."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        Description | None,
        Field(description='Words; `-word` and `-"several words"` turn away from them'),
    ] = None
    terms: Annotated[list[SearchTerm], Field(max_length=MAX_TERMS, description="Examples with weights")] = []

    def to_terms(self, images: list[bytes], q: str | None = None) -> tuple[Term, ...]:
        """Return the terms of the step, ``q`` in place of its own words; raises InvalidSearch."""
        words = self.q if q is None else q
        return (*read_terms(words or ""), *(term.to_term(images) for term in self.terms))

    @property
    def images(self) -> set[int]:
        """Which images its terms name."""
        return {term.image for term in self.terms if term.image is not None}


MetadataValue = str | int | float | bool


class MetadataRange(BaseModel):
    """What a value lies in, its ends included: numbers, dates or texts."""

    model_config = ConfigDict(extra="forbid")

    min: MetadataValue | None = None
    max: MetadataValue | None = None


class SearchFilters(FilterFields):
    """What the videos of hits must be; what is not given demands nothing."""

    model_config = ConfigDict(extra="forbid")

    metadata: Annotated[
        dict[str, MetadataValue | list[MetadataValue] | MetadataRange],
        Field(
            default_factory=dict,
            description='Of each key a value, several of which one must fit, or a range, as `{"camera": "A", '
            '"tags": ["sea", "night"], "take": {"min": 1, "max": 5}}`',
        ),
    ]

    def to_filters(self) -> ClipFilters:
        """Return the filters; raises InvalidSearch."""
        pairs: list[tuple[str, str]] = []
        for key in self.metadata:
            if not (conditions := self._pairs(key)):
                raise InvalidSearch(f"filters.metadata.{key}", "demands nothing: give a value or a bound")
            pairs += conditions
        return clip_filters_of(self, pairs)

    def _pairs(self, key: str) -> list[tuple[str, str]]:
        """Return the conditions on ``key`` as GET /search takes them."""
        wanted, name = self.metadata[key], METADATA_PREFIX + key
        if isinstance(wanted, MetadataRange):
            bounds = {"min": wanted.min, "max": wanted.max}
            return [(f"{name}.{end}", _typed(bound)) for end, bound in bounds.items() if bound is not None]
        values = wanted if isinstance(wanted, list) else [wanted]
        return [(name, _typed(value)) for value in values]


def _typed(value: MetadataValue) -> str:
    """Return a value as a person types it in an address."""
    return value if isinstance(value, str) else json.dumps(value)


class SearchBody(SearchStep, SearchOptions):
    """A search."""

    then: Annotated[
        list[SearchStep],
        Field(
            max_length=MAX_STEPS - 1, description="What is to be seen after it in the same video, in order"
        ),
    ] = []
    filters: Annotated[SearchFilters, Field(default_factory=SearchFilters)]

    def to_query(self, images: list[bytes]) -> SearchQuery:
        """Return the search; an image that no term names is one of the first step. Raises InvalidSearch."""
        named = self.images.union(*(step.images for step in self.then))
        unnamed = [Term(Picture(image)) for index, image in enumerate(images) if index not in named]
        typed = self.typed_steps(self.q)
        said_first, *said_then = typed.steps
        first = (*self.to_terms(images, said_first), *unnamed)
        steps = [first, *map(read_terms, said_then), *(step.to_terms(images) for step in self.then)]
        text = " → ".join([self.q or "", *(step.q or "" for step in self.then)])
        return self.query_of(steps, typed.within_s, self.filters.to_filters(), text)
