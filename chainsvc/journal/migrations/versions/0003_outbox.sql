-- Webhooks: what happened, who is told, and how far telling has come. Frozen: a later change is a migration of its own.

-- An endpoint that is disabled gets nothing new, and what was pending for it is dead; enabling it replays nothing.
--   open -> disabled    it answered 410, or failed for too long
--   disabled -> open    its organization enables it
--   any -> (deleted)    its organization removes it, and its deliveries with it
CREATE TABLE endpoints (
    endpoint_id TEXT NOT NULL,
    uscc TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT[] NOT NULL,
    all_ledgers BOOLEAN NOT NULL,
    ledger TEXT,
    description TEXT NOT NULL,
    scheme TEXT NOT NULL CONSTRAINT ck_endpoints_scheme CHECK (scheme IN ('v1', 'v1a')),
    wrapped_key BYTEA NOT NULL CONSTRAINT ck_endpoints_wrapped_key_size CHECK (octet_length(wrapped_key) = 60),
    old_wrapped_key BYTEA CONSTRAINT ck_endpoints_old_wrapped_key_size CHECK (octet_length(old_wrapped_key) = 60),
    old_until BIGINT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT,
    disabled_because TEXT,
    failures INTEGER DEFAULT 0 NOT NULL,
    failing_since BIGINT,
    resume_at BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_endpoints PRIMARY KEY (endpoint_id),
    CONSTRAINT ck_endpoints_old_key_ends CHECK ((old_wrapped_key IS NULL) = (old_until IS NULL)),
    CONSTRAINT ck_endpoints_disabled_has_reason CHECK ((disabled_at IS NULL) = (disabled_because IS NULL)),
    CONSTRAINT ck_endpoints_failing_has_begun CHECK ((failures > 0) = (failing_since IS NOT NULL))
);
CREATE INDEX ix_endpoints_uscc ON endpoints (uscc);

-- Append-only until nothing is to be told of them any more. The ledger of a test message is all zeros.
CREATE TABLE events (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_events_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    event_id UUID NOT NULL,
    number BIGINT GENERATED ALWAYS AS IDENTITY,
    type TEXT NOT NULL,
    data JSONB NOT NULL,
    happened_at BIGINT NOT NULL,
    chunk_id BIGINT,
    CONSTRAINT pk_events PRIMARY KEY (ledger_id, event_id),
    CONSTRAINT uq_events_ledger_id_chunk_id UNIQUE (ledger_id, chunk_id)
);
CREATE INDEX ix_events_happened_at ON events (happened_at);

-- One event for one endpoint. A claim moves due_at to where a deliverer that died is given up.
--   pending                waits for due_at: the first attempt, or the next
--   pending -> pending     an attempt failed; due_at says when the next one is
--   pending -> delivered   answered with 2xx; a crash before this commit delivers again, under the same id
--   pending -> dead        the last attempt failed, or the endpoint was disabled
--   dead, delivered -> pending   replay, with all attempts again
CREATE TABLE deliveries (
    ledger_id BYTEA NOT NULL CONSTRAINT ck_deliveries_ledger_id_size CHECK (octet_length(ledger_id) = 32),
    event_id UUID NOT NULL,
    endpoint_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL CONSTRAINT ck_deliveries_state CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL CONSTRAINT ck_deliveries_attempts CHECK (attempts >= 0),
    due_at BIGINT NOT NULL,
    tried_at BIGINT,
    status SMALLINT,
    answer TEXT,
    CONSTRAINT pk_deliveries PRIMARY KEY (ledger_id, event_id, endpoint_id),
    CONSTRAINT fk_deliveries_events FOREIGN KEY(ledger_id, event_id) REFERENCES events (ledger_id, event_id),
    CONSTRAINT ck_deliveries_delivered_was_taken CHECK (state <> 'delivered' OR status BETWEEN 200 AND 299),
    CONSTRAINT fk_deliveries_endpoints FOREIGN KEY(endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE
);
CREATE INDEX ix_deliveries_endpoint_id_number ON deliveries (endpoint_id, number);
CREATE INDEX ix_deliveries_pending ON deliveries (endpoint_id, due_at, number) WHERE state = 'pending';

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION chainsvc_refuse('what happened is told as it was');
