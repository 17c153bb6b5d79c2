"""``python -m indexer.batch DIR``: index every video in a folder, and say which ones could not be.

Exit codes: 0 all indexed, 1 some failed or the database did, 2 wrong usage (no such folder, no video in it),
130 interrupted.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.logging import RichHandler
from sqlalchemy.exc import OperationalError

from indexer.batch.display import BatchDisplay, printable
from indexer.batch.dry_run import survey
from indexer.batch.run import run_batch
from indexer.batch.summary import show_result, show_survey
from indexer.catalog.session import Database, parse_url
from indexer.config import Settings, describe_invalid
from indexer.errors import SchemaMismatch
from indexer.folders.walk import FoundFile, Unreadable, total_bytes, walk_videos
from indexer.generation_models import open_serving
from indexer.library import open_catalog, open_library
from indexer.log_output import log_through
from indexer.process_end import exit_at_once, stop_on_sigterm
from indexer.worker import Worker

ALL_INDEXED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

Files = Sequence[FoundFile | Unreadable]


def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with videos, searched recursively.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to do.")] = False,
) -> None:
    """Index every video in DIR that is not indexed yet; files stay where they are. Run it again to go on."""
    console = Console(highlight=False, markup=False)
    log_through(RichHandler(console=console, markup=False), "%(message)s")
    stop_on_sigterm()
    try:
        settings = Settings()
        files = _find_files(settings, folder)
        if dry_run:
            _survey(console, settings, files)
            return
        code = _index(console, settings, files)
    except ValidationError as error:
        console.print(describe_invalid(error), style="red", soft_wrap=True)
        code = WRONG_USAGE
    except (ValueError, SchemaMismatch) as error:  # settings or arguments: the message says which
        console.print(str(error), style="red", soft_wrap=True)
        code = WRONG_USAGE
    except OperationalError as error:
        message = f"The database failed: {error.orig}. Run the same command again to go on."
        console.print(message, style="red", soft_wrap=True)
        code = SOME_FAILED
    except KeyboardInterrupt:
        console.print("Interrupted. What was finished is kept; run the same command again to go on.")
        exit_at_once(INTERRUPTED)
    raise typer.Exit(code)


def _find_files(settings: Settings, folder: Path) -> Files:
    """Return what is under ``folder``, without the library's own; raises ValueError when there is nothing."""
    shown = printable(str(folder))
    if not folder.is_dir():
        raise ValueError(f"{shown} is not a folder: name one that holds videos")
    files = list(walk_videos(folder, excluding=settings.home_folder))
    if not files:
        raise ValueError(f"{shown} holds no video file: name a folder that does (hidden files do not count)")
    return files


def _index(console: Console, settings: Settings, files: Files) -> int:
    library = open_library(settings)
    try:
        worker = Worker(library, open_serving(library.database, settings), follows=True)
        result = run_batch(worker, files, BatchDisplay(console))
    finally:
        library.close()
    show_result(console, result)
    return SOME_FAILED if result.refusals else ALL_INDEXED


def _survey(console: Console, settings: Settings, files: Files) -> None:
    database = _open_existing(settings)
    try:
        with BatchDisplay(console).reading(total_bytes(files)) as on_bytes:
            found = survey(settings, database, files, on_bytes)
    finally:
        if database is not None:
            database.close()
    show_survey(console, found)


def _open_existing(settings: Settings) -> Database | None:
    """Return the library's database, or None when there is no library yet: looking must not make one."""
    url = parse_url(settings.catalog_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return None
    return open_catalog(settings)


if __name__ == "__main__":
    typer.run(main)
