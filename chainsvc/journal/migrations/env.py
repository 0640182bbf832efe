"""Alembic's entry: run the steps on the connection that ``chainsvc.journal.schema`` hands in."""

from alembic import context

from chainsvc.journal.webhook_tables import deliveries

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=deliveries.metadata,
    compare_server_default=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
