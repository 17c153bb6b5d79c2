"""The list of generations as a person reads it in a terminal; shown without loading any model."""

from rich.table import Table
from rich.text import Text

from indexer.catalog.states import GenerationState
from indexer.reindexing.listing import GenerationStatus

STYLES = {GenerationState.SERVING: "green", GenerationState.BUILDING: "cyan", GenerationState.RETIRED: "dim"}


def status_table(every: list[GenerationStatus]) -> Table:
    """Return a row a generation."""
    table = Table("", "state", "model", "videos", "lacks", "waiting", "unread", "vectors", "speed")
    for one in every:
        state = "paused" if one.is_paused else one.state.value
        table.add_row(
            str(one.generation),
            Text(state, style=STYLES[one.state]),
            model_name(one),
            *(f"{number:,}" for number in (one.videos, one.videos_lacking, one.videos_waiting)),
            *(f"{number:,}" for number in (one.videos_unread, one.vectors)),
            speed_text(one),
        )
    return table


def model_name(one: GenerationStatus) -> Text:
    """Return the model of a generation and its token reduction."""
    return Text(f"{one.preset}, {one.reduction}")  # no markup: a folder may be called anything


def speed_text(one: GenerationStatus) -> str:
    """Return how fast a generation is read; a dash when nothing is known of that."""
    return "–" if one.speed is None else f"{one.speed:.1f}× real time"
