"""What a person who runs a command reads of the log: our own events, and of other libraries only warnings.

Alembic, FAISS and open_clip (on the root logger) tell every step of their loading as INFO.
"""

import logging

TOLD = ("__main__", "app", "indexer", "model", "uvicorn")


def log_to_standard_error() -> None:
    """Write warnings of everybody, and what our own loggers and the web server tell, to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in TOLD:
        logging.getLogger(name).setLevel(logging.INFO)
