"""The journal's first tables, from the SQL file beside this one."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    "sealed",
    "marks",
    "batches",
    "transactions",
    "erasures",
    "payloads",
    "seeds",
    "refs",
    "open_chunks",
    "entries",
    "chunks",
    "totals",
    "api_keys",
    "ledgers",
    "checkpoints",
    "cursors",
    "network",
)
FUNCTIONS = (
    "chainsvc_refuse",
    "chainsvc_chunk_exists",
    "chainsvc_entry_exists",
    "chainsvc_seq_in_batch",
    "chainsvc_unseal",
    "chainsvc_drop_batch",
)


def upgrade() -> None:
    """Create tables, triggers and the chunk sequence."""
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def downgrade() -> None:
    """Drop everything, with all that was journalled."""
    op.execute(f"DROP TABLE {', '.join(TABLES)}")
    op.execute(f"DROP FUNCTION {', '.join(FUNCTIONS)}")
    op.execute("DROP SEQUENCE chunk_ids")
