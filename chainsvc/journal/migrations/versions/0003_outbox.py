"""Webhooks: events, endpoints and deliveries, from the SQL file beside this one."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def downgrade() -> None:
    """Drop them, with all subscriptions and what was still to be told."""
    op.execute("DROP TABLE deliveries, events, endpoints")
