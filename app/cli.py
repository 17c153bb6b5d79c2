"""The ``reelseek`` command (also ``python -m app``).

Torch takes seconds to import, so commands import what they run when they run.
"""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import OperationalError

from app.api.export_parameters import ExportFormat, ExportParameters
from app.api.search_parameters import SearchParameters
from app.commands.database import db
from app.commands.generations import generations, reindex
from app.commands.jobs import jobs
from app.commands.keeping import backup, doctor, restore
from app.commands.watch import watch
from app.terminal.options import OptionError, Typed, takes_parameters
from indexer.config import describe_invalid
from indexer.errors import SchemaMismatch
from indexer.log_output import log_to_standard_error

commands = typer.Typer(name="reelseek", no_args_is_help=True, add_completion=False)
commands.add_typer(jobs)
commands.add_typer(db)
for command in (backup, restore, doctor):
    commands.command()(command)
commands.add_typer(generations)
commands.command()(reindex)
commands.command()(watch)
errors = Console(stderr=True)

EXIT_FAILED = 1
EXIT_MISUSED = 2

Host = Annotated[str | None, typer.Option(help="Address to listen on (REELSEEK_HOST, else 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="TCP port to listen on (REELSEEK_PORT, else 8000).")]
Workers = Annotated[
    int | None, typer.Option(help="Indexing processes to start (REELSEEK_WORKERS, else 1; 0 for none).")
]
Folder = Annotated[Path, typer.Argument(help="Folder with videos.", exists=True, file_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer of GET /search instead of a table.")]
Format = Annotated[
    ExportFormat, typer.Option("--format", "-f", help="A table, an edit list (CMX 3600) or OpenTimelineIO.")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write them; else to standard output."),
]
AllAsJson = Annotated[bool, typer.Option("--json", help="Print every figure as JSON instead of a table.")]


@commands.callback()
def describe() -> None:
    """Search inside your own videos with words."""


@commands.command()
def serve(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Serve the page and the HTTP interface, and index what is uploaded, until Ctrl-C."""
    from app.config import ServiceSettings
    from app.serving import serve_until_stopped

    given = {"host": host, "port": port, "workers": workers}
    settings = {name: value for name, value in given.items() if value is not None}
    serve_until_stopped(ServiceSettings.model_validate(settings))


@commands.command()
@takes_parameters(SearchParameters)
def search(typed: Typed, as_json: AsJson = False) -> None:
    """Print the moments that fit words, images, clips or parts of videos best."""
    from app.config import ServiceSettings
    from app.terminal.search import search_and_print

    search_and_print(ServiceSettings(), typed, as_json=as_json)


@commands.command()
@takes_parameters(ExportParameters)
def export(typed: Typed, export_format: Format = ExportFormat.CSV, output: Output = None) -> None:
    """Write the moments of a search, or chosen ones, for a spreadsheet or an editor."""
    from app.config import ServiceSettings
    from app.terminal.search import export_and_write

    export_and_write(ServiceSettings(), typed, export_format, output)


@commands.command()
def bench(folder: Folder) -> None:
    """Measure how fast a folder is indexed and searched, in a library that is deleted afterwards."""
    from app.benchmark.run import run_benchmark
    from app.config import ServiceSettings

    run_benchmark(ServiceSettings(), folder, Console())


@commands.command()
def evaluate(folder: Folder) -> None:
    """Measure how well the captions in FOLDER/captions.csv find their videos, which must be indexed."""
    from app.config import ServiceSettings
    from app.evaluation.library_evaluation import evaluate_and_print

    evaluate_and_print(ServiceSettings(), folder, Console())


@commands.command("evaluate-library")
def evaluate_library(as_json: AllAsJson = False) -> None:
    """Measure by what was judged which model orders your own videos best; nothing is changed."""
    from app.config import ServiceSettings
    from app.evaluation.judged_report import evaluate_and_print

    evaluate_and_print(ServiceSettings(), Console(), as_json=as_json)


def main() -> None:
    """Run the command line; what a person can put right is said in one line, without a traceback."""
    log_to_standard_error()
    try:
        commands(prog_name="reelseek")
    except ValidationError as error:
        _print_error(describe_invalid(error))
        raise SystemExit(EXIT_FAILED) from None
    except OperationalError as error:
        _print_error(
            f"The database failed: {error.orig}. See that it runs, and that REELSEEK_DATABASE_URL is right."
        )
        raise SystemExit(EXIT_FAILED) from None
    except OptionError as error:
        _print_error(str(error))
        raise SystemExit(EXIT_MISUSED) from None
    except (ValueError, SchemaMismatch) as error:
        _print_error(str(error))
        raise SystemExit(EXIT_FAILED) from None


def _print_error(message: str) -> None:
    """Print without wrapping, so that a path can be copied whole."""
    errors.print(message, style="red", markup=False, soft_wrap=True)
