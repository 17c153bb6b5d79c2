"""The services that requests get, exchanged for those of another model while searches go on.

A request keeps the services that it began with: it ends under the model that it began under. What it had
goes when the last such request has ended.
"""

import logging
import threading
import time
from time import monotonic

from sqlalchemy.exc import OperationalError

from app.dependencies import Services, with_model
from indexer.background_work import BackgroundWork, IsStopped
from indexer.catalog import generations
from indexer.errors import ModelUnavailable
from indexer.generation_models import GenerationModel, load

LOOK_S = 1.0
"""Between two looks which generation serves; loading its model takes longer."""

STEP_S = 0.1
"""How long the end of the service may have to wait for a look."""

MODEL_PAUSE_S = 60.0
"""Before the next try when its model cannot be loaded here; the former one goes on answering."""

log = logging.getLogger(__name__)


class LiveServices:
    """Holds the services of now; ``current`` is to be read once in a request."""

    def __init__(self, services: Services) -> None:
        """Begin with ``services``, and look at nothing before the start."""
        self.current = services
        self._looking = threading.Lock()
        self._is_started = False
        self._watching = BackgroundWork("generation-watch")

    def start(self) -> None:
        """Start the services, and exchange them from now on whenever another generation is promoted."""
        self._is_started = True
        self.current.start()
        self._watching.start(self._watch)

    def look(self, loaded: GenerationModel | None = None) -> None:
        """Exchange the services if another generation serves now; raises ModelUnavailable.

        Its model is loaded here, unless it is the one that was ``loaded``.
        """
        with self._looking:
            before = self.current
            with before.library.database.reading() as session:
                serving = generations.serving(session)
            if serving is None or serving.id == before.generation_id:
                return
            if loaded is None or loaded.generation_id != serving.id:
                loaded = GenerationModel(serving.id, load(serving, before.settings.device))
            following = with_model(before, loaded)
            if self._is_started:
                following.start_model()
            self.current = following
        log.info(
            "another generation answers searches",
            extra={"action": "generation_changed", "generation": serving.id, "preset": serving.preset},
        )
        before.rest_model()

    def close(self) -> None:
        """Look no more, and close the services of now."""
        self._watching.close()
        self.current.close()

    def _watch(self, is_stopped: IsStopped) -> None:
        next_look = monotonic()
        while not is_stopped():
            time.sleep(STEP_S)
            if monotonic() < next_look:
                continue
            next_look = monotonic() + LOOK_S
            try:
                self.look()
                self.current.follower.save_when_quiet()
            except OperationalError:
                log.debug("the database does not answer; looking again", exc_info=True)
            except Exception as error:  # whatever it is, the former model goes on answering
                next_look = monotonic() + MODEL_PAUSE_S
                log.warning(
                    "another generation was promoted and cannot be used here; the former one goes on: %s",
                    error,
                    extra={"action": "generation_not_changed"},
                    exc_info=not isinstance(error, ModelUnavailable),
                )
