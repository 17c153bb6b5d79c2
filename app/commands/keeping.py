"""``reelseek backup``, ``restore`` and ``doctor``: keeping a library, getting it back, finding what drifted.

Exit codes: 0 all is well, 1 it could not be done, 2 wrong use, 3 done, and something is left to do.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from app.config import ServiceSettings
from app.terminal.table import count_of
from app.version import installed_version
from indexer.library import Library, open_library, open_unswept

EXIT_SOMETHING_LEFT = 3

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="The backup, a tar file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]


def backup(file: BackupFile, as_json: AsJson = False) -> None:
    """Write the whole library into FILE while it is used; FILE appears only once it is whole."""
    from indexer.backup.saving import back_up

    with _closing(open_unswept(ServiceSettings())) as library:
        report = back_up(library, file, installed_version())
    lost = [
        f"the file of {name} is missing in the library, and so in the backup" for name in report.missing_media
    ]
    lost += [f"the file of {name} is damaged, and in the backup as it is" for name in report.damaged_media]
    if report.missing_thumbnails:
        lost.append(f"{count_of(report.missing_thumbnails, 'thumbnail')} of the library are missing")
    if as_json:
        _write({"file": str(file), **asdict(report)})
    else:
        console = Console()
        held = [count_of(report.videos, "video"), count_of(report.media_files, "file")]
        held += [count_of(report.thumbnails, "thumbnail"), decimal(report.size_bytes)]
        _say(console, f"{file}: {', '.join(held)}.")
        _say_in_place(console, report.in_place)
        _say_lost(console, lost)
    _exit_by(lost)


def restore(
    file: BackupFile,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace all that the library holds; else it must be empty.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the library what the backup FILE holds, after checking all of it; whole, or not at all."""
    from indexer.backup.restoring import restore as restore_library

    with _closing(open_library(ServiceSettings())) as library:
        report = restore_library(library, file, is_replacing=replace)
    lost = [f"the file of {name} is not in the backup: upload it again" for name in report.missing_media]
    if as_json:
        _write(asdict(report))
    else:
        console = Console()
        held = [count_of(report.rows["videos"], "video"), count_of(report.media_files, "file")]
        _say(console, f"Restored {', '.join(held)} and {count_of(report.thumbnails, 'thumbnail')}.")
        _say_in_place(console, report.in_place)
        _say_lost(console, lost)
    _exit_by(lost)


def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read every file, vector and thumbnail too, and watch running jobs."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find what has drifted apart between database, index, media and thumbnails; say it, and mend it."""
    from indexer.doctor.examination import examine

    console = Console()
    found = []
    with _closing(open_unswept(ServiceSettings())) as library:
        for result in examine(library, is_deep=deep, is_repairing=repair):
            found.append(result)
            if not as_json:
                finding = result.finding
                _say(console, f"{finding.code.value}  {finding.subject}", style="bold")
                _say(console, f"  {finding.message}")
                _say(
                    console, f"  mended: {result.done}" if result.is_mended else f"  to do: {finding.advice}"
                )
    left = [result for result in found if not result.is_mended]
    if as_json:
        counts = Counter(result.finding.code.value for result in found)
        findings = [result.to_json() for result in found]
        _write({"is_healthy": not left, "is_deep": deep, "counts": counts, "findings": findings})
    else:
        mended = f"{len(found) - len(left)} mended, {len(left)} left"
        _say(console, f"{count_of(len(found), 'finding')}: {mended}." if found else "All is well.")
    _exit_by(left)


@contextmanager
def _closing(library: Library) -> Iterator[Library]:
    try:
        yield library
    finally:
        library.close()


def _say_in_place(console: Console, count: int) -> None:
    if count:
        _say(
            console,
            f"{count_of(count, 'video')} indexed in place: the files are where they were, in no backup.",
        )


def _say_lost(console: Console, lost: Iterable[str]) -> None:
    for sentence in lost:
        _say(console, f"{sentence}.", style="yellow")


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)


def _exit_by(left: Sequence[object]) -> None:
    if left:
        raise typer.Exit(EXIT_SOMETHING_LEFT)


def _write(answer: object) -> None:
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")
