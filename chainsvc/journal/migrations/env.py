"""Alembic's entry: run the steps on the connection that ``chainsvc.journal.schema`` hands in."""

from alembic import context

from chainsvc.journal import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.network.metadata,
    compare_server_default=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
