"""``reelseek db``: at which revision the database's schema is, and bringing it to this version's."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from app.config import ServiceSettings
from indexer.catalog.session import Database, connect_database

EXIT_NOT_CURRENT = 3

db = typer.Typer(name="db", help="Look at the database's schema, and upgrade it.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]


@db.command()
def status(as_json: AsJson = False) -> None:
    """Print the schema's revision, the one needed and what an upgrade does; exits with 3 if they differ."""
    with _connected() as database:
        state, others = database.schema.state(), database.schema.connected()
    if as_json:
        answer = {**asdict(state), "is_current": state.is_current, "connected": others}
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        console = Console()
        _say(console, f"schema {state.found or 'none'}, this version needs {state.needed}")
        for revision, what in state.pending:
            _say(console, f"  to do: {revision} {what}")
        for other in others:
            _say(console, f"  connected: {other}")
        if not state.is_known:
            _say(console, "A newer ReelSeek made it: install that one.")
        elif state.pending:
            _say(console, "Stop every ReelSeek that uses it, then run `reelseek db upgrade`.")
    if not state.is_current:
        raise typer.Exit(EXIT_NOT_CURRENT)


@db.command()
def upgrade() -> None:
    """Bring the schema to this version's, while no other process uses the database; else nothing is done."""
    with _connected() as database:
        before = database.schema.state()
        if not before.is_current:
            with database.schema.keeping_others_out():
                database.schema.upgrade()
        after = database.schema.state()
    console = Console()
    if before.found == after.found:
        _say(console, f"The schema is at {after.found} already.")
    else:
        _say(console, f"The schema is at {after.found} now; it was {before.found or 'empty'}.")


@contextmanager
def _connected() -> Iterator[Database]:
    database = connect_database(ServiceSettings().catalog_url)
    file = database.engine.url.database or ""
    if database.is_sqlite and not Path(file).exists():  # looking must not make an empty one
        raise ValueError(
            f"there is no database at {file}: name the library with REELSEEK_HOME or REELSEEK_DATABASE_URL "
            "(a new one is made by whatever uses it first, as reelseek serve)"
        )
    try:
        yield database
    finally:
        database.close()


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)
