"""The declared tables of the way to the chain; the other half of ``tables``.

Each state has its transitions beside it; ``batches``, ``transactions`` and ``marks`` carry them out.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from chainsvc.journal.columns import amount, blob, metadata, number, octets, of, state, words
from chainsvc.journal.tables import entries, ledgers

# A transaction is saved before it is sent. At most one of a sender's nonce is not replaced.
#   signed                raw bytes durable; may be on its way already, if a crash came between
#   signed -> sent        a node took it
#   signed, sent -> final       in a final block, and its effects are there
#   signed, sent -> reverted    in a final block, and the contract refused
#   signed, sent -> replaced    another transaction of the same nonce is meant to take its place, or did
#   replaced -> final, reverted it was included all the same
#   final, reverted -> sent     the block vanished (a restarted devnet)
transactions = Table(
    "transactions",
    metadata,
    octets("hash", 32),
    octets("sender", 20),
    number("nonce"),
    octets("contract", 20),
    blob("raw"),
    state("signed", "sent", "final", "reverted", "replaced"),
    number("created_at"),
    number("block", nullable=True),
    PrimaryKeyConstraint("hash"),
    Index(None, "sender", "nonce"),
    Index("ix_transactions_open", "sender", "nonce", postgresql_where=text("state IN ('signed', 'sent')")),
    Index(None, "block", postgresql_where=text("block IS NOT NULL")),
    Index("uq_transactions_live", "sender", "nonce", unique=True, postgresql_where=text("state <> 'replaced'")),
    CheckConstraint("(state IN ('final', 'reverted')) = (block IS NOT NULL)", name="block_when_mined"),
    CheckConstraint("nonce >= 0", name="nonce"),
)

# Identity columns (up to sealed_at) never change.
#   sealed                 numbered and durable here; not on chain
#   sealed -> submitted    its transaction is saved: it may be on chain
#   submitted -> final     in a final block; head recomputed and equal
#   submitted -> sealed    its transaction is final as reverted or replaced, the batch is not on chain
#   final -> submitted     the block vanished (a restarted devnet): the same bytes are sent again
#   sealed -> (deleted)    unseal, the last batch of a ledger only: its entries are accepted again
#   (new) -> final         found on chain after a restore, with all entries lost; lost.place brings them back. When
#                          its block vanishes it goes back to sealed, and is sent again: the root is all that it takes
batches = Table(
    "batches",
    metadata,
    octets("ledger_id", 32),
    number("k"),
    number("first"),
    Column("count", Integer, CheckConstraint("count BETWEEN 1 AND 4096", name="count"), nullable=False),
    octets("root", 32),
    amount("credit"),
    amount("debit"),
    number("sealed_at"),
    state("sealed", "submitted", "final"),
    Column("tx_hash", LargeBinary, ForeignKey(transactions.c.hash)),
    octets("prev", 32, nullable=True),
    octets("head", 32, nullable=True),
    octets("actor", 20, nullable=True),
    number("block", nullable=True),
    octets("block_hash", 32, nullable=True),
    number("time", nullable=True),
    Column("lost", Integer, nullable=False, server_default=text("0")),  # entries that this journal does not have
    PrimaryKeyConstraint("ledger_id", "k"),
    UniqueConstraint("ledger_id", "first"),
    of(ledgers, "ledger_id"),
    CheckConstraint("k >= 0 AND first >= k", name="position"),
    CheckConstraint("state = 'sealed' OR tx_hash IS NOT NULL OR state = 'final'", name="submitted_has_transaction"),
    CheckConstraint("state <> 'sealed' OR tx_hash IS NULL", name="sealed_has_none"),
    CheckConstraint(
        "num_nulls(prev, head, actor, block, block_hash, time) = CASE state WHEN 'final' THEN 0 ELSE 6 END",
        name="facts_when_final",
    ),
    CheckConstraint("lost >= 0 AND lost <= count", name="lost"),
    Index("ix_batches_lost", "ledger_id", "k", postgresql_where=text("lost > 0")),
    Index("ix_batches_pending", "ledger_id", "k", postgresql_where=text("state <> 'final'")),
    Index(None, "tx_hash"),
    Index(None, "block", postgresql_where=text("block IS NOT NULL")),  # looked at again when the chain went back
)

sealed = Table(
    "sealed",
    metadata,
    octets("ledger_id", 32),
    number("seq"),
    number("entry_id"),
    number("k"),
    PrimaryKeyConstraint("ledger_id", "seq"),
    UniqueConstraint("ledger_id", "entry_id"),
)
sealed.add_is_dependent_on(entries)  # triggers see to it, see tables
sealed.add_is_dependent_on(batches)

# A change of standing. The cause is an entry of this journal (cause_entry_id) or one seen on chain only (cause_seq).
#   requested               asked for; waits until target and cause have a seq
#   requested -> submitted  its transaction is saved: it may be on chain
#   submitted -> final      in a final block
#   submitted -> requested  its transaction did not take place
#   requested -> refused    the contract would revert; the reason is kept
#   final -> submitted      the block vanished (a restarted devnet)
#   (new) -> final          seen on chain, set by another service; deleted again when the block vanished
marks = Table(
    "marks",
    metadata,
    octets("ledger_id", 32),
    Column("mark_id", BigInteger, Identity(always=True), nullable=False),
    number("entry_id"),
    Column("status", SmallInteger, CheckConstraint("status BETWEEN 0 AND 6", name="status"), nullable=False),
    octets("cause_ledger_id", 32),
    number("cause_entry_id", nullable=True),
    number("cause_seq", nullable=True),
    state("requested", "submitted", "final", "refused"),
    words("reason", nullable=True),
    number("requested_at"),
    Column("tx_hash", LargeBinary, ForeignKey(transactions.c.hash)),
    octets("prev", 32, nullable=True),
    octets("word", 32, nullable=True),
    octets("actor", 20, nullable=True),
    number("block", nullable=True),
    octets("block_hash", 32, nullable=True),
    number("time", nullable=True),
    Column("log_index", Integer),
    PrimaryKeyConstraint("ledger_id", "mark_id"),
    of(entries, "ledger_id", "entry_id"),
    CheckConstraint("num_nonnulls(cause_entry_id, cause_seq) >= 1", name="cause"),
    CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="refused_has_reason"),
    CheckConstraint("state <> 'submitted' OR tx_hash IS NOT NULL", name="submitted_has_transaction"),
    CheckConstraint(
        "num_nulls(prev, word, actor, block, block_hash, time, log_index) = CASE state WHEN 'final' THEN 0 ELSE 7 END",
        name="facts_when_final",
    ),
    CheckConstraint("state <> 'final' OR cause_seq IS NOT NULL", name="final_has_cause_seq"),
    Index(None, "ledger_id", "entry_id"),
    Index("ix_marks_pending", "ledger_id", "mark_id", postgresql_where=text("state IN ('requested', 'submitted')")),
    Index(None, "tx_hash"),
    Index(None, "block", postgresql_where=text("block IS NOT NULL")),  # looked at again when the chain went back
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    octets("block_hash", 32),
    words("note"),
    number("created_at"),
)

cursors = Table(
    "cursors",
    metadata,
    octets("contract", 20),
    number("block"),
    octets("block_hash", 32),
    PrimaryKeyConstraint("contract"),
)

# Who does what, among several workers. A row stays for good, so that tokens only ever grow.
#   free              expires_at is past
#   free -> held      acquire: a new holder, the next token
#   held -> held      renew, by the holder of this token; also when late, unless another one came first
#   held -> free      release, or the time runs out
leases = Table(
    "leases",
    metadata,
    words("name"),
    words("holder"),
    number("token"),
    Column("expires_at", DateTime(timezone=True), nullable=False),  # by the database's clock alone
    words("trouble", nullable=True),
    PrimaryKeyConstraint("name"),
)

# Which ledgers go with which lease: held as long as the lease is, with this token.
ledger_leases = Table(
    "ledger_leases",
    metadata,
    octets("ledger_id", 32),
    Column("lease", Text, ForeignKey(leases.c.name), nullable=False),
    number("token"),
    PrimaryKeyConstraint("ledger_id"),
    of(ledgers, "ledger_id"),
    Index(None, "lease"),
)
