"""What stands in a queue's file.

::

    waiting ──▶ accepted   the record is deleted, its receipt stays until it is forgotten
       ▲ └────▶ refused    a dead letter: the record stays with its problem
       └─retry─────┘

A record waits for its turn behind the one that ``behind`` names, and behind a refused earlier revision of its own.
"""

VERSION = 1
"""``user_version`` of a file of this form."""

SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order, never used again
    ledger TEXT NOT NULL,
    label BLOB NOT NULL,                    -- keyed digest of ledger and reference
    revision INTEGER NOT NULL,
    behind INTEGER,                         -- goes in only after that one was accepted
    state TEXT NOT NULL CHECK (state IN ('waiting', 'accepted', 'refused')),
    record BLOB,                            -- sealed
    size INTEGER NOT NULL,                  -- bytes of the record while it is kept
    outcome BLOB,                           -- sealed
    CHECK ((record IS NULL) = (state = 'accepted')),
    CHECK ((outcome IS NULL) = (state = 'waiting'))
) STRICT;
CREATE UNIQUE INDEX one_open ON records (label, revision) WHERE state <> 'accepted';
CREATE INDEX waiting ON records (id) WHERE state = 'waiting';
CREATE INDEX refused ON records (label) WHERE state = 'refused';
CREATE INDEX behind ON records (behind) WHERE behind IS NOT NULL;
CREATE TABLE totals (state TEXT PRIMARY KEY, records INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES ('waiting', 0, 0), ('accepted', 0, 0), ('refused', 0, 0);
CREATE TRIGGER came AFTER INSERT ON records BEGIN
    UPDATE totals SET records = records + 1, size = size + new.size WHERE state = new.state;
END;
CREATE TRIGGER changed AFTER UPDATE ON records BEGIN
    UPDATE totals SET records = records - 1, size = size - old.size WHERE state = old.state;
    UPDATE totals SET records = records + 1, size = size + new.size WHERE state = new.state;
END;
CREATE TRIGGER went AFTER DELETE ON records BEGIN
    UPDATE totals SET records = records - 1, size = size - old.size WHERE state = old.state;
END;
"""

IN_TURN = """
    NOT EXISTS (SELECT 1 FROM records AS r WHERE r.label = q.label AND r.state = 'refused' AND r.revision < q.revision)
    AND NOT EXISTS (SELECT 1 FROM records AS b WHERE b.id = q.behind AND b.state <> 'accepted')
"""
"""Whether a waiting record ``q`` may be sent."""

DROP = """
    DELETE FROM records WHERE (id = ? OR state <> 'accepted') AND id IN (
        WITH RECURSIVE gone(id) AS (
            VALUES (?) UNION SELECT records.id FROM records JOIN gone ON records.behind = gone.id
        )
        SELECT id FROM gone
    )
"""
"""Deletes a record, and those that would go in only after it."""
