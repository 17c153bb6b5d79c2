"""Parameters of the HTTP interface as options of a command."""

from inspect import signature
from pathlib import Path
from typing import Any, get_args

import pytest

from app.api.export_parameters import ExportParameters
from app.api.search_parameters import SearchParameters
from app.errors import InvalidSearch, NotReady, UnknownClip
from app.still_picture import MAX_IMAGE_BYTES
from app.terminal.options import OptionError, Typed, in_options, options_named, takes_parameters


def typed(*, meta: tuple[str, ...] = (), image: tuple[Path, ...] = (), **values: Any) -> Typed:
    """Return what was typed."""
    return Typed(values, meta, image)


@pytest.mark.parametrize("kind", [SearchParameters, ExportParameters])
def test_every_parameter_is_an_option_with_help(kind: type[SearchParameters]) -> None:
    def command(given: Typed) -> None: ...

    options = signature(takes_parameters(kind)(command)).parameters
    assert set(options) == {*kind.model_fields, "meta", "image"}
    assert all(get_args(option.annotation)[1].help for option in options.values())


def test_a_command_keeps_its_own_options_and_gets_what_was_typed() -> None:
    got: list[object] = []

    def command(given: Typed, own: int = 3) -> None:
        got.extend([given, own])

    takes_parameters(SearchParameters)(command)(
        q="a cat", merge=False, then=[], limit=None, meta=["a=b"], image=[], own=4
    )
    assert got == [typed(q="a cat", merge=False, meta=("a=b",)), 4]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"limit": "0"}, "--limit is '0': "),
        ({"min_score": "2"}, "--min-score is '2': "),
        ({"mode": "smell"}, "--mode is 'smell': "),
        ({"video_id": ["my video"]}, "--video is 'my video': "),
        ({"path_prefix": "holidays"}, "--path is 'holidays': write the whole path"),
        ({"recorded_after": "yesterday"}, "--recorded-after is 'yesterday': write it as ISO 8601"),
    ],
)
def test_a_wrong_value_is_told_with_its_option(values: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError) as told:
        typed(q="a cat", **values).parameters(SearchParameters)
    assert str(told.value).startswith(said)
    assert "\n" not in str(told.value)


def test_conditions_on_metadata_are_parameters_of_their_keys() -> None:
    given = typed(meta=("camera=A=1", "take.min=3"))
    assert given.metadata() == [("meta.camera", "A=1"), ("meta.take.min", "3")]


def test_a_condition_without_a_value_is_refused_with_the_way_to_write_one() -> None:
    with pytest.raises(OptionError, match=r"--meta is 'camera': write KEY=VALUE"):
        typed(meta=("camera",)).metadata()


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"--image is '.*/none\.jpg': No such file"):
        typed(image=(tmp_path / "none.jpg",)).images()


def test_of_an_image_no_more_is_read_than_shows_that_it_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(10 * MAX_IMAGE_BYTES)
    [content] = typed(image=(tmp_path / "huge.jpg",)).images()
    assert len(content) == MAX_IMAGE_BYTES + 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InvalidSearch("within", "too long", 9), "--within is 9: too long"),
        (InvalidSearch("meta.camera", "no such key"), "--meta camera: no such key"),
        (InvalidSearch("q", "give like_clip or `relevant`"), "WORDS: give --like-clip or --relevant"),
        (UnknownClip("c", "like_clip"), "--like-clip is 'c': there is no clip 'c'"),
    ],
)
def test_an_error_of_a_search_names_the_option(error: Exception, said: str) -> None:
    with pytest.raises(OptionError) as told, options_named():
        raise error
    assert str(told.value).startswith(said)


def test_an_error_that_is_about_no_parameter_is_no_fault_of_an_option() -> None:
    with pytest.raises(ValueError, match="not now") as told, options_named():
        raise NotReady("not now")
    assert not isinstance(told.value, OptionError)


def test_names_that_are_quoted_or_no_parameters_stay_as_they_are() -> None:
    assert in_options("no video has 'max_duration', `next_cursor` of q") == (
        "no video has 'max_duration', `next_cursor` of WORDS"
    )
