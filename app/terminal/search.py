"""``reelseek search`` and ``reelseek export``: what their options ask for, printed or written to a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from app.api.export import WRITERS, moments_wanted
from app.api.export_parameters import ExportFormat, ExportParameters
from app.api.search_parameters import SearchParameters
from app.config import ServiceSettings
from app.dependencies import Services, build_services
from app.export.gathering import ExportStyle
from app.schemas import SearchAnswer
from app.search.answering.answer import search_videos
from app.search.answering.notices import tell_of_other_models
from app.terminal.options import OptionError, Typed, options_named
from app.terminal.table import count_of, print_answer
from model.durable_file import write_durably


def search_and_print(settings: ServiceSettings, typed: Typed, *, as_json: bool) -> None:
    """Print the best moments; raises OptionError, and ValueError when nothing is indexed."""
    with options_named():
        query = typed.parameters(SearchParameters).to_query(typed.metadata(), typed.images())
        with _open(settings) as services:
            answer = search_videos(services, query)
    if as_json:
        sys.stdout.write(answer.model_dump_json(indent=2) + "\n")
    elif answer.coverage.videos == 0:
        raise ValueError(_why_nothing(settings, answer))
    else:
        print_answer(Console(), answer)


def export_and_write(
    settings: ServiceSettings, typed: Typed, export_format: ExportFormat, output: Path | None
) -> None:
    """Write moments to ``output``, or to standard output; raises OptionError, and ValueError for none."""
    with options_named():
        parameters = typed.parameters(ExportParameters)
        style = ExportStyle(parameters.drop_frame, f"http://{settings.host}:{settings.port}")
        with _open(settings) as services:
            wanted = moments_wanted(services, parameters, typed.metadata(), style, typed.images())
    if not wanted.moments:
        raise ValueError("there is no moment to export: search for something else, or with fewer filters")
    write, _ = WRITERS[export_format]
    content = write(wanted)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        write_durably(output, content)
    except OSError as error:
        raise OptionError(f"--output is '{output}': {error.strerror}") from error
    told = f"{count_of(len(wanted.moments), 'moment')} written to {output}"
    Console(stderr=True).print(told, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _open(settings: ServiceSettings) -> Iterator[Services]:
    services = build_services(settings)
    try:
        yield services
    finally:
        services.close()


def _why_nothing(settings: ServiceSettings, answer: SearchAnswer) -> str:
    coverage = answer.coverage
    if coverage.videos_pending:
        return (
            f"{count_of(coverage.videos_pending, 'video')} to be indexed and none searchable yet: let a "
            "worker do it with python -m indexer.worker"
        )
    if coverage.videos_of_other_models:
        return tell_of_other_models(coverage.videos_of_other_models)
    return (
        f"nothing is indexed in {settings.home_folder} with the model {settings.model!r}: index a folder "
        "with python -m indexer.batch FOLDER"
    )
