"""``python -m indexer.samples DIR``: a small library of films to try ReelSeek on, rendered from photographs.

About ten films of 10 to 40 seconds and one of several scenes; most H.264, one AV1, one VP9, one stored
sideways with rotation metadata, one of variable frame rate. Where the photographs come from is in
`indexer.samples.photographs`. Exit codes: 0 all there, 2 wrong usage or photographs missing.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from indexer.samples.photographs import MissingPhotographsError
from indexer.samples.rendering import Film, Shot, View, render
from model.durable_file import sweep_temporary_files, temporary_file

CENTRE = View(0.5, 0.5)

FILMS = (
    Film(
        "cat.mp4",
        (
            Shot("cat", 11.0, View(0.5, 0.5, 1.0), View(0.42, 0.4, 1.8)),
            Shot("cat", 9.0, View(0.6, 0.6, 2.0), View(0.35, 0.3, 1.3), fade_in_s=1.0),
        ),
    ),
    Film(
        "astronaut.mp4",
        (
            Shot("astronaut", 12.0, View(0.5, 0.85), View(0.5, 0.2)),
            Shot("astronaut", 12.0, View(0.45, 0.2, 2.0), CENTRE, fade_in_s=1.0),
        ),
        frame_rate=24,
    ),
    Film("coffee.mp4", (Shot("coffee", 16.0, View(0.5, 0.45, 1.0), View(0.5, 0.35, 2.0)),)),
    Film("rocket.mp4", (Shot("rocket", 18.0, View(0.5, 0.8, 1.6), View(0.5, 0.3, 1.0)),), codec="libsvtav1"),
    Film(
        "temple.webm", (Shot("temple", 20.0, View(0.9, 0.4, 1.3), View(0.3, 0.5, 1.1)),), codec="libvpx-vp9"
    ),
    Film("flower.mp4", (Shot("flower", 14.0, CENTRE, View(0.45, 0.45, 2.2)),)),
    Film(
        "photographer.mp4",
        (Shot("photographer", 17.0, View(0.2, 0.4, 1.0), View(0.5, 0.35, 1.4)),),
        width=360,
        height=640,
        rotation=270,
    ),
    Film(
        "coins.mp4",
        (Shot("coins", 15.0, View(0.2, 0.2, 1.5), View(0.8, 0.8, 1.2)),),
        frame_rate=24,
        has_variable_rate=True,
    ),
    Film("galaxies.mp4", (Shot("galaxies", 26.0, View(0.3, 0.3, 2.5), CENTRE),), frame_rate=12),
    Film("grass.mp4", (Shot("grass", 10.0, View(0.5, 0.2, 1.2), View(0.5, 0.8, 1.2)),)),
    Film(
        "film of several scenes.mp4",
        (
            Shot("bricks", 6.0, View(0.2, 0.5, 1.4), View(0.8, 0.5, 1.4)),
            Shot("cat", 8.0, View(0.4, 0.4, 1.5), CENTRE),
            Shot("coffee", 9.0, View(0.5, 0.4, 1.8), CENTRE),
            Shot("flower", 8.0, View(0.45, 0.5, 1.6), CENTRE, fade_in_s=1.5),
            Shot("temple", 12.0, View(0.0, 0.4, 1.3), View(0.55, 0.4, 1.1)),
            Shot("astronaut", 9.0, CENTRE, View(0.45, 0.2, 1.6)),
            Shot("rocket", 8.0, View(0.5, 0.6, 1.4), View(0.5, 0.4, 1.0)),
            Shot("galaxies", 10.0, CENTRE, View(0.5, 0.5, 2.0), fade_in_s=2.0),
        ),
    ),
)

app = typer.Typer(add_completion=False)


def make_film(film: Film, folder: Path) -> bool:
    """Render `film` into `folder` unless it is there; return whether it was rendered.

    The file appears whole or not at all. Raises MissingPhotographsError and OSError.
    """
    path = folder / film.file_name
    if path.exists():
        return False
    with temporary_file(folder) as temporary:
        render(film, temporary.stream)
        temporary.publish(path)
    return True


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to put the films into.")],
) -> None:
    """Make the sample films in DIR; those that are there already are kept."""
    console = Console(highlight=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep_temporary_files(folder)
        for film in FILMS:
            verb = "made" if make_film(film, folder) else "kept"
            console.print(f"{verb} {folder / film.file_name} ({film.duration_s:g} s)", markup=False)
    except MissingPhotographsError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    except OSError as error:
        reason = error.strerror or str(error)
        console.print(
            f"{folder} cannot be written ({reason}): name another folder", style="red", markup=False
        )
        raise typer.Exit(2) from error


if __name__ == "__main__":
    app()
