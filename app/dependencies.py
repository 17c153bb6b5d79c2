"""The composition root: the parts of one service, built here and nowhere else, and their names in routes."""

import logging
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from anyio import CapacityLimiter
from fastapi import Depends, Request

from app.answer_memory import AnswerMemory
from app.confidence import Calibrator
from app.config import ServiceSettings
from app.garbage import spare_what_stays
from app.jobs.feed import JobFeed
from app.picture_encoder import PictureEncoder
from app.query_encoder import QueryEncoder
from app.recent_words import RecentWords
from app.searches_in_flight import SearchesInFlight
from app.uploading.tus.intake import Intake
from app.uploading.tus.receiving import PieceReceiver
from app.uploading.tus.sweeping import UploadSweeper
from app.webhooks.delivering import Deliverer
from app.webhooks.sending import Sender
from indexer.generation_models import GenerationModel, begin, open_serving
from indexer.library import Library, open_library
from indexer.previews import PreviewStore
from indexer.vector_index.follower import IndexFollower
from model.factory import Encoders
from model.video_encoder import VideoEncoder

MAX_CONCURRENT_UPLOADS = 16
"""Threads kept for uploads; more of them wait their turn without holding one."""

MAX_CONCURRENT_CUTS = 2
"""Clips cut at a time for download, and as many for previews: decoding and coding takes whole cores."""

MAX_CONCURRENT_HEATMAPS = 2
"""Drawn at a time: each decodes a clip and runs the model, which takes whole cores."""

MAX_CONCURRENT_DELETIONS = 4
"""Threads kept for deletions, which wait for searches: those must find threads of their own."""

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
    job_feed: JobFeed
    recent_words: RecentWords
    deliverer: Deliverer
    upload_threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_UPLOADS))
    deletion_threads: CapacityLimiter = field(
        default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_DELETIONS)
    )
    pieces: PieceReceiver = field(default_factory=PieceReceiver)
    sweeper: UploadSweeper = field(default_factory=UploadSweeper)
    searches: SearchesInFlight = field(default_factory=SearchesInFlight)
    answers: AnswerMemory = field(default_factory=AnswerMemory)
    cuts: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_CUTS))
    preview_slots: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_CUTS))
    heatmaps: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_CONCURRENT_HEATMAPS))

    @property
    def previews(self) -> PreviewStore:
        """The moments that were made to play in any browser."""
        return PreviewStore(self.library.previews_root, self.settings.max_previews_bytes)

    @property
    def intake(self) -> Intake:
        """Return where resumable uploads go."""
        return Intake(self.library, self.settings, self.generation_id)

    def start(self) -> None:
        """Begin, aside, what makes a service that stays faster and surer; a short-lived one gains nothing."""
        self.sweeper.start(self.intake)
        self.deliverer.start()
        self.recent_words.start()
        self.start_model()

    def start_model(self) -> None:
        """Begin, aside, what makes searches with the model faster and surer."""
        self.queries.prepare(self.settings.home_folder / "index")
        self.calibrator.prepare_when_needed()
        self.follower.build_when_needed()
        spare_what_stays()

    def rest_model(self) -> None:
        """Give up what goes on aside for the model, and save the index's snapshot; searches go on."""
        self.calibrator.close()
        self.queries.close()
        self.follower.close()
        try:
            self.follower.save_snapshot()
        except Exception:  # whatever it is, the catalog has every vector
            log.warning("the index snapshot was not saved; the next start rebuilds it", exc_info=True)

    def close(self) -> None:
        """Give up what goes on aside, save the index's snapshot for the next start, and close the library."""
        self.sweeper.close()
        self.deliverer.close()
        self.recent_words.close()
        self.rest_model()
        self.library.close()


def build_services(settings: ServiceSettings, encoders: Encoders | None = None) -> Services:
    """Return the services of the library that ``settings`` name, with the model that serves in it.

    ``encoders`` serve instead when they are given. Raises ValueError and UnknownSchema for a library or a
    model that cannot be opened.
    """
    library = open_library(settings)
    try:
        if encoders is not None:
            return assemble_services(settings, library, encoders)
        return services_with(settings, library, open_serving(library.database, settings))
    except BaseException:
        library.close()
        raise


def assemble_services(settings: ServiceSettings, library: Library, encoders: Encoders) -> Services:
    """Return services around an open library and loaded encoders, whose generation serves from now on."""
    return services_with(settings, library, begin(library.database, encoders))


def services_with(settings: ServiceSettings, library: Library, model: GenerationModel) -> Services:
    """Return services around an open library and the model of one of its generations."""
    return Services(
        settings=settings,
        library=library,
        job_feed=JobFeed(library.database),
        recent_words=RecentWords(library.database, settings.recent_queries),
        deliverer=Deliverer(library.database, Sender(settings.webhook_private_networks)),
        **_parts_of(settings, library, model),
    )


def with_model(services: Services, model: GenerationModel) -> Services:
    """Return the same services with the model of another generation; nothing but that is another."""
    return replace(services, **_parts_of(services.settings, services.library, model))


def _parts_of(settings: ServiceSettings, library: Library, model: GenerationModel) -> dict[str, Any]:
    """Return what of the services belongs to a model, by field; the index is read from disk and catalog."""
    encoders, index_folder = model.encoders, settings.home_folder / "index"
    follower = IndexFollower(
        database=library.database,
        generation_id=model.generation_id,
        fingerprint=encoders.settings.fingerprint,
        dimension=encoders.settings.dimension,
        snapshot_path=library.snapshot_path(model.generation_id),
    )
    return {
        "queries": QueryEncoder(encoders.text),
        "pictures": PictureEncoder(encoders.video),
        "video_encoder": encoders.video,
        "follower": follower,
        "calibrator": Calibrator(encoders.text, encoders.settings.fingerprint, index_folder),
        "answers": AnswerMemory(),
        "generation_id": model.generation_id,
        "preset": encoders.settings.preset,
    }


async def services_of(request: Request) -> Services:
    """Return the services of the application that answers ``request``.

    A coroutine, so that no thread is woken for it.
    """
    services: Services = request.app.state.live.current
    return services


ServicesDependency = Annotated[Services, Depends(services_of)]
