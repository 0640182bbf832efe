"""The declared tables; ``migrations`` builds exactly these (a test compares the catalogs).

Every key and unique constraint of a ledger's tables starts with ``ledger_id``, so that they distribute over
Citus by that column without change. ``network``, ``ledgers``, ``api_keys``, ``transactions``, ``checkpoints`` and
``cursors`` are small and shared by all ledgers (reference tables there). Hence also no foreign key from a mark's
cause, which may lie in another ledger: ``check`` looks after it.

``entries``, ``refs``, ``seeds``, ``payloads`` and ``sealed`` take thousands of rows a statement. Row-wise foreign keys
made intake three times slower (12,400 against 36,600 rows/s), so triggers of the migration check them once a
statement; that is as strict, because what they point to can't be deleted.

Units: times are Unix seconds, amounts are fen, hashes are 32 bytes, addresses 20.
``entry_id`` is ``chunk_id * 4096 + index in the chunk``: a chunk's entries are one range of the primary key.
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
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from chainsvc.journal.columns import CHUNK_BITS, amount, blob, metadata, number, octets, of, state, words

network = Table(
    "network",
    metadata,
    Column(
        "singleton",
        Boolean,
        CheckConstraint("singleton", name="singleton"),
        primary_key=True,
        server_default=text("true"),
    ),
    octets("network_id", 32),
    number("chain_id"),
    octets("genesis", 32),
    blob("descriptor"),
    octets("kek_check", 32),
    blob("wrapped_index_key"),
    PrimaryKeyConstraint("singleton"),
)

ledgers = Table(
    "ledgers",
    metadata,
    octets("ledger_id", 32),
    words("name"),
    words("kind"),
    words("uscc"),
    words("book"),
    Column("suite", SmallInteger, CheckConstraint("suite IN (1, 2)", name="suite"), nullable=False),
    Column("flags", SmallInteger, CheckConstraint("flags BETWEEN 0 AND 255", name="flags"), nullable=False),
    octets("contract", 20),
    number("opened_block"),
    Column("closed", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("ledger_id"),
    UniqueConstraint("name"),
)

# Apart from ledgers, since intake updates this row while it holds a share lock on the other.
totals = Table(
    "totals",
    metadata,
    octets("ledger_id", 32),
    amount("credit"),
    amount("debit"),
    amount("budget", nullable=True),  # what the chain allows as net debit, as last read; where a budget applies
    PrimaryKeyConstraint("ledger_id"),
    of(ledgers, "ledger_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    words("uscc"),
    Column("scopes", ARRAY(Text), nullable=False),
    octets("secret_sha256", 32),
    words("label"),
    number("created_at"),
    number("expires_at", nullable=True),
    number("revoked_at", nullable=True),
)

# Append-only but for wrapped_key, which a new key-encryption key wraps anew.
chunks = Table(
    "chunks",
    metadata,
    octets("ledger_id", 32),
    number("chunk_id"),
    Column("n", Integer, CheckConstraint("n BETWEEN 1 AND 4096", name="n"), nullable=False),
    octets("root", 32),
    octets("wrapped_key", 60, nullable=True),
    number("accepted_at"),
    number("anchor_by"),
    Column("receipt_alg", SmallInteger, nullable=False),
    blob("receipt_pubkey"),
    blob("receipt_signature"),
    Column("submission_alg", SmallInteger),
    blob("submission_pubkey", nullable=True),
    blob("submission_signature", nullable=True),
    Column("submitted_by", Text, ForeignKey(api_keys.c.key_id)),
    PrimaryKeyConstraint("ledger_id", "chunk_id"),
    of(ledgers, "ledger_id"),
    CheckConstraint("anchor_by > accepted_at", name="deadline"),
    CheckConstraint(
        "num_nulls(submission_alg, submission_pubkey, submission_signature) IN (0, 3)", name="submission_whole"
    ),
)

# Append-only. State "accepted" while sealed has no row for it, then "sealed":
#   accepted -> sealed   sealing.seal
#   sealed -> accepted   sealing.unseal, only with its whole batch, when the nonce went to another transaction
entries = Table(
    "entries",
    metadata,
    octets("ledger_id", 32),
    number("entry_id"),
    number("chunk_id"),
    octets("commitment", 32),
    octets("previous", 32, nullable=True),
    amount("credit"),
    amount("debit"),
    PrimaryKeyConstraint("ledger_id", "entry_id"),
    UniqueConstraint("ledger_id", "commitment"),
    CheckConstraint(f"entry_id >> {CHUNK_BITS} = chunk_id", name="in_chunk"),
)

# Chunks with at least one entry that has no seq yet: what sealing looks through, however long the ledger is.
open_chunks = Table(
    "open_chunks",
    metadata,
    octets("ledger_id", 32),
    number("chunk_id"),
    PrimaryKeyConstraint("ledger_id", "chunk_id"),
    of(chunks, "ledger_id", "chunk_id"),
)

refs = Table(
    "refs",
    metadata,
    octets("ledger_id", 32),
    octets("reference_index", 32),
    Column("revision", Integer, CheckConstraint("revision >= 0", name="revision"), nullable=False),
    number("entry_id"),
    PrimaryKeyConstraint("ledger_id", "reference_index", "revision"),
    UniqueConstraint("ledger_id", "entry_id"),
)

# Narrow and apart: deleting a row here is what erases a record, and it wants a short-lived backup of its own.
seeds = Table(
    "seeds",
    metadata,
    octets("ledger_id", 32),
    number("entry_id"),
    octets("sealed_seed", 48),
    PrimaryKeyConstraint("ledger_id", "entry_id"),
)

payloads = Table(
    "payloads",
    metadata,
    octets("ledger_id", 32),
    number("entry_id"),
    blob("sealed_record"),
    PrimaryKeyConstraint("ledger_id", "entry_id"),
)

erasures = Table(
    "erasures",
    metadata,
    octets("ledger_id", 32),
    number("entry_id"),
    number("erased_at"),
    words("erased_by"),
    words("reason"),
    PrimaryKeyConstraint("ledger_id", "entry_id"),
    of(entries, "ledger_id", "entry_id"),
)

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
    Index("ix_batches_pending", "ledger_id", "k", postgresql_where=text("state <> 'final'")),
    Index(None, "tx_hash"),
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
