"""Batches that the chain has and a restored journal lost."""

from alembic import op

revision = "0004"
down_revision = "0003"

UPGRADE = """
ALTER TABLE batches ADD COLUMN lost INTEGER DEFAULT 0 NOT NULL
    CONSTRAINT ck_batches_lost CHECK (lost >= 0 AND lost <= count);
CREATE INDEX ix_batches_lost ON batches (ledger_id, k) WHERE lost > 0;
ALTER TABLE totals ADD COLUMN behind BOOLEAN DEFAULT false NOT NULL;
"""


def upgrade() -> None:
    """Add both columns; nothing is lost in a journal that was never restored."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop both columns; the version before takes lost entries for missing rows."""
    op.execute("ALTER TABLE totals DROP COLUMN behind")
    op.execute("DROP INDEX ix_batches_lost")
    op.execute("ALTER TABLE batches DROP COLUMN lost")
