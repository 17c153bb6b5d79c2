"""Sample films, rendered here: ``python -m indexer.samples DIR``."""
