"""``reelseek serve``: the service in this process, its workers in others, until somebody ends it."""

import signal
import socket
from collections.abc import Callable

import uvicorn
from rich.console import Console

from app.config import ServiceSettings
from app.dependencies import build_services
from app.listener import listen
from app.live_services import LiveServices
from app.main import create_app
from app.worker_supervision import WorkerSupervisor, worker_environment

GRACE_S = 7
"""How long requests in flight may take to be answered when the service is told to stop.

Workers give their jobs back meanwhile; ten seconds are promised for the whole.
"""


class DrainingServer(uvicorn.Server):
    """A server that says when it begins to stop, before it waits for requests in flight."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections and wait for requests in flight; those that would never end are ended."""
        self._on_stop()
        await super().shutdown(sockets)


def serve_until_stopped(settings: ServiceSettings) -> None:
    """Serve until SIGINT or SIGTERM, then let workers give their jobs back and save the index's snapshot.

    Raises ValueError when the address cannot be listened on, or the library or model cannot be opened.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else uvicorn's own end would skip ours
    listener = listen(settings.host, settings.port)
    try:
        live = LiveServices(build_services(settings))
        try:
            live.start()
            with WorkerSupervisor(settings.workers, worker_environment(settings)) as workers:
                Console(stderr=True).print(
                    f"ReelSeek is at http://{settings.host}:{settings.port} (stop it with Ctrl-C)",
                    highlight=False,
                )
                _serve(settings, live, workers, listener)
        finally:
            live.close()
    except KeyboardInterrupt:
        pass  # the signal that ended it, raised again by uvicorn after it has shut down
    finally:
        listener.close()


def _serve(
    settings: ServiceSettings, live: LiveServices, workers: WorkerSupervisor, listener: socket.socket
) -> None:
    """Answer requests until a signal; streams of events and workers are ended when that comes."""

    def stop() -> None:
        live.current.job_feed.end()
        workers.ask_to_end()

    app = create_app(settings, live)
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=GRACE_S)
    DrainingServer(config, stop).run(sockets=[listener])
