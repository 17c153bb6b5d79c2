"""Alembic migrations of the catalog, run by `indexer.catalog.session.upgrade` when a library is opened."""
