"""Runs the migrations on the connection, in transaction and lock, of `indexer.catalog.session.upgrade`.

SQLite cannot alter most things in place: batch mode rebuilds the table. Foreign keys are off meanwhile.
"""

from alembic import context

from indexer.catalog import client_tables  # noqa: F401 - its tables are registered with the others
from indexer.catalog.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
