"""``reelseek watch``: folders whose videos are indexed as they come."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.config import ServiceSettings
from app.worker_supervision import WorkerSupervisor, worker_environment
from indexer.folders.watch import FolderWatch
from indexer.library import open_library

SETTLE_S = 5.0

Folders = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders to watch, with those below.")]
Settle = Annotated[
    float, typer.Option(min=0.0, help="Seconds for which a file must not change before it is indexed.")
]
Workers = Annotated[
    int | None,
    typer.Option(help="Indexing processes to start (REELSEEK_WORKERS, else 1; 0 beside `reelseek serve`)."),
]


def watch(folders: Folders, settle: Settle = SETTLE_S, workers: Workers = None) -> None:
    """Index the videos of folders in place as they come, until Ctrl-C or SIGTERM."""
    settings = ServiceSettings()
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"{str(folder)!r} is not a folder: name one that is there now")
    is_over = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: is_over.set())
    library = open_library(settings)
    try:
        count = settings.workers if workers is None else workers
        with WorkerSupervisor(count, worker_environment(settings)):
            shown = ", ".join(str(folder) for folder in folders)
            Console(stderr=True).print(
                f"Watching {shown} (stop it with Ctrl-C)", highlight=False, markup=False
            )
            FolderWatch(library, folders, settle).run(is_over)
    finally:
        library.close()
