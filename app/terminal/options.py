"""The parameters of GET /search and GET /export as options of the command line.

Each field of the parameters' model is an option: its description is the help, and its bounds and messages
are those of the HTTP interface, which checks what was typed. Images and metadata, which are no fields, are
options of their own.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import typer
from pydantic import BaseModel, ValidationError
from typer.models import OptionInfo

from app.api.export_parameters import ExportParameters
from app.api.search_options import SearchOptions
from app.api.search_parameters import SearchParameters
from app.request_error import RequestError
from app.search.asking.filters import METADATA_PREFIX, FilterFields
from app.still_picture import MAX_IMAGE_BYTES

WORDS = "WORDS"

SHORTER = {"q": WORDS, "video_id": "--video", "path_prefix": "--path"}
"""What a person types for parameters whose names are longer or no option's."""

EXAMPLES, FILTERS, MANNER, CHOICE = (
    "What to look for",
    "Only moments of these videos",
    "How to search",
    "What to export",
)
PANELS: tuple[tuple[str, type[BaseModel]], ...] = (
    (MANNER, SearchOptions),
    (FILTERS, FilterFields),
    (EXAMPLES, SearchParameters),
    (CHOICE, ExportParameters),
)
"""Headings of the help, and the model whose fields stand below each, unless one above has them."""

KINDS = {"string": "TEXT", "date-time": "TIME"}
"""What the help calls a kind of value."""

_NAMES = "|".join(name for name in ExportParameters.model_fields if "_" in name)
_NAMED = re.compile(rf"(?<!['\"\w])(?:`(\w+)`|({_NAMES}|q))(?!['\"\w])")

Read = TypeVar("Read", bound=SearchParameters)


class OptionError(ValueError):
    """Something typed that cannot be meant; the message names the option."""


@dataclass(frozen=True)
class Typed:
    """What was typed: parameters by name, conditions on metadata, and image files."""

    values: dict[str, Any]
    meta: tuple[str, ...]
    image: tuple[Path, ...]

    def parameters(self, kind: type[Read]) -> Read:
        """Return the parameters; raises OptionError."""
        try:
            return kind.model_validate(self.values)
        except ValidationError as error:
            wrong = error.errors()[0]
            name = option_of(str(wrong["loc"][0]))
            raise OptionError(f"{name} is {wrong['input']!r}: {wrong['msg']}") from error

    def metadata(self) -> list[tuple[str, str]]:
        """Return the conditions on metadata as parameters; raises OptionError."""
        for condition in self.meta:
            if "=" not in condition:
                raise OptionError(f"--meta is {condition!r}: write KEY=VALUE, KEY.min=LEAST or KEY.max=MOST")
        return [(METADATA_PREFIX + key, value) for key, _, value in (one.partition("=") for one in self.meta)]

    def images(self) -> list[bytes]:
        """Return the image files, of one that is too large the beginning; raises OptionError."""
        images = []
        for path in self.image:
            try:
                with path.open("rb") as file:
                    images.append(file.read(MAX_IMAGE_BYTES + 1))
            except OSError as error:
                raise OptionError(f"--image is '{path}': {error.strerror}") from error
        return images


@contextmanager
def options_named() -> Iterator[None]:
    """Let errors of the block name the option that is wrong: raises OptionError for them, else ValueError."""
    try:
        yield
    except RequestError as error:
        message = in_options(str(error))
        if error.parameter is None:
            raise ValueError(message) from error
        value = "" if error.value is None else f" is {error.value!r}"
        raise OptionError(f"{option_of(error.parameter)}{value}: {message}") from error


def option_of(parameter: str) -> str:
    """Return what is typed for a parameter of the HTTP interface."""
    if parameter.startswith(METADATA_PREFIX):
        return f"--meta {parameter.removeprefix(METADATA_PREFIX)}"
    return SHORTER.get(parameter, "--" + parameter.replace("_", "-"))


def in_options(text: str) -> str:
    """Return a sentence about parameters as one about options."""

    def renamed(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return option_of(name) if name in ExportParameters.model_fields else found[0]

    return _NAMED.sub(renamed, text)


def takes_parameters(kind: type[SearchParameters]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what gives a command an option for each field of ``kind``: its first argument is a Typed."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = signature(command, eval_str=True).parameters.values()
        fields = [_parameter(kind, name) for name in kind.model_fields]

        def run(**given: Any) -> None:
            rest = {parameter.name: given.pop(parameter.name) for parameter in own}
            meta, image = (tuple(given.pop(name) or ()) for name in ("meta", "image"))
            values = {name: value for name, value in given.items() if value not in (None, [])}
            command(Typed(values, meta, image), **rest)

        ordered = sorted([*fields, META, IMAGE], key=_place)
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {}
        parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*ordered, *own)]
        run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def _parameter(kind: type[SearchParameters], name: str) -> Parameter:
    """Return the parameter of a command for a field; what was not typed is None or an empty list."""
    field = kind.model_fields[name]
    default = field.get_default(call_default_factory=True)
    text = in_options(field.description or "")
    metavar = _metavar(kind, name)
    if name == "q":
        words = typer.Argument(help=text, metavar=WORDS, show_default=False)
        return _option(name, Annotated[str | None, words], None)
    if isinstance(default, list):
        return _option(name, Annotated[list[str], _shown(name, f"{text} (repeatable)", metavar)], [])
    if not isinstance(default, bool):
        known = "" if default is None else f" (default: {default})"
        return _option(name, Annotated[str | None, _shown(name, text + known, metavar)], None)
    return _option(name, Annotated[bool | None, _shown(name, text, None, is_on=default)], None)


def _shown(name: str, text: str, metavar: str | None, *, is_on: bool = False) -> OptionInfo:
    """Return an option as the help shows it; one that is on can be turned off."""
    option = option_of(name)
    typed = f"{option}/--no-{option[2:]}" if is_on else option
    panel = next(panel for panel, model in PANELS if name in model.model_fields)
    option_info: OptionInfo = typer.Option(
        typed, help=text, metavar=metavar, rich_help_panel=panel, show_default=False
    )
    return option_info


def _metavar(kind: type[SearchParameters], name: str) -> str:
    """Return what a value is, for the help, or the words to choose from."""
    document = kind.model_json_schema()
    schema = document["properties"][name]
    schema = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    schema = schema.get("items", schema)
    if "$ref" in schema:
        return "|".join(document["$defs"][schema["$ref"].rpartition("/")[2]]["enum"])
    found = str(schema.get("format", "id" if "pattern" in schema else schema["type"]))
    return KINDS.get(found, found.upper())


def _place(parameter: Parameter) -> int:
    """Return where the help shows an option: in the order of its headings, the words first."""
    if parameter.name == "q":
        return -1
    option = get_args(parameter.annotation)[1]
    return (EXAMPLES, FILTERS, MANNER, CHOICE).index(option.rich_help_panel)


def _option(name: str, annotation: Any, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


META = _option(
    "meta",
    Annotated[
        list[str],
        typer.Option(
            "--meta",
            metavar="KEY=VALUE",
            help="Only videos with this metadata; KEY.min=LEAST and KEY.max=MOST are bounds (repeatable)",
            rich_help_panel=FILTERS,
            show_default=False,
        ),
    ],
    [],
)
IMAGE = _option(
    "image",
    Annotated[
        list[Path],
        typer.Option(
            "--image",
            metavar="FILE",
            help="Moments like this image: JPEG, PNG, WebP, GIF or BMP (repeatable)",
            rich_help_panel=EXAMPLES,
            show_default=False,
        ),
    ],
    [],
)
