"""The sample films are rendered once, whole or not at all, and are what the table says."""

from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from indexer.decoding.probe import probe
from indexer.decoding.reader import FrameReader
from indexer.samples import __main__ as samples
from indexer.samples import photographs as sample_photographs
from indexer.samples.__main__ import FILMS, app, make_film
from indexer.samples.photographs import PHOTOGRAPHS, MissingPhotographsError, load_photograph
from indexer.samples.rendering import Film, Shot, View, frame_times

pytest.importorskip("skimage", reason="the photographs come with the extra 'samples'")
pytest.importorskip("sklearn", reason="the photographs come with the extra 'samples'")

CENTRE = View(0.5, 0.5)
runner = CliRunner()


def short(film: Film) -> Film:
    """Return `film` with its coding and size, reduced to a second or two."""
    shots = (
        Shot("cat", 1.0, CENTRE, View(0.4, 0.4, 2.0)),
        Shot("rocket", 1.0, CENTRE, CENTRE, fade_in_s=0.5),
    )
    return Film(
        film.file_name,
        shots,
        film.frame_rate,
        film.width,
        film.height,
        film.codec,
        film.rotation,
        film.has_variable_rate,
    )


@pytest.fixture
def two_short_films(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "FILMS", (short(FILMS[0]), short(FILMS[1])))


def test_the_set_holds_what_a_newcomer_should_see() -> None:
    assert 10 <= len(FILMS) <= 12
    assert len({film.file_name for film in FILMS}) == len(FILMS)
    assert {film.codec for film in FILMS} == {"libx264", "libsvtav1", "libvpx-vp9"}
    assert sum(film.rotation != 0 for film in FILMS) == 1
    assert sum(film.has_variable_rate for film in FILMS) == 1
    *plain, scenes = FILMS
    assert all(10 <= film.duration_s <= 40 for film in plain)
    assert len(scenes.shots) >= 5
    assert any(shot.fade_in_s for shot in scenes.shots)


@pytest.mark.parametrize("name", sorted(PHOTOGRAPHS))
def test_every_photograph_is_installed(name: str) -> None:
    assert min(load_photograph(name).size) >= 300


@pytest.mark.parametrize(
    "film", [film for film in FILMS if film.codec != "libx264" or film.rotation or film.has_variable_rate]
)
def test_an_unusual_film_is_what_it_says(tmp_path: Path, film: Film) -> None:
    assert make_film(short(film), tmp_path)
    found = probe(tmp_path / film.file_name)
    codecs = {"libx264": "h264", "libsvtav1": "av1", "libvpx-vp9": "vp9"}
    assert found.codec == codecs[film.codec]
    assert (found.width, found.height, found.rotation) == (film.width, film.height, film.rotation)
    times = [timed.time_s for timed in FrameReader(tmp_path / film.file_name, found)]
    assert times == pytest.approx(list(frame_times(short(film))), abs=0.002)
    steps = [round(after - before, 2) for before, after in pairwise(times)]
    assert (max(steps) > 2 * min(steps)) == film.has_variable_rate


def test_a_film_that_is_there_is_kept(tmp_path: Path) -> None:
    film = short(FILMS[0])
    assert make_film(film, tmp_path)
    written = (tmp_path / film.file_name).stat().st_mtime_ns
    assert not make_film(film, tmp_path)
    assert (tmp_path / film.file_name).stat().st_mtime_ns == written


def test_a_film_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("indexer.samples.rendering._frame", fail)
    with pytest.raises(KeyboardInterrupt):
        make_film(short(FILMS[0]), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("two_short_films")
def test_the_command_makes_the_films_and_keeps_them_the_second_time(tmp_path: Path) -> None:
    first = runner.invoke(app, [str(tmp_path / "films")])
    second = runner.invoke(app, [str(tmp_path / "films")])
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout.count("made ") == 2
    assert second.stdout.count("kept ") == 2
    assert sorted(path.name for path in (tmp_path / "films").iterdir()) == ["astronaut.mp4", "cat.mp4"]


@pytest.mark.usefixtures("two_short_films")
def test_missing_photographs_are_told_with_the_extra_that_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_photographs, "find_spec", lambda _: None)
    with pytest.raises(MissingPhotographsError):
        load_photograph("cat")
    told = runner.invoke(app, [str(tmp_path)])
    assert told.exit_code == 2
    assert "reelseek[samples]" in told.stdout.replace("\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("two_short_films")
def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = runner.invoke(app, [str(tmp_path / "file" / "films")])
    assert told.exit_code == 2
    assert "name another folder" in told.stdout.replace("\n", " ")
