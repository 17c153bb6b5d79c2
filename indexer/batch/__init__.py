"""Indexing a folder from the command line: ``python -m indexer.batch DIR``."""
