"""``/health`` and ``/ready``: for whoever watches over the service."""

from fastapi import APIRouter

from app.dependencies import ServicesDependency
from app.errors import NotReady
from app.problem_responses import problem_docs
from app.schemas import Health, Readiness, SearchModel
from app.version import installed_version

router = APIRouter(tags=["health"])


@router.get("/health", summary="Is the process alive", responses=problem_docs())
def check_health() -> Health:
    """Answer without looking at anything: the process serves requests."""
    return Health(status="ok", version=installed_version())


@router.get("/ready", summary="Can it search", responses=problem_docs(NotReady))
def check_readiness(services: ServicesDependency) -> Readiness:
    """Bring the index level with the catalog and run the text encoder: what a search needs."""
    try:
        revision = services.follower.catch_up()
    except LookupError as error:
        raise NotReady(
            f"the catalog has lost the model's vectors ({error}): start the service anew"
        ) from error
    services.queries.encode("ready")
    return Readiness(
        status="ready",
        model=SearchModel(preset=services.preset, generation=services.generation_id),
        revision=revision,
        clips=len(services.follower),
    )
