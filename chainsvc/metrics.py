"""Prometheus metrics, one group a stage: ``chainsvc_<thing>_<unit>``.

Labels take few values and none about a person, an organization or a ledger; counts by ledger are the API's matter.
"""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0, 172_800.0)
_ENTRIES = (1, 2, 8, 32, 128, 512, 1_024, 2_048, 4_096)

HTTP_REQUEST_SECONDS = Histogram(
    "chainsvc_http_request_seconds", "Time to the whole answer", ["method", "route", "status"], buckets=_SECONDS
)
"""API: one observation a request; ``route`` is the path's pattern."""

RECORDS_ACCEPTED = Counter("chainsvc_records_accepted", "Records and commitments made durable", ["kind"])
"""Intake: new ones only."""

RECORDS_REPEATED = Counter("chainsvc_records_repeated", "Records that were there already", ["kind"])
"""Intake: answered with their first receipt."""

RECORDS_REFUSED = Counter("chainsvc_records_refused", "Records refused, by problem code", ["code"])
"""Intake: ``code`` is that of :mod:`chainsvc.errors`."""

INTAKE_SECONDS = Histogram("chainsvc_intake_chunk_seconds", "Time to make one chunk durable", buckets=_SECONDS)
"""Intake: commit, sign and store one chunk."""

BACKLOG_ENTRIES = Gauge(
    "chainsvc_backlog_entries", "Accepted entries that are not final yet", multiprocess_mode="mostrecent"
)
"""Worker."""

OLDEST_UNANCHORED_SECONDS = Gauge(
    "chainsvc_oldest_unanchored_seconds", "Age of the oldest entry not final yet", multiprocess_mode="mostrecent"
)
"""Worker: alert when it nears the receipts' deadline."""

LEDGERS_BEHIND = Gauge("chainsvc_ledgers_behind", "Ledgers held, since the chain has entries that the journal lost")
"""Worker: after a restore; 0 otherwise."""

LOST_ENTRIES = Gauge("chainsvc_lost_entries", "Entries of those ledgers that are on chain and not in the journal")
"""Worker: after a restore; 0 otherwise."""

BATCH_ENTRIES = Histogram("chainsvc_batch_entries", "Entries of a sealed batch", buckets=_ENTRIES)
"""Worker, sealing."""

SEAL_SECONDS = Histogram("chainsvc_seal_seconds", "Time of one look at a ledger, sealing included", buckets=_SECONDS)
"""Worker, sealing."""

BATCHES_FINAL = Counter("chainsvc_batches_final", "Batches final on chain", ["kind"])
"""Worker, finalizing."""

RECORD_TO_FINAL_SECONDS = Histogram(
    "chainsvc_record_to_final_seconds", "Time from acceptance to finality", ["kind"], buckets=_LONG_SECONDS
)
"""Worker, finalizing: one observation a batch, that of its oldest entry."""

STANDING_CHANGES = Counter("chainsvc_standing_changes", "Changes of standing, by outcome", ["outcome"])
"""Worker: ``final`` or ``refused``."""

TRANSACTIONS = Counter("chainsvc_transactions", "Transactions, by outcome", ["outcome"])
"""Worker: ``saved``, ``held`` (waits), ``refused`` (would revert), ``final``, ``reverted``, ``replaced``."""

GAS_USED = Counter("chainsvc_gas_used", "Gas of final transactions")
"""Worker."""

SENDER_NONCE_GAP = Gauge(
    "chainsvc_sender_nonce_gap", "Saved transactions that are not mined", ["sender"], multiprocess_mode="mostrecent"
)
"""Worker: ``sender`` is the account's address."""

SENDER_BALANCE_WEI = Gauge(
    "chainsvc_sender_balance_wei", "Balance of the anchoring account", ["sender"], multiprocess_mode="mostrecent"
)
"""Worker."""

RPC_REQUEST_SECONDS = Histogram(
    "chainsvc_rpc_request_seconds", "Time of one JSON-RPC request", ["method", "outcome"], buckets=_SECONDS
)
"""Chain: ``outcome`` is ``ok``, ``refused`` (an error answer) or ``unreachable``."""

NODE_FAULT = Gauge(
    "chainsvc_node_fault", "Whether a node of several has a fault", ["node", "fault"], multiprocess_mode="mostrecent"
)
"""Chain: ``fault`` is that of :class:`chainsvc.chain.agreement.Fault`; alert on 1."""

HEAD_HEIGHT = Gauge("chainsvc_chain_head_height", "Newest block seen", multiprocess_mode="mostrecent")
"""Chain."""

HEAD_AGE_SECONDS = Gauge(
    "chainsvc_chain_head_age_seconds", "Age of the newest block seen", multiprocess_mode="mostrecent"
)
"""Chain: alert when blocks stop."""

FINALS_TAKEN_BACK = Counter("chainsvc_finals_taken_back", "Blocks with something final that left the chain")
"""Chain: alert on any; the log has both hashes."""

REORGANIZATIONS = Counter("chainsvc_reorganizations", "Times that a block seen before was gone")
"""Chain: also a restarted devnet."""

VERIFICATIONS = Counter("chainsvc_verifications", "Verifications through the API, by verdict", ["verdict"])
"""Verify."""

WEBHOOK_ATTEMPTS = Counter("chainsvc_webhook_attempts", "Webhook attempts, by outcome", ["outcome"])
"""Webhooks: ``delivered``, ``failed`` (another attempt follows), ``dead`` (none does) or ``disabled`` (an endpoint)."""

WEBHOOK_SECONDS = Histogram("chainsvc_webhook_attempt_seconds", "Time of one webhook attempt", buckets=_SECONDS)
"""Webhooks."""

WEBHOOKS_PENDING = Gauge(
    "chainsvc_webhooks_pending", "Deliveries of webhooks that wait", multiprocess_mode="mostrecent"
)
"""Webhooks: for endpoints that are not disabled."""

WEBHOOKS_OLDEST_SECONDS = Gauge(
    "chainsvc_webhooks_oldest_seconds", "Age of the oldest event not delivered yet", multiprocess_mode="mostrecent"
)
"""Webhooks: grows while an endpoint fails."""

ERASURES = Counter("chainsvc_erasures", "Records erased on request")
"""Journal."""
