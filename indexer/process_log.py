"""What a command writes to stderr while it runs: our own events, and of the libraries only what went wrong."""

import logging

OWN_EVENTS = ("app", "indexer", "model", "uvicorn")


def log_to_stderr() -> None:
    """Set up logging for this process; called once, by the entry point."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in OWN_EVENTS:
        logging.getLogger(name).setLevel(logging.INFO)
