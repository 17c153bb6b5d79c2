"""The web application: ``uvicorn --factory app.main:create_app``."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.api import (
    clips,
    collections,
    export,
    generations,
    health,
    imports,
    jobs,
    judgements,
    page,
    search,
    subtitles,
    uploads,
    videos,
    webhooks,
)
from app.api.imports import NewImport
from app.api.judgements import NewJudgement
from app.api.search_models import SearchBody
from app.config import ServiceSettings
from app.cross_site import CrossSiteGuard
from app.dependencies import Services, build_services
from app.live_services import LiveServices
from app.problem_responses import install_error_handlers
from app.request_envelope import RequestEnvelope
from app.schemas import Problem
from app.searches_in_flight import SearchCount
from app.uploading.tus.envelope import TusEnvelope
from app.version import installed_version
from app.webhook_details import NewWebhook

ROUTED = (
    search,
    export,
    judgements,
    videos,
    collections,
    uploads,
    imports,
    subtitles,
    clips,
    jobs,
    webhooks,
    generations,
    health,
    page,
)

TAGS = [
    {"name": "search", "description": "Moments by words"},
    {"name": "export", "description": "Moments to take away, for editors and spreadsheets"},
    {"name": "judgements", "description": "What people say of hits"},
    {"name": "videos", "description": "The library"},
    {"name": "collections", "description": "The names that videos are grouped by"},
    {"name": "uploads", "description": "Files that come in pieces (tus 1.0), or lie here already"},
    {"name": "clips", "description": "The moments that videos are cut into"},
    {"name": "jobs", "description": "Indexing, which goes on in the background"},
    {"name": "webhooks", "description": "Telling other services of what happens"},
    {"name": "generations", "description": "The models that have read the library"},
    {"name": "health", "description": "For whoever watches over the service"},
]


def create_app(
    settings: ServiceSettings | None = None, services: Services | LiveServices | None = None
) -> FastAPI:
    """Return the application.

    It opens the library and loads the model when it starts, and closes them when it stops, unless
    ``services`` are given: those stay the caller's.
    """
    app = FastAPI(
        title="ReelSeek",
        summary="Search inside your own videos with words.",
        version=installed_version(),
        openapi_tags=TAGS,
        generate_unique_id_function=operation_id,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere, which our content policy forbids
        redoc_url=None,
        lifespan=_lifespan(settings) if services is None else None,
    )
    if services is not None:
        app.state.live = services if isinstance(services, LiveServices) else LiveServices(services)
    install_error_handlers(app)
    app.add_middleware(SearchCount)
    app.add_middleware(TusEnvelope)
    app.add_middleware(CrossSiteGuard)
    app.add_middleware(RequestEnvelope)
    for module in ROUTED:
        app.include_router(module.router)
    app.mount("/web", page.PageFiles(), name="web")
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def operation_id(route: APIRoute) -> str:
    """Return the stable name of an operation, the function's: clients call it so, below its tag."""
    return route.name


def _lifespan(settings: ServiceSettings | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        live = LiveServices(await to_thread.run_sync(build_services, settings or ServiceSettings()))
        app.state.live = live
        live.start()
        try:
            yield
        finally:
            await to_thread.run_sync(live.close)

    return lifespan


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            tags=app.openapi_tags,
            routes=app.routes,
        )
        # What is answered and read without the framework knowing it.
        for model in (Problem, SearchBody, NewJudgement, NewImport, NewWebhook):
            definition = model.model_json_schema(ref_template="#/components/schemas/{model}")
            parts = definition.pop("$defs", {})
            schema["components"]["schemas"].update({**parts, model.__name__: definition})
        app.openapi_schema = schema
    return app.openapi_schema
