"""The declared tables of what was accepted; with ``chain_tables`` all that ``migrations`` builds (a test compares).

Every key and unique constraint of a ledger's tables starts with ``ledger_id``, so that they distribute over
Citus by that column without change. ``network``, ``ledgers``, ``api_keys``, ``transactions``, ``checkpoints``,
``cursors`` and ``leases`` are small and shared by all ledgers (reference tables there). Hence also no foreign key
from a mark's cause, which may lie in another ledger: ``check`` looks after it.

``entries``, ``refs``, ``seeds``, ``payloads`` and ``sealed`` take thousands of rows a statement. Row-wise foreign keys
made intake three times slower, so triggers of the migration check them once a
statement; that is as strict, because what they point to can't be deleted.

Units: times are Unix seconds, amounts are fen, hashes are 32 bytes, addresses 20.
``entry_id`` is ``chunk_id * 4096 + index in the chunk``: a chunk's entries are one range of the primary key.
"""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from chainsvc.journal.columns import CHUNK_BITS, amount, blob, metadata, number, octets, of, words

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

# Sums of all accepted entries, and of those that are lost but on chain.
# Apart from ledgers, since intake updates this row while it holds a share lock on the other.
totals = Table(
    "totals",
    metadata,
    octets("ledger_id", 32),
    amount("credit"),
    amount("debit"),
    amount("budget", nullable=True),  # what the chain allows as net debit, as last read; where a budget applies
    Column(
        "behind", Boolean, nullable=False, server_default=text("false")
    ),  # held: the chain has entries that are lost
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

# Triggers, not foreign keys, tie these to the rows that they need; whoever fills all tables has to know the order.
entries.add_is_dependent_on(chunks)
for _table in (refs, seeds, payloads):
    _table.add_is_dependent_on(entries)
