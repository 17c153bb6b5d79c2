"""What is searched for."""

from dataclasses import dataclass, field

from indexer.catalog.clip_filters import ClipFilters

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

MAX_WORDS_CHARACTERS = 10_000
"""Several pages. A text encoder reads far less, and its answer says so; even longer text is a mistake."""


@dataclass(frozen=True)
class SearchQuery:
    """One search."""

    words: str
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    filters: ClipFilters = field(default_factory=ClipFilters)
    min_score: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for words or a limit out of bounds."""
        if not self.words.strip() or len(self.words) > MAX_WORDS_CHARACTERS:
            raise ValueError(
                f"the words {self.words[:50]!r} have {len(self.words)} characters: "
                f"describe a moment in 1 to {MAX_WORDS_CHARACTERS}"
            )
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ValueError(f"limit is {self.limit}: ask for 1 to {MAX_LIMIT} hits a page")
