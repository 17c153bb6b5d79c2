"""``reelseek serve``: the service in this process, its workers in others, until somebody ends it."""

import signal

import uvicorn
from rich.console import Console

from app.config import ServiceSettings
from app.dependencies import build_services
from app.listener import listen
from app.live_services import LiveServices
from app.main import create_app
from app.worker_supervision import WorkerSupervisor, worker_environment

GRACE_S = 10
"""How long open requests may take to finish when the service is told to stop."""


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
            with WorkerSupervisor(settings.workers, worker_environment(settings)):
                Console(stderr=True).print(
                    f"ReelSeek is at http://{settings.host}:{settings.port} (stop it with Ctrl-C)",
                    highlight=False,
                )
                server = uvicorn.Server(
                    uvicorn.Config(
                        create_app(settings, live), log_config=None, timeout_graceful_shutdown=GRACE_S
                    )
                )
                server.run(sockets=[listener])
        finally:
            live.close()
    except KeyboardInterrupt:
        pass  # the signal that ended it, raised again by uvicorn after it has shut down
    finally:
        listener.close()
