"""Every command, with the line that lists show; nothing here imports what a command needs."""

from chainsvc.cli.lazy import Command, Group, Panel

_LEDGER = Group(
    "Open, list, show and close ledgers.",
    {
        "open": Command("ledgers:open_one", "Open a ledger on chain, or find it open."),
        "list": Command("ledgers:list_all", "List all ledgers with their totals."),
        "show": Command("ledgers:show", "Show a ledger, and its batches or entries."),
        "close": Command("ledgers:close", "Close a ledger: it takes no more entries."),
        "mark": Command("far_standing:mark", "Change the standing of an entry in a ledger that another service keeps."),
    },
)
_WEBHOOK = Group(
    "Be told of events by webhooks.",
    {
        "add": Command("webhooks:add", "Ask to be told of events; the secret is shown this once."),
        "list": Command("webhooks:list_all", "List all endpoints of the organization."),
        "show": Command("webhooks:show", "Show an endpoint."),
        "remove": Command("webhooks:remove", "Remove an endpoint, and what was still to be told to it."),
        "enable": Command(
            "webhooks:enable", "Enable an endpoint that was disabled; what it missed is sent by 'webhook replay'."
        ),
        "test": Command("webhooks:try_one", "Send a test message, and show what the receiver answers."),
        "rotate": Command("webhooks:rotate", "Make a new secret; the one before signs beside it for a day."),
        "deliveries": Command(
            "webhooks:deliveries", "List an endpoint's deliveries with their last answers, the newest first."
        ),
        "replay": Command("webhooks:replay", "Send one message again, or all that are dead since a time."),
    },
)
_ORG = Group(
    "Register organizations and who acts for them.",
    {
        "register": Command("organizations:register", "Register an organization and its roles."),
        "delegate": Command("organizations:delegate", "Let an account act for an organization."),
        "show": Command("organizations:show", "Show an organization as it is registered."),
        "suspend": Command("organizations:suspend", "Suspend an organization at once."),
        "resume": Command("organizations:resume", "Lift a suspension."),
        "end": Command("organizations:end", "Plan an organization's end."),
    },
)
_KEY = Group(
    "Make keys, register signing keys on chain, give out API keys.",
    {
        "new": Command("key_files:new", "Make a signing key in a new file."),
        "account": Command("chain_keys:account", "Make a chain account in a new file."),
        "add": Command("chain_keys:add", "Register an organization's signing key on chain."),
        "show": Command("chain_keys:show", "Show a signing key as it is registered."),
        "end": Command("chain_keys:end", "End a signing key at a time to come."),
        "rotate": Group(
            "Replace the service's own keys while it runs.",
            {
                "receipt": Command("rotating:receipt", "Replace the key that signs receipts."),
                "checkpoint": Command("rotating:checkpoint", "Replace the key that signs checkpoints."),
                "account": Command(
                    "rotating:account", "Let a new account anchor for every organization of this service's ledgers."
                ),
                "kek": Command("rotating:kek", "Replace the key-encryption key."),
            },
        ),
        "retire": Command("rotating:retire", "End an anchoring account's right to act for organizations."),
        "compromise": Command("chain_keys:compromise", "Say from when on a signing key's signatures don't count."),
        "api": Group(
            "Give out API keys.",
            {
                "create": Command("api_keys:create", "Make an API key; its secret is shown this once."),
                "list": Command("api_keys:list_all", "List API keys, without their secrets."),
                "rotate": Command("api_keys:rotate", "Make an API key in place of another, which holds for a while."),
                "revoke": Command("api_keys:revoke", "Revoke an API key at once."),
            },
        ),
    },
)
_QUEUE = Group(
    "See to the local queue that records wait in while the service is away.",
    {
        "status": Command("queues:status", "Show how much waits, and what was refused."),
        "drain": Command("queues:drain", "Send what waits, in order."),
        "outcomes": Command("queues:outcomes", "List receipts and refusals of what was sent."),
        "retry": Command("queues:retry", "Let refused records wait again."),
        "drop": Command("queues:drop", "Delete records from the queue for good."),
    },
)
_BUDGET = Group(
    "Set and show budgets of subsidy ledgers.",
    {
        "set": Command("budgets:set_one", "Set a ledger's budget as its regulator."),
        "show": Command("budgets:show", "Show a ledger's budget and what is spent of it."),
    },
)
_NETWORK = Group(
    "Show, export, follow and join networks.",
    {
        "show": Command("networks:show", "Show a network descriptor and its SHA-256."),
        "export": Command("publishing:export", "Write the descriptor for verifiers, signed if asked."),
        "follow": Command("successions:follow", "Follow signed successors from the pinned descriptor."),
        "cosign": Command("successions:cosign", "Add your signature to a successor."),
        "succeed": Command("succeeding:succeed", "Describe the network anew, as successor of the descriptor."),
        "join": Command("joining:join", "Prepare this home for a network that is there already."),
    },
)
_DEVNET = Group(
    "Run the local chain.",
    {
        "up": Command("devnets:up", "Start the local chain, or find it running."),
        "down": Command("devnets:down", "Save the local chain and stop it."),
        "reset": Command("devnets:reset", "Stop the local chain and forget it."),
        "status": Command(
            "devnets:status", "Show whether the local chain runs, and what each validator has and sealed."
        ),
        "stop-validator": Command("consortiums:stop_validator", "Stop one validator of a consortium."),
        "start-validator": Command("consortiums:start_validator", "Start one validator of a consortium."),
        "watch": Command("consortiums:watch", "Tell how a consortium's chain is whenever that changes."),
        "cure": Command("consortiums:cure", "Cure the deadlock of an even split of validators."),
        "fund": Command("funding:fund", "Give an account gas money on the local chain."),
    },
)
_BACKUP = Group(
    "Back the journal up while the service goes on: chainsvc backup DIR.",
    {
        "make": Command("backups:make", "Write a backup to a new folder."),
        "verify": Command("backups:verify", "Check a backup's files without restoring them."),
    },
    default="make",
)
_RESTORE = Group(
    "Restore a backup and prove it against the chain: chainsvc restore DIR.",
    {
        "run": Command("restoring:run", "Fill an empty database from a backup, and prove it."),
        "prove": Command("restoring:prove_all", "Audit every ledger of the journal against the chain."),
        "recover": Command("recoveries:recover", "Bring entries back that the chain has and the journal lost."),
        "adopt": Command("recoveries:adopt", "Let a ledger go on without its lost entries."),
    },
    default="run",
)

PANELS = (
    Panel(
        "Run",
        {
            "up": Command("serving:up", "Start everything on this machine: chain, database, service."),
            "serve": Command("serving:serve", "Serve on the configured node and database."),
            "worker": Command("serving:worker", "Seal and anchor what the API's processes accept."),
            "config": Group(
                "Show settings.", {"show": Command("configuration:show", "Show every setting; secrets are none.")}
            ),
            "db": Group(
                "Keep the database.",
                {"upgrade": Command("databases:upgrade", "Bring the database to this version's schema.")},
            ),
            "backup": _BACKUP,
            "restore": _RESTORE,
            "devnet": _DEVNET,
        },
    ),
    Panel(
        "Records",
        {
            "notarize": Command("notarizing:notarize", "Notarize the records of a file."),
            "status": Command("records:status", "Show how far a record has come."),
            "standing": Command("records:standing", "Show a record's standing, or ask for a change of it."),
            "erase": Command("records:erase", "Erase a record's content for good."),
            "queue": _QUEUE,
            "ledger": _LEDGER,
            "webhook": _WEBHOOK,
        },
    ),
    Panel(
        "Proof",
        {
            "evidence": Command("evidence:evidence", "Get a record's evidence file, or those of a whole ledger."),
            "verify": Command("verifying:verify", "Verify evidence files on this machine."),
            "receipt": Group(
                "Check receipts that were kept.",
                {"check": Command("receipt_checks:check", "Check that every promise in files of receipts is kept.")},
            ),
            "checkpoint": Command("evidence:checkpoint", "Get a signed checkpoint for offline verification."),
            "export": Command("auditing:export", "Export a whole ledger for an audit."),
            "audit": Command("auditing:audit", "Audit whole ledgers: is everything there, and unchanged?"),
            "network": _NETWORK,
        },
    ),
    Panel(
        "Institutions",
        {"org": _ORG, "key": _KEY, "budget": _BUDGET},
    ),
)
"""Panels of the help in their order."""
