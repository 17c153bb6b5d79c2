"""The service: HTTP interface, page, search and command line, on top of ``indexer`` and ``model``."""
