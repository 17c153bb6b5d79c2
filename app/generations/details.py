"""Generations as the HTTP interface shows them."""

from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, Field

from indexer.catalog.states import GenerationState
from indexer.reindexing.listing import GenerationStatus


class GenerationDetails(BaseModel):
    """The vectors that one model made of the library."""

    generation: int = Field(description="Its number; answers of searches name it")
    preset: str
    reduction: str
    dimension: int
    state: GenerationState = Field(description="building, serving (it answers searches) or retired")
    is_paused: bool
    videos: int = Field(description="That it has read")
    videos_lacking: int = Field(description="That are found now, and would not be with this one")
    videos_waiting: int = Field(description="With a job for it that waits or runs")
    videos_unread: int = Field(description="That it failed to read")
    vectors: int
    speed: float | None = Field(description="× real time at which a worker read its last videos")
    created_at: datetime
    promoted_at: datetime | None


class GenerationList(BaseModel):
    """Every generation, the first one first."""

    data: list[GenerationDetails]


class PromotionReceipt(BaseModel):
    """The generation that answers searches now."""

    generation: int
    preset: str
    videos_queued: int = Field(description="That it lacks; the workers read them now")


def describe_generation(status: GenerationStatus) -> GenerationDetails:
    """Return a generation."""
    return GenerationDetails.model_validate(asdict(status))
