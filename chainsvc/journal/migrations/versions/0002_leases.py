"""Leases: which worker does what, for how long."""

from alembic import op

revision = "0002"
down_revision = "0001"

UPGRADE = """
CREATE TABLE leases (
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    trouble TEXT,
    CONSTRAINT pk_leases PRIMARY KEY (name)
);

CREATE TABLE ledger_leases (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_ledger_leases_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    lease TEXT NOT NULL CONSTRAINT fk_ledger_leases_leases REFERENCES leases (name),
    token BIGINT NOT NULL,
    CONSTRAINT pk_ledger_leases PRIMARY KEY (ledger_id),
    CONSTRAINT fk_ledger_leases_ledgers FOREIGN KEY (ledger_id) REFERENCES ledgers (ledger_id)
);
CREATE INDEX ix_ledger_leases_lease ON ledger_leases (lease);
"""


def upgrade() -> None:
    """Create both tables; every worker begins without a lease."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop both tables; workers of the version before know nothing of them."""
    op.execute("DROP TABLE ledger_leases, leases")
