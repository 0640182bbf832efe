"""The checks that thousands of rows a statement pass read what they need by its key, whatever the planner believes.

A statement in PL/pgSQL that uses none of its variables is planned once a session. A plan made while a table was empty,
or known as nearly so, may read all of the ledger for each row once it is long. Asked in the key's order, with neither
sorting nor reading whole tables, the planner has one way left.

A chunk's entries are one range of the key, read once for all rows that need them: four times as fast as a look for
each. That keeps all rows of the statement in memory, so a table that is filled at once (a restore) takes the looks.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

_CHUNK_EXISTS = """
CREATE OR REPLACE FUNCTION chainsvc_chunk_exists() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT ledger_id, chunk_id FROM added) AS a
        WHERE (
            SELECT c.chunk_id FROM chunks AS c WHERE c.ledger_id = a.ledger_id AND c.chunk_id >= a.chunk_id
            ORDER BY c.ledger_id, c.chunk_id LIMIT 1
        ) IS DISTINCT FROM a.chunk_id
    ) THEN
        RAISE EXCEPTION '% needs a row in chunks', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
_ENTRY_EXISTS = """
CREATE OR REPLACE FUNCTION chainsvc_entry_exists() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off AS $$
DECLARE
    missing boolean;
BEGIN
    IF (SELECT count(*) FROM added) > 65536 THEN
        missing := EXISTS (
            SELECT FROM added AS a
            WHERE (
                SELECT e.entry_id FROM entries AS e WHERE e.ledger_id = a.ledger_id AND e.entry_id >= a.entry_id
                ORDER BY e.ledger_id, e.entry_id LIMIT 1
            ) IS DISTINCT FROM a.entry_id
        );
    ELSE
        missing := EXISTS (
            SELECT a.ledger_id, a.entry_id FROM added AS a
            EXCEPT
            SELECT c.ledger_id, inside.entry_id
            FROM (SELECT DISTINCT a.ledger_id, a.entry_id >> 12 AS chunk_id FROM added AS a) AS c
            CROSS JOIN LATERAL (
                SELECT e.entry_id FROM entries AS e
                WHERE e.ledger_id = c.ledger_id
                AND e.entry_id >= c.chunk_id << 12 AND e.entry_id < (c.chunk_id + 1) << 12
                ORDER BY e.ledger_id, e.entry_id
            ) AS inside
        );
    END IF;
    IF missing THEN
        RAISE EXCEPTION '% needs a row in entries', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""
_BEFORE = """
CREATE OR REPLACE FUNCTION chainsvc_chunk_exists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT ledger_id, chunk_id FROM added) AS a
        WHERE NOT EXISTS (SELECT FROM chunks AS c WHERE c.ledger_id = a.ledger_id AND c.chunk_id = a.chunk_id)
    ) THEN
        RAISE EXCEPTION '% needs a row in chunks', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION chainsvc_entry_exists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added AS a
        WHERE NOT EXISTS (SELECT FROM entries AS e WHERE e.ledger_id = a.ledger_id AND e.entry_id = a.entry_id)
    ) THEN
        RAISE EXCEPTION '% needs a row in entries', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Read by the key."""
    op.execute(_CHUNK_EXISTS)
    op.execute(_ENTRY_EXISTS)


def downgrade() -> None:
    """Leave the plan to the planner."""
    op.execute(_BEFORE)
