"""What a person who runs a command reads of the log: our own events, and of other libraries only warnings.

Alembic, FAISS and open_clip (on the root logger) tell every step of their loading as INFO.
"""

import logging
from pathlib import PurePath

TOLD = ("__main__", "app", "indexer", "model", "uvicorn")


OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
"""What a record has without being given anything; uvicorn's ``color_message`` repeats the message."""


class EventFormatter(logging.Formatter):
    """Writes what a record was given as ``extra`` behind its message: ``job lost job_id=4f… reason='…'``."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is logging's)
        """Return the line without its traceback, texts with spaces or line breaks quoted."""
        given = {name: value for name, value in vars(record).items() if name not in OF_EVERY_RECORD}
        return super().formatMessage(record) + "".join(f" {name}={_shown(v)}" for name, v in given.items())


def _shown(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def log_through(handler: logging.Handler, layout: str) -> None:
    """Write everybody's warnings through ``handler``, each laid out as ``layout`` says and then its event."""
    handler.setFormatter(EventFormatter(layout))
    handler.addFilter(lambda record: not _is_raised_too(record))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _is_raised_too(record: logging.LogRecord) -> bool:
    """Return whether open_clip told this: it logs its errors on the root logger and then raises them."""
    return record.levelno >= logging.ERROR and "open_clip" in PurePath(record.pathname).parts


def log_to_standard_error() -> None:
    """Write warnings of everybody, and what our own loggers and the web server tell, to standard error."""
    log_through(logging.StreamHandler(), "%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in TOLD:
        logging.getLogger(name).setLevel(logging.INFO)
