"""Chunks, and what is signed over them."""

from typing import Any

from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SUITES
from chainsvc.receipt import ChunkTree, receipt_message, sign_receipts, submission_message
from vector_parts.chain import LARGE, LARGE_INDEXES, SMALL, ledger_of
from vector_parts.constants import derived
from vector_parts.sample import ACCEPTED, ANCHOR_BY, ISSUER_KEY, SERVICE_KEY


def files() -> dict[str, Any]:
    """Return ``chunks.json`` and ``signatures.json``."""
    return {"chunks.json": _chunks(), "signatures.json": _signatures()}


def _commitments(count: int) -> list[bytes]:
    return [derived(f"commitment/{i}") for i in range(count)]


def _chunks() -> dict[str, Any]:
    return {
        "rule": "commitment i is derived('commitment/<i>'), in this order; SHA-256 in every suite",
        "chunks": [_chunk(count, range(count)) for count in SMALL] + [_chunk(LARGE, LARGE_INDEXES)],
    }


def _chunk(count: int, indexes: Any) -> dict[str, Any]:
    tree = ChunkTree(_commitments(count))
    paths = [{"index": i, "path": [node.hex() for node in tree.path(i)]} for i in indexes]
    return {"n": count, "root": tree.root.hex(), "paths": paths}


def _signatures() -> dict[str, Any]:
    ledger, count = ledger_of(SUITES[1]), 5
    root = ChunkTree(_commitments(count)).root
    submission = submission_message(ledger, count, root)
    receipt = receipt_message(ledger, count, root, ACCEPTED, ANCHOR_BY)
    rows = [_row(ISSUER_KEY, "issuer key", submission), _row(SERVICE_KEY, "service key", receipt)]
    receipts = sign_receipts(SERVICE_KEY, ledger, _commitments(count), ACCEPTED, ANCHOR_BY)
    return {
        "rule": "Ed25519 seed = derived('<key>'); keyId = S(01 || publicKey); the chunk is that of n = 5",
        "ledgerId": ledger.hex(),
        "n": count,
        "root": root.hex(),
        "acceptedAt": ACCEPTED,
        "anchorBy": ANCHOR_BY,
        "signatures": rows,
        "receipts": [part.to_json() for part in receipts],
    }


def _row(key: SigningKey, label: str, message: bytes) -> dict[str, Any]:
    return {
        "key": label,
        "seed": derived(label).hex(),
        "publicKey": key.public.hex(),
        "keyId": key.key_id.hex(),
        "message": message.decode(),
        "signature": key.sign(message).hex(),
    }
