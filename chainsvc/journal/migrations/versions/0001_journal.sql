-- The journal's first tables. Frozen: a later change is a migration of its own.

CREATE SEQUENCE chunk_ids AS BIGINT;

CREATE TABLE api_keys (
    key_id TEXT NOT NULL,
    uscc TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    secret_sha256 BYTEA NOT NULL CONSTRAINT ck_api_keys_secret_sha256_size CHECK (octet_length(secret_sha256) = 32),
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    CONSTRAINT pk_api_keys PRIMARY KEY (key_id)
);

CREATE TABLE checkpoints (
    block BIGINT NOT NULL,
    block_hash BYTEA NOT NULL CONSTRAINT ck_checkpoints_block_hash_size CHECK (octet_length(block_hash) = 32),
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_checkpoints PRIMARY KEY (block)
);

CREATE TABLE cursors (
    contract BYTEA NOT NULL CONSTRAINT ck_cursors_contract_size CHECK (octet_length(contract) = 20),
    block BIGINT NOT NULL,
    block_hash BYTEA NOT NULL CONSTRAINT ck_cursors_block_hash_size CHECK (octet_length(block_hash) = 32),
    CONSTRAINT pk_cursors PRIMARY KEY (contract)
);

-- Append-only. State "accepted" while sealed has no row for it, then "sealed":
--   accepted -> sealed   sealing.seal
--   sealed -> accepted   sealing.unseal, only with its whole batch, when the nonce went to another transaction
CREATE TABLE entries (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_entries_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    entry_id BIGINT NOT NULL,
    chunk_id BIGINT NOT NULL,
    commitment BYTEA NOT NULL CONSTRAINT ck_entries_commitment_size CHECK (octet_length(commitment) = 32),
    previous BYTEA CONSTRAINT ck_entries_previous_size CHECK (octet_length(previous) = 32),
    credit BIGINT NOT NULL CONSTRAINT ck_entries_credit_range CHECK (credit >= 0 AND credit <= 9007199254740991),
    debit BIGINT NOT NULL CONSTRAINT ck_entries_debit_range CHECK (debit >= 0 AND debit <= 9007199254740991),
    CONSTRAINT pk_entries PRIMARY KEY (ledger_id, entry_id),
    CONSTRAINT uq_entries_ledger_id_commitment UNIQUE (ledger_id, commitment),
    CONSTRAINT ck_entries_in_chunk CHECK (entry_id >> 12 = chunk_id)
);

CREATE TABLE ledgers (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_ledgers_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    uscc TEXT NOT NULL,
    book TEXT NOT NULL,
    suite SMALLINT NOT NULL CONSTRAINT ck_ledgers_suite CHECK (suite IN (1, 2)),
    flags SMALLINT NOT NULL CONSTRAINT ck_ledgers_flags CHECK (flags BETWEEN 0 AND 255),
    contract BYTEA NOT NULL CONSTRAINT ck_ledgers_contract_size CHECK (octet_length(contract) = 20),
    opened_block BIGINT NOT NULL,
    closed BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_ledgers PRIMARY KEY (ledger_id),
    CONSTRAINT uq_ledgers_name UNIQUE (name)
);

CREATE TABLE network (
    singleton BOOLEAN DEFAULT true NOT NULL CONSTRAINT ck_network_singleton CHECK (singleton),
    network_id BYTEA NOT NULL CONSTRAINT ck_network_network_id_size CHECK (octet_length(network_id) = 32),
    chain_id BIGINT NOT NULL,
    genesis BYTEA NOT NULL CONSTRAINT ck_network_genesis_size CHECK (octet_length(genesis) = 32),
    descriptor BYTEA NOT NULL,
    kek_check BYTEA NOT NULL CONSTRAINT ck_network_kek_check_size CHECK (octet_length(kek_check) = 32),
    wrapped_index_key BYTEA NOT NULL,
    CONSTRAINT pk_network PRIMARY KEY (singleton)
);

CREATE TABLE payloads (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_payloads_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    entry_id BIGINT NOT NULL,
    sealed_record BYTEA NOT NULL,
    CONSTRAINT pk_payloads PRIMARY KEY (ledger_id, entry_id)
);

CREATE TABLE refs (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_refs_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    reference_index BYTEA NOT NULL CONSTRAINT ck_refs_reference_index_size CHECK (octet_length(reference_index) = 32),
    revision INTEGER NOT NULL CONSTRAINT ck_refs_revision CHECK (revision >= 0),
    entry_id BIGINT NOT NULL,
    CONSTRAINT pk_refs PRIMARY KEY (ledger_id, reference_index, revision),
    CONSTRAINT uq_refs_ledger_id_entry_id UNIQUE (ledger_id, entry_id)
);

CREATE TABLE sealed (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_sealed_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    seq BIGINT NOT NULL,
    entry_id BIGINT NOT NULL,
    k BIGINT NOT NULL,
    CONSTRAINT pk_sealed PRIMARY KEY (ledger_id, seq),
    CONSTRAINT uq_sealed_ledger_id_entry_id UNIQUE (ledger_id, entry_id)
);

-- Narrow and apart: deleting a row here is what erases a record, and it wants a short-lived backup of its own.
CREATE TABLE seeds (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_seeds_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    entry_id BIGINT NOT NULL,
    sealed_seed BYTEA NOT NULL CONSTRAINT ck_seeds_sealed_seed_size CHECK (octet_length(sealed_seed) = 48),
    CONSTRAINT pk_seeds PRIMARY KEY (ledger_id, entry_id)
);

-- A transaction is saved before it is sent. At most one of a sender's nonce is not replaced.
--   signed                raw bytes durable; may be on its way already, if a crash came between
--   signed -> sent        a node took it
--   signed, sent -> final       in a final block, and its effects are there
--   signed, sent -> reverted    in a final block, and the contract refused
--   signed, sent -> replaced    another transaction of the same nonce is meant to take its place, or did
--   replaced -> final, reverted it was included all the same
--   final, reverted -> sent     the block vanished (a restarted devnet)
CREATE TABLE transactions (
    hash BYTEA NOT NULL CONSTRAINT ck_transactions_hash_size CHECK (octet_length(hash) = 32),
    sender BYTEA NOT NULL CONSTRAINT ck_transactions_sender_size CHECK (octet_length(sender) = 20),
    nonce BIGINT NOT NULL,
    contract BYTEA NOT NULL CONSTRAINT ck_transactions_contract_size CHECK (octet_length(contract) = 20),
    raw BYTEA NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_transactions_state CHECK (state IN ('signed', 'sent', 'final', 'reverted', 'replaced')),
    created_at BIGINT NOT NULL,
    block BIGINT,
    CONSTRAINT pk_transactions PRIMARY KEY (hash),
    CONSTRAINT ck_transactions_block_when_mined CHECK ((state IN ('final', 'reverted')) = (block IS NOT NULL)),
    CONSTRAINT ck_transactions_nonce CHECK (nonce >= 0)
);
CREATE INDEX ix_transactions_block ON transactions (block) WHERE block IS NOT NULL;
CREATE INDEX ix_transactions_open ON transactions (sender, nonce) WHERE state IN ('signed', 'sent');
CREATE INDEX ix_transactions_sender_nonce ON transactions (sender, nonce);
CREATE UNIQUE INDEX uq_transactions_live ON transactions (sender, nonce) WHERE state <> 'replaced';

-- Identity columns (up to sealed_at) never change.
--   sealed                 numbered and durable here; not on chain
--   sealed -> submitted    its transaction is saved: it may be on chain
--   submitted -> final     in a final block; head recomputed and equal
--   submitted -> sealed    its transaction is final as reverted or replaced, the batch is not on chain
--   final -> submitted     the block vanished (a restarted devnet): the same bytes are sent again
--   sealed -> (deleted)    unseal, the last batch of a ledger only: its entries are accepted again
CREATE TABLE batches (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_batches_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    k BIGINT NOT NULL,
    first BIGINT NOT NULL,
    count INTEGER NOT NULL CONSTRAINT ck_batches_count CHECK (count BETWEEN 1 AND 4096),
    root BYTEA NOT NULL CONSTRAINT ck_batches_root_size CHECK (octet_length(root) = 32),
    credit BIGINT NOT NULL CONSTRAINT ck_batches_credit_range CHECK (credit >= 0 AND credit <= 9007199254740991),
    debit BIGINT NOT NULL CONSTRAINT ck_batches_debit_range CHECK (debit >= 0 AND debit <= 9007199254740991),
    sealed_at BIGINT NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_batches_state CHECK (state IN ('sealed', 'submitted', 'final')),
    tx_hash BYTEA,
    prev BYTEA CONSTRAINT ck_batches_prev_size CHECK (octet_length(prev) = 32),
    head BYTEA CONSTRAINT ck_batches_head_size CHECK (octet_length(head) = 32),
    actor BYTEA CONSTRAINT ck_batches_actor_size CHECK (octet_length(actor) = 20),
    block BIGINT,
    block_hash BYTEA CONSTRAINT ck_batches_block_hash_size CHECK (octet_length(block_hash) = 32),
    time BIGINT,
    CONSTRAINT pk_batches PRIMARY KEY (ledger_id, k),
    CONSTRAINT uq_batches_ledger_id_first UNIQUE (ledger_id, first),
    CONSTRAINT fk_batches_ledgers FOREIGN KEY(ledger_id) REFERENCES ledgers (ledger_id),
    CONSTRAINT ck_batches_position CHECK (k >= 0 AND first >= k),
    CONSTRAINT ck_batches_submitted_has_transaction CHECK (state = 'sealed' OR tx_hash IS NOT NULL OR state = 'final'),
    CONSTRAINT ck_batches_sealed_has_none CHECK (state <> 'sealed' OR tx_hash IS NULL),
    CONSTRAINT ck_batches_facts_when_final CHECK (num_nulls(prev, head, actor, block, block_hash, time) = CASE state WHEN 'final' THEN 0 ELSE 6 END),
    CONSTRAINT fk_batches_transactions FOREIGN KEY(tx_hash) REFERENCES transactions (hash)
);
CREATE INDEX ix_batches_block ON batches (block) WHERE block IS NOT NULL;
CREATE INDEX ix_batches_pending ON batches (ledger_id, k) WHERE state <> 'final';
CREATE INDEX ix_batches_tx_hash ON batches (tx_hash);

-- Append-only but for wrapped_key, which a new key-encryption key wraps anew.
CREATE TABLE chunks (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_chunks_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    chunk_id BIGINT NOT NULL,
    n INTEGER NOT NULL CONSTRAINT ck_chunks_n CHECK (n BETWEEN 1 AND 4096),
    root BYTEA NOT NULL CONSTRAINT ck_chunks_root_size CHECK (octet_length(root) = 32),
    wrapped_key BYTEA CONSTRAINT ck_chunks_wrapped_key_size CHECK (octet_length(wrapped_key) = 60),
    accepted_at BIGINT NOT NULL,
    anchor_by BIGINT NOT NULL,
    receipt_alg SMALLINT NOT NULL,
    receipt_pubkey BYTEA NOT NULL,
    receipt_signature BYTEA NOT NULL,
    submission_alg SMALLINT,
    submission_pubkey BYTEA,
    submission_signature BYTEA,
    submitted_by TEXT,
    CONSTRAINT pk_chunks PRIMARY KEY (ledger_id, chunk_id),
    CONSTRAINT fk_chunks_ledgers FOREIGN KEY(ledger_id) REFERENCES ledgers (ledger_id),
    CONSTRAINT ck_chunks_deadline CHECK (anchor_by > accepted_at),
    CONSTRAINT ck_chunks_submission_whole CHECK (num_nulls(submission_alg, submission_pubkey, submission_signature) IN (0, 3)),
    CONSTRAINT fk_chunks_api_keys FOREIGN KEY(submitted_by) REFERENCES api_keys (key_id)
);

CREATE TABLE erasures (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_erasures_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    entry_id BIGINT NOT NULL,
    erased_at BIGINT NOT NULL,
    erased_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT pk_erasures PRIMARY KEY (ledger_id, entry_id),
    CONSTRAINT fk_erasures_entries FOREIGN KEY(ledger_id, entry_id) REFERENCES entries (ledger_id, entry_id)
);

-- A change of standing. The cause is an entry of this journal (cause_entry_id) or one seen on chain only (cause_seq).
--   requested               asked for; waits until target and cause have a seq
--   requested -> submitted  its transaction is saved: it may be on chain
--   submitted -> final      in a final block
--   submitted -> requested  its transaction did not take place
--   requested -> refused    the contract would revert; the reason is kept
--   final -> submitted      the block vanished (a restarted devnet)
--   (new) -> final          seen on chain, set by another service; deleted again when the block vanished
CREATE TABLE marks (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_marks_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    mark_id BIGINT GENERATED ALWAYS AS IDENTITY,
    entry_id BIGINT NOT NULL,
    status SMALLINT NOT NULL CONSTRAINT ck_marks_status CHECK (status BETWEEN 0 AND 6),
    cause_ledger_id BYTEA NOT NULL CONSTRAINT ck_marks_cause_ledger_id_size CHECK (octet_length(cause_ledger_id) = 32),
    cause_entry_id BIGINT,
    cause_seq BIGINT,
    state TEXT NOT NULL CONSTRAINT ck_marks_state CHECK (state IN ('requested', 'submitted', 'final', 'refused')),
    reason TEXT,
    requested_at BIGINT NOT NULL,
    tx_hash BYTEA,
    prev BYTEA CONSTRAINT ck_marks_prev_size CHECK (octet_length(prev) = 32),
    word BYTEA CONSTRAINT ck_marks_word_size CHECK (octet_length(word) = 32),
    actor BYTEA CONSTRAINT ck_marks_actor_size CHECK (octet_length(actor) = 20),
    block BIGINT,
    block_hash BYTEA CONSTRAINT ck_marks_block_hash_size CHECK (octet_length(block_hash) = 32),
    time BIGINT,
    log_index INTEGER,
    CONSTRAINT pk_marks PRIMARY KEY (ledger_id, mark_id),
    CONSTRAINT fk_marks_entries FOREIGN KEY(ledger_id, entry_id) REFERENCES entries (ledger_id, entry_id),
    CONSTRAINT ck_marks_cause CHECK (num_nonnulls(cause_entry_id, cause_seq) >= 1),
    CONSTRAINT ck_marks_refused_has_reason CHECK ((state = 'refused') = (reason IS NOT NULL)),
    CONSTRAINT ck_marks_submitted_has_transaction CHECK (state <> 'submitted' OR tx_hash IS NOT NULL),
    CONSTRAINT ck_marks_facts_when_final CHECK (num_nulls(prev, word, actor, block, block_hash, time, log_index) = CASE state WHEN 'final' THEN 0 ELSE 7 END),
    CONSTRAINT ck_marks_final_has_cause_seq CHECK (state <> 'final' OR cause_seq IS NOT NULL),
    CONSTRAINT fk_marks_transactions FOREIGN KEY(tx_hash) REFERENCES transactions (hash)
);
CREATE INDEX ix_marks_block ON marks (block) WHERE block IS NOT NULL;
CREATE INDEX ix_marks_ledger_id_entry_id ON marks (ledger_id, entry_id);
CREATE INDEX ix_marks_pending ON marks (ledger_id, mark_id) WHERE state IN ('requested', 'submitted');
CREATE INDEX ix_marks_tx_hash ON marks (tx_hash);

-- Apart from ledgers, since intake updates this row while it holds a share lock on the other.
CREATE TABLE totals (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_totals_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    credit BIGINT NOT NULL CONSTRAINT ck_totals_credit_range CHECK (credit >= 0 AND credit <= 9007199254740991),
    debit BIGINT NOT NULL CONSTRAINT ck_totals_debit_range CHECK (debit >= 0 AND debit <= 9007199254740991),
    budget BIGINT CONSTRAINT ck_totals_budget_range CHECK (budget >= 0 AND budget <= 9007199254740991),
    CONSTRAINT pk_totals PRIMARY KEY (ledger_id),
    CONSTRAINT fk_totals_ledgers FOREIGN KEY(ledger_id) REFERENCES ledgers (ledger_id)
);

-- Chunks with at least one entry that has no seq yet: what sealing looks through, however long the ledger is.
CREATE TABLE open_chunks (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_open_chunks_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    chunk_id BIGINT NOT NULL,
    CONSTRAINT pk_open_chunks PRIMARY KEY (ledger_id, chunk_id),
    CONSTRAINT fk_open_chunks_chunks FOREIGN KEY(ledger_id, chunk_id) REFERENCES chunks (ledger_id, chunk_id)
);

-- Append-only tables, and columns that never change --------------------------------------------------------------

CREATE FUNCTION chainsvc_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('accepted entries are kept as they are');
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON sealed
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('a given seq is kept');
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON chunks
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('receipts are kept as they are');
CREATE TRIGGER fixed_columns BEFORE UPDATE OF ledger_id, chunk_id, n, root, accepted_at, anchor_by,
    receipt_alg, receipt_pubkey, receipt_signature, submission_alg, submission_pubkey, submission_signature, submitted_by
    ON chunks FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('only the wrapped key may change');
CREATE TRIGGER fixed_columns BEFORE UPDATE OF ledger_id, k, first, count, root, credit, debit, sealed_at
    ON batches FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('what a batch says never changes');
CREATE TRIGGER append_only BEFORE TRUNCATE ON batches
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('batches are kept');
CREATE TRIGGER fixed_columns BEFORE UPDATE OF hash, sender, nonce, contract, raw, created_at
    ON transactions FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('signed bytes never change');
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON transactions
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('what may have been sent is kept');
CREATE TRIGGER fixed_columns BEFORE UPDATE OF ledger_id, mark_id, entry_id, status, cause_ledger_id, cause_entry_id,
    requested_at
    ON marks FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('what a mark says never changes');
CREATE TRIGGER append_only BEFORE DELETE ON marks FOR EACH ROW WHEN (OLD.cause_entry_id IS NOT NULL)
    EXECUTE FUNCTION chainsvc_refuse('what was asked for is history');
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON marks
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('changes of standing are history');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON erasures
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('that something was erased is history');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('a published checkpoint is kept as it is');
CREATE TRIGGER fixed_columns BEFORE UPDATE OF ledger_id, name, kind, uscc, book, suite, flags, contract
    ON ledgers FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('a ledger is what its id was computed from');
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON ledgers
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('ledgers are closed, never deleted');

-- Foreign keys of the tables that take thousands of rows a statement, checked once a statement -------------------

CREATE FUNCTION chainsvc_chunk_exists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT ledger_id, chunk_id FROM added) AS a
        WHERE NOT EXISTS (SELECT FROM chunks AS c WHERE c.ledger_id = a.ledger_id AND c.chunk_id = a.chunk_id)
    ) THEN
        RAISE EXCEPTION '% needs a row in chunks', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION chainsvc_entry_exists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added AS a
        WHERE NOT EXISTS (SELECT FROM entries AS e WHERE e.ledger_id = a.ledger_id AND e.entry_id = a.entry_id)
    ) THEN
        RAISE EXCEPTION '% needs a row in entries', TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER chunk_exists AFTER INSERT ON entries REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_chunk_exists();
CREATE TRIGGER entry_exists AFTER INSERT ON refs REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_entry_exists();
CREATE TRIGGER entry_exists AFTER INSERT ON seeds REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_entry_exists();
CREATE TRIGGER entry_exists AFTER INSERT ON payloads REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_entry_exists();
CREATE TRIGGER entry_exists AFTER INSERT ON sealed REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_entry_exists();

-- Sealing: every seq lies in its batch, and only a batch that is not on chain may be taken apart -----------------

CREATE FUNCTION chainsvc_seq_in_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT ledger_id, k, min(seq) AS low, max(seq) AS high FROM added GROUP BY ledger_id, k) AS a
        WHERE NOT EXISTS (
            SELECT FROM batches AS b
            WHERE b.ledger_id = a.ledger_id AND b.k = a.k AND b.first <= a.low AND a.high < b.first + b.count
        )
    ) THEN
        RAISE EXCEPTION 'seq outside its batch' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION chainsvc_unseal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT ledger_id, k FROM gone) AS g
        JOIN batches AS b ON b.ledger_id = g.ledger_id AND b.k = g.k
        WHERE b.state <> 'sealed'
    ) THEN
        RAISE EXCEPTION 'the batch may be on chain' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION chainsvc_drop_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'sealed' THEN
        RAISE EXCEPTION 'the batch may be on chain' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT FROM sealed AS s
        WHERE s.ledger_id = OLD.ledger_id AND s.seq >= OLD.first AND s.seq < OLD.first + OLD.count
    ) THEN
        RAISE EXCEPTION 'the batch still has entries' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER seq_in_batch AFTER INSERT ON sealed REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_seq_in_batch();
CREATE TRIGGER unseal AFTER DELETE ON sealed REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_unseal();
CREATE TRIGGER drop_batch BEFORE DELETE ON batches
    FOR EACH ROW EXECUTE FUNCTION chainsvc_drop_batch();
