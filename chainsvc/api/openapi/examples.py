"""Examples of the OpenAPI document, written by the classes that write the real answers."""

import base64
import hashlib
from typing import Any

from chainsvc.client.answers import (
    Accepted,
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.client.answers.webhooks import Delivery, Endpoint
from chainsvc.client.problems import problem_of, result_json
from chainsvc.crypto.suites import SHA256
from chainsvc.errors import AccessDenied, ChainsvcError, NotFound, PolicyRefused, Problem, RecordRefused
from chainsvc.heads import Status
from chainsvc.receipt import Receipt

LEDGER = "charity/53320600123456789X/LUNCH-2026"
_AT = 1_767_578_400
_DAY = 86_400


def _bytes(word: str, length: int = 32) -> bytes:
    """Return bytes that look like any other."""
    return hashlib.shake_256(word.encode()).digest(length)


RECORD: dict[str, Any] = {
    "schema": "charity.donation.v1",
    "ledger": LEDGER,
    "reference": "JZ2026-000001",
    "revision": 0,
    "previous": None,
    "credit": 50_000,
    "debit": 0,
    "issued_at": "2026-01-05T10:00:00+08:00",
    "body": {
        "number": "JZ2026-000001",
        "date": "2026-01-05",
        "campaign": "暖心午餐",
        "donor": {"name": "爱心企业", "uscc": None, "anonymous": False},
        "method": "银行转账",
        "currency": "CNY",
        "amount": 50_000,
        "goods": None,
        "designated": True,
        "purpose": "午餐",
        "receipt_number": None,
        "remark": None,
    },
}

_RECEIPT = Receipt(1, 0, 1, (), _bytes("public key"), _bytes("signature", 64), _AT, _AT + _DAY)
_ACCEPTED = Accepted(_bytes("commitment"), "JZ2026-000001", 0, _RECEIPT, again=False)
_STATUS = RecordStatus(
    commitment=_ACCEPTED.commitment,
    ledger=LEDGER,
    reference="JZ2026-000001",
    revision=0,
    state="final",
    seq=41,
    batch=1,
    standing=Status.CURRENT,
    accepted_at=_AT,
    anchor_by=_AT + _DAY,
    erased=False,
    private=False,
)
_FACTS = LedgerFacts(
    name=LEDGER,
    network=_bytes("network"),
    contract=_bytes("contract", 20),
    suite=SHA256,
    flags=0,
    closed=False,
    entries=96,
    credit=4_800_000,
    debit=1_200_000,
    batches=2,
    anchored_entries=64,
    anchored_credit=3_200_000,
    anchored_debit=1_200_000,
)
_CHANGE = StandingChange(Status.REVOKED, "requested", _FACTS.ledger_id, 57, _bytes("cause"))
_ENTRY = LedgerEntry(_ACCEPTED.commitment, "final", 41, 1, 50_000, 0, None, Status.CURRENT, _AT)
_BATCH = LedgerBatch(
    index=1,
    first=32,
    count=32,
    root=_bytes("root"),
    credit=1_600_000,
    debit=0,
    state="final",
    transaction=_bytes("transaction"),
    prev=_bytes("prev"),
    head=_bytes("head"),
    actor=_bytes("actor", 20),
    block=1_204,
    block_hash=_bytes("block"),
    time=_AT + 2,
)
_REFUSED = RecordRefused(
    "the record breaks its schema",
    (Problem("/body/amount", "not an integer of fen", "integer 0 to 9007199254740991", "string"),),
)
_ENDPOINT = Endpoint(
    id="0123456789abcdef",
    url="https://foundation.example.org/chainsvc",
    events=("batch.final", "standing.final", "receipt.overdue"),
    all_ledgers=False,
    ledger=None,
    description="业务系统",
    scheme="v1",
    created_at=_AT,
)
_DELIVERY = Delivery(
    id=f"evt_{_bytes('event', 16).hex()}",
    type="batch.final",
    happened_at=_AT + 2,
    state="pending",
    attempts=1,
    due_at=_AT + 8,
    tried_at=_AT + 3,
    status=503,
    answer="maintenance until 10:00",
)
_PART = _RECEIPT.to_json()
_SUBMISSION = {member: _PART[member] for member in ("alg", "index", "n", "path", "pubkey", "signature")}

EXAMPLES: dict[str, Any] = {
    "Record": RECORD,
    "Accepted": _ACCEPTED.to_json(),
    "AcceptedOrResults": {"results": [_ACCEPTED.to_json(), result_json(_REFUSED)]},
    "Results": {"results": [_ACCEPTED.to_json(), result_json(_REFUSED)]},
    "RecordStatus": _STATUS.to_json(),
    "ReceiptFile": {
        "id": _ACCEPTED.id,
        "ledger": LEDGER,
        "ledger_id": _FACTS.ledger_id.hex(),
        "receipt": _RECEIPT.to_json(),
    },
    "Erasure": Erasure(_ACCEPTED.commitment, _AT + _DAY, "0123456789abcdef", "捐赠人申请").to_json(),
    "Standing": Standing(Status.CURRENT, (_CHANGE,)).to_json(),
    "StandingChange": _CHANGE.to_json(),
    "Ledger": _FACTS.to_json(),
    "LedgersPage": {"ledgers": [_FACTS.to_json()], "next": None},
    "EntriesPage": {"entries": [_ENTRY.to_json()], "next": "ZW50cmllczo0MQ"},
    "BatchesPage": {"batches": [_BATCH.to_json()], "next": None},
    "Verdict": {
        "format": "chainsvc-verdict/1",
        "verdict": "invalid",
        "verdictZh": "无效",
        "exitCode": 12,
        "steps": [
            {
                "number": 1,
                "name": "parse",
                "nameZh": "解析",
                "outcome": "failed",
                "expected": "the bytes of RFC 8785",
                "got": None,
                "reason": "not canonical JSON",
            }
        ],
        "facts": None,
    },
    "Health": {"status": "ok", "version": "0.1.0"},
    "Readiness": {"ready": True, "parts": {"database": "ok", "worker": "ok", "receipt key": "ok"}},
    "RecordChunk": {"records": [RECORD], "seeds": None, "submission": None},
    "CommitmentChunk": {
        "commitments": [{"commitment": _ACCEPTED.id, "credit": 50_000, "debit": 0, "previous": None}],
        "submission": _SUBMISSION,
    },
    "LedgerOpening": {"name": LEDGER, "suite": "sha256", "signed": False},
    "StandingRequest": {"status": "revoked", "cause": _bytes("cause").hex()},
    "ErasureRequest": {"reason": "捐赠人申请"},
    "Endpoint": _ENDPOINT.to_json(),
    "NewEndpoint": {**_ENDPOINT.to_json(), "secret": f"whsec_{base64.b64encode(_bytes('secret')).decode()}"},
    "Endpoints": {"endpoints": [_ENDPOINT.to_json()]},
    "Delivery": _DELIVERY.to_json(),
    "DeliveriesPage": {"deliveries": [_DELIVERY.to_json()], "next": None},
    "EndpointOrder": {
        "url": _ENDPOINT.url,
        "events": list(_ENDPOINT.events),
        "all_ledgers": False,
        "ledger": None,
        "description": _ENDPOINT.description,
        "scheme": "v1",
    },
    "ReplayRequest": {"since": _AT, "delivered": False},
    "Replayed": {"replayed": 12},
}


PROBLEMS: dict[int, ChainsvcError] = {
    401: AccessDenied("this call needs an API key", hint="Send the header Authorization: Bearer csk_<id>_<secret>."),
    404: NotFound("no such record", got="00" * 32),
    409: PolicyRefused(
        "the debit would pass the credit of the ledger", expected="at most 120000 fen", got="150000 fen", where="/debit"
    ),
    422: _REFUSED,
}
"""One problem for each status that is worth showing."""


def problem_example(status: int) -> dict[str, Any] | None:
    """Return an example problem of that status."""
    error = PROBLEMS.get(status)
    return None if error is None else problem_of(error)
