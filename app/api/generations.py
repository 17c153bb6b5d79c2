"""``/generations``: the models that have read the library, and which of them answers searches."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.exceptions import RequestValidationError

from app.dependencies import ServicesDependency
from app.generations.details import GenerationList, PromotionReceipt, describe_generation
from app.live_services import LiveServices
from app.problem_responses import problem_docs
from indexer.catalog import generation_states
from indexer.errors import CannotPromote, ModelUnavailable, UnknownGeneration, VideosMissing
from indexer.generation_models import open_generation
from indexer.reindexing import promotion
from indexer.reindexing.listing import list_generations

router = APIRouter(tags=["generations"])

Number = Annotated[int, Path(ge=1, lt=1 << 31, description="Number of the generation")]


@router.get("/generations", summary="List the models that have read the library", responses=problem_docs())
def list_models(services: ServicesDependency) -> GenerationList:
    """Return every generation of vectors, how far it is built, and what it lacks."""
    with services.library.database.reading() as session:
        return GenerationList(data=[describe_generation(one) for one in list_generations(session)])


@router.post(
    "/generations/{generation}/promote",
    summary="Let a model answer searches",
    responses=problem_docs(
        UnknownGeneration, CannotPromote, VideosMissing, ModelUnavailable, RequestValidationError
    ),
)
def promote_generation(
    request: Request,
    services: ServicesDependency,
    generation: Number,
    partial: Annotated[bool, Query(description="Though it lacks videos; they are read afterwards")] = False,
) -> PromotionReceipt:
    """Exchange the model that serves, in one transaction; searches that have begun end with the former one.

    Refused while the generation lacks videos that are found now, unless `partial`.
    """
    library = services.library
    model = open_generation(library.database, generation, services.settings.device)
    promoted = promotion.promote(library, generation, is_partial=partial)
    _live(request).look(model)
    return _receipt(promoted)


@router.post(
    "/generations/rollback",
    summary="Let the former model answer searches",
    responses=problem_docs(CannotPromote, ModelUnavailable),
)
def roll_back(request: Request, services: ServicesDependency) -> PromotionReceipt:
    """Let the generation serve that served before; what came since is read by it afterwards."""
    library = services.library
    with library.database.reading() as session:
        before = generation_states.previous(session).id
    model = open_generation(library.database, before, services.settings.device)
    promoted = promotion.roll_back(library)
    _live(request).look(model)
    return _receipt(promoted)


def _live(request: Request) -> LiveServices:
    live: LiveServices = request.app.state.live
    return live


def _receipt(promoted: promotion.Promotion) -> PromotionReceipt:
    return PromotionReceipt(
        generation=promoted.generation_id, preset=promoted.preset, videos_queued=promoted.videos_queued
    )
