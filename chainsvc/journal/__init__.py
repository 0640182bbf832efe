"""The journal: every accepted entry, its way to the chain and what became of it, in PostgreSQL.

One module a noun. Each function takes a SQLAlchemy ``Connection`` inside the caller's transaction,
so that several of them commit together or not at all, and returns frozen dataclasses. Time comes in
as an argument (Unix seconds); randomness is drawn only for API secrets.

============== =====================================================================
module         what it keeps
============== =====================================================================
network        which deployment and which key-encryption key this journal belongs to
ledgers        ledgers, and the running sums of everything accepted in them
chunks         what was handed over together, with receipt and submission
accepting      one chunk with its entries, references, seeds and records, stored together
entries        commitments, append-only; where each one stands
references     the keyed index of business references (idempotency)
payloads       encrypted records and seeds; erasure
lost           entries that the chain has and a restored journal has not
sealing        giving ``seq`` to accepted entries
batches        sealed, submitted, final
transactions   signed transactions, kept before they are sent
marks          changes of standing, asked for and seen on chain
checkpoints    signed notes that name a block
outbox         what webhooks tell, written with what it tells of
endpoints      who is told, where, and under which key
claims         attempts to tell, each by one deliverer
deliveries     how far telling has come, and telling again
cursors        up to which block a contract's events were read
leases         which worker does what, for how long
keys           API keys
rotation       a new key-encryption key
check          does the journal agree with itself
-------------- ---------------------------------------------------------------------
embedded       the PostgreSQL of the wheel
engine         connections, and what their failures are called
schema         migrations, up and down
tables         the declared tables of what was accepted; columns: what they are made of
chain_tables   the declared tables of the way to the chain
webhook_tables the declared tables of webhooks
============== =====================================================================
"""
