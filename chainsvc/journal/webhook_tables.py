"""The declared tables of webhooks: what happened, who is told, and how far telling has come.

Events are an outbox: they are written by the transaction that changes the state which they tell. Nothing is written
for a ledger that no endpoint asks about. ``endpoints`` is small and shared by all ledgers (a reference table where
the others are distributed by ``ledger_id``).
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chainsvc.journal.columns import metadata, number, octets, of, state, words

# An endpoint that is disabled gets nothing new, and what was pending for it is dead; enabling it replays nothing.
#   open -> disabled    it answered 410, or failed for too long
#   disabled -> open    its organization enables it
#   any -> (deleted)    its organization removes it, and its deliveries with it
endpoints = Table(
    "endpoints",
    metadata,
    Column("endpoint_id", Text, nullable=False),
    words("uscc"),
    words("url"),
    Column("events", ARRAY(Text), nullable=False),
    Column("all_ledgers", Boolean, nullable=False),
    words("ledger", nullable=True),  # a ledger's name, where it is told of that one alone
    words("description"),
    Column("scheme", Text, CheckConstraint("scheme IN ('v1', 'v1a')", name="scheme"), nullable=False),
    octets("wrapped_key", 60),
    octets("old_wrapped_key", 60, nullable=True),
    number("old_until", nullable=True),
    number("created_at"),
    number("disabled_at", nullable=True),
    words("disabled_because", nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    number("failing_since", nullable=True),
    Column("resume_at", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("endpoint_id"),
    Index(None, "uscc"),
    CheckConstraint("(old_wrapped_key IS NULL) = (old_until IS NULL)", name="old_key_ends"),
    CheckConstraint("(disabled_at IS NULL) = (disabled_because IS NULL)", name="disabled_has_reason"),
    CheckConstraint("(failures > 0) = (failing_since IS NOT NULL)", name="failing_has_begun"),
)

# Append-only until nothing is to be told of them any more. The ledger of a test message is all zeros.
events = Table(
    "events",
    metadata,
    octets("ledger_id", 32),
    Column("event_id", Uuid, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    words("type"),
    Column("data", JSONB, nullable=False),
    number("happened_at"),
    number("chunk_id", nullable=True),  # of an overdue receipt, which is told once
    PrimaryKeyConstraint("ledger_id", "event_id"),
    UniqueConstraint("ledger_id", "chunk_id"),
    Index(None, "happened_at"),
)

# One event for one endpoint. A claim moves due_at to where a deliverer that died is given up.
#   pending                waits for due_at: the first attempt, or the next
#   pending -> pending     an attempt failed; due_at says when the next one is
#   pending -> delivered   answered with 2xx; a crash before this commit delivers again, under the same id
#   pending -> dead        the last attempt failed, or the endpoint was disabled
#   dead, delivered -> pending   replay, with all attempts again
deliveries = Table(
    "deliveries",
    metadata,
    octets("ledger_id", 32),
    Column("event_id", Uuid, nullable=False),
    Column("endpoint_id", Text, ForeignKey(endpoints.c.endpoint_id, ondelete="CASCADE"), nullable=False),
    number("number"),  # the event's
    state("pending", "delivered", "dead"),
    Column("attempts", Integer, CheckConstraint("attempts >= 0", name="attempts"), nullable=False),
    number("due_at"),
    number("tried_at", nullable=True),
    Column("status", SmallInteger),  # of the last HTTP answer
    words("answer", nullable=True),  # in words: its beginning, or why there was none
    PrimaryKeyConstraint("ledger_id", "event_id", "endpoint_id"),
    of(events, "ledger_id", "event_id"),
    Index(None, "endpoint_id", "number"),
    Index("ix_deliveries_pending", "endpoint_id", "due_at", "number", postgresql_where=text("state = 'pending'")),
    CheckConstraint("state <> 'delivered' OR status BETWEEN 200 AND 299", name="delivered_was_taken"),
)
