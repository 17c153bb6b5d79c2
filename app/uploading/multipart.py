"""Reading a multipart/form-data body part by part while it arrives.

Starlette's ``UploadFile`` puts the whole body into a temporary file before a route runs: a second copy on the
disk, and a limit that is checked too late. Here every byte goes straight to whoever takes the part.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import MalformedUpload, NotMultipart

MAX_PARTS = 20
"""Our forms have five fields."""

BOUNDARY_HINT = "let the client write the Content-Type header, with its boundary"


@dataclass(frozen=True)
class Part:
    """One field or file of a form; its data must be taken before the next part is asked for."""

    name: str
    filename: str | None  # None: a field
    data: Iterator[bytes]

    def text(self, max_bytes: int) -> str:
        """Return the whole value of a field; raises MalformedUpload when it is longer or not UTF-8."""
        value = bytearray()
        for chunk in self.data:
            value += chunk
            if len(value) > max_bytes:
                raise MalformedUpload(f"field {self.name!r} has more than {max_bytes} bytes: shorten it")
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise MalformedUpload(f"field {self.name!r} is not UTF-8 text: encode it as UTF-8") from error


class MultipartReader:
    """The parts of one body."""

    def __init__(self, content_type: str, chunks: Iterable[bytes]) -> None:
        """Read ``chunks`` as the content type says; raises NotMultipart when that is something else."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise NotMultipart(
                f"Content-Type is {content_type[:200]!r}: send a form as multipart/form-data; {BOUNDARY_HINT}"
            )
        self._chunks = iter(chunks)
        self._events = _Events()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_header_field": self._events.on_header_field,
                    "on_header_value": self._events.on_header_value,
                    "on_header_end": self._events.on_header_end,
                    "on_headers_finished": self._events.on_headers_finished,
                    "on_part_data": self._events.on_part_data,
                    "on_part_end": self._events.on_part_end,
                    "on_end": self._events.on_end,
                },
            )
        except FormParserError as error:
            raise NotMultipart(f"the boundary cannot be used ({error}): {BOUNDARY_HINT}") from error

    def parts(self) -> Iterator[Part]:
        """Yield each part in turn; raises MalformedUpload where the body cannot be read on."""
        count = 0
        while (event := self._next_event()) is not _Mark.END:
            if not isinstance(event, _PartHead):  # what the taker of the last part left
                continue
            count += 1
            if count > MAX_PARTS:
                raise MalformedUpload(f"the form has more than {MAX_PARTS} parts: send one video a form")
            yield Part(event.name, event.filename, data=self._data())

    def _data(self) -> Iterator[bytes]:
        while isinstance(event := self._next_event(), bytes):
            yield event

    def _next_event(self) -> "_Event":
        while not self._events.queue:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise MalformedUpload("the body ends inside the form: send it again, whole")
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise MalformedUpload(f"the form is damaged ({error}): send it again") from error
        return self._events.queue.popleft()


@dataclass(frozen=True)
class _PartHead:
    name: str
    filename: str | None


class _Mark(Enum):
    PART_END = auto()
    END = auto()


_Event = _PartHead | bytes | _Mark


class _Events:
    """Callbacks of the parser, as a queue of what happened."""

    def __init__(self) -> None:
        self.queue: deque[_Event] = deque()
        self._header_name, self._header_value = b"", b""
        self._disposition = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name, self._header_value = b"", b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._disposition = b""
        if b"name" not in options:
            raise MalformedUpload("a part has no name: write Content-Disposition: form-data; name=…")
        filename = options.get(b"filename")
        self.queue.append(_PartHead(_text(options[b"name"]), None if filename is None else _text(filename)))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.queue.append(data[start:end])

    def on_part_end(self) -> None:
        self.queue.append(_Mark.PART_END)

    def on_end(self) -> None:
        self.queue.append(_Mark.END)


def _text(value: bytes) -> str:
    """Return a name of the form; browsers escape three characters in it (WHATWG, HTML)."""
    for escaped, character in ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n")):
        value = value.replace(escaped, character)
    return value.decode("utf-8", errors="replace")
