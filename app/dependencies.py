"""The composition root: the parts of one service, built here and nowhere else, and their names in routes."""

import logging
from dataclasses import dataclass, field
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from app.answer_memory import AnswerMemory
from app.confidence import Calibrator
from app.config import ServiceSettings
from app.job_feed import JobFeed
from app.picture_encoder import PictureEncoder
from app.query_encoder import QueryEncoder
from app.tus.intake import Intake
from app.tus.receiving import PieceReceiver
from app.tus.sweeping import UploadSweeper
from indexer.catalog import generations
from indexer.library import Library, open_library
from indexer.vector_index.follower import IndexFollower
from model.factory import Encoders, load_encoders
from model.video_encoder import VideoEncoder

MAX_CONCURRENT_UPLOADS = 16
"""Threads kept for uploads; more of them wait their turn without holding one."""

MAX_CONCURRENT_CUTS = 2
"""Clips cut out at a time for download: each is decoded and coded anew, which takes whole cores."""

MAX_CONCURRENT_HEATMAPS = 2
"""Drawn at a time: each decodes a clip and runs the model, which takes whole cores."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What routes and the command line work with."""

    settings: ServiceSettings
    library: Library
    queries: QueryEncoder
    pictures: PictureEncoder
    video_encoder: VideoEncoder
    follower: IndexFollower
    calibrator: Calibrator
    generation_id: int
    preset: str
    answers: AnswerMemory = field(default_factory=AnswerMemory)
    job_feed: JobFeed
    upload_threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_UPLOADS))
    pieces: PieceReceiver = field(default_factory=PieceReceiver)
    sweeper: UploadSweeper = field(default_factory=UploadSweeper)
    cuts: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_CUTS))
    heatmaps: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_HEATMAPS))

    @property
    def intake(self) -> Intake:
        """Return where resumable uploads go."""
        return Intake(self.library, self.settings, self.generation_id)

    def start(self) -> None:
        """Begin, aside, what makes a service that stays faster and surer; a short-lived one gains nothing."""
        self.sweeper.start(self.intake)
        self.queries.prepare(self.settings.home_folder / "index")
        self.calibrator.prepare_when_needed()
        self.follower.build_when_needed()

    def close(self) -> None:
        """Give up what goes on aside, save the index's snapshot for the next start, and close the library."""
        for part in (self.sweeper, self.calibrator, self.queries, self.follower):
            part.close()
        try:
            self.follower.save_snapshot()
        except Exception:  # whatever it is, the catalog has every vector
            log.warning("the index snapshot was not saved; the next start rebuilds it", exc_info=True)
        self.library.close()


def build_services(settings: ServiceSettings, encoders: Encoders | None = None) -> Services:
    """Return the services of ``settings``, with the encoders it names unless others are given.

    Raises ValueError and UnknownSchema for a library or a model that cannot be opened.
    """
    library = open_library(settings)
    try:
        return assemble_services(settings, library, encoders or _load(settings))
    except BaseException:
        library.close()
        raise


def assemble_services(settings: ServiceSettings, library: Library, encoders: Encoders) -> Services:
    """Return services around an open library and loaded encoders, whose generation serves from now on."""
    with library.database.writing() as session:
        generation = generations.ensure(session, encoders.settings)
    follower = IndexFollower(
        database=library.database,
        generation_id=generation.id,
        fingerprint=generation.fingerprint,
        dimension=generation.dimension,
        snapshot_path=library.snapshot_path(generation.id),
    )
    return Services(
        settings=settings,
        library=library,
        queries=QueryEncoder(encoders.text),
        pictures=PictureEncoder(encoders.video),
        video_encoder=encoders.video,
        follower=follower,
        calibrator=Calibrator(encoders.text, generation.fingerprint, settings.home_folder / "index"),
        generation_id=generation.id,
        preset=encoders.settings.preset,
        job_feed=JobFeed(library.database),
    )


async def services_of(request: Request) -> Services:
    """Return the services of the application that answers ``request``.

    A coroutine, so that no thread is woken for it.
    """
    services: Services = request.app.state.services
    return services


ServicesDependency = Annotated[Services, Depends(services_of)]


def _load(settings: ServiceSettings) -> Encoders:
    return load_encoders(settings.model, reduction=settings.reduction, device=settings.device)
