"""Evidence files that parse, with what they recompute to, and files that must be refused at step 1."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from chainsvc.evidence import Evidence
from chainsvc.heads import Status
from vector_parts.batches import BATCHES, DONATIONS, ODD, REGISTRATIONS, SIGNED, changes
from vector_parts.records import LUNCH
from vector_parts.sample import Batch, word_after
from vector_parts.state import ChainState

BASE = "evidence/valid/disbursement-shown-in-part.json"
"""The file that the malformed ones are edits of."""

SHOWN = ("/body/amount", "/body/donor")


def valid() -> dict[str, tuple[Batch, Evidence]]:
    """Return the evidence files that parse, by name, with their batches."""
    signed, registrations = SIGNED.signed(SIGNED.evidence("D-0003")), REGISTRATIONS.evidence("J330106-2026-000004")
    donation = DONATIONS.evidence("D-0001")
    dissolved = changes(Status.DISSOLVED, cause=REGISTRATIONS.ledger_id)
    return {
        "donation": (DONATIONS, DONATIONS.evidence("D-0001")),
        "donation-shown-in-part": (DONATIONS, DONATIONS.evidence("D-0001").disclose(SHOWN)),
        "donation-least-shown": (DONATIONS, DONATIONS.evidence("D-0001").disclose(())),
        "disbursement": (DONATIONS, DONATIONS.evidence("P-0001")),
        "disbursement-shown-in-part": (DONATIONS, DONATIONS.evidence("P-0001").disclose(["/body/amount"])),
        "donation-resumed": (DONATIONS, DONATIONS.evidence("D-0001", changes(Status.SUSPENDED, Status.CURRENT))),
        "donation-superseded": (DONATIONS, DONATIONS.evidence("D-0001", changes(Status.SUPERSEDED))),
        "donation-proven": (DONATIONS, replace(donation, proof=ChainState.of(BATCHES).prove(donation))),
        "signed": (SIGNED, signed),
        "signed-proven": (SIGNED, replace(signed, proof=ChainState.of(BATCHES).prove(signed))),
        "registration": (REGISTRATIONS, registrations),
        "registration-dissolved": (REGISTRATIONS, REGISTRATIONS.evidence("J330106-2026-000004", dissolved)),
        "odd-amount": (ODD, ODD.evidence("D-0007")),
        "odd-fields": (ODD, ODD.evidence("D-0008")),
        "odd-schema": (ODD, ODD.evidence("D-0009")),
    }


def files() -> dict[str, Any]:
    """Return ``evidence/valid.json``, each of its files, and ``evidence/malformed.json``."""
    members: dict[str, Any] = {f"evidence/valid/{name}.json": one.to_bytes() for name, (_, one) in valid().items()}
    rows = [_facts(name, batch, one) for name, (batch, one) in valid().items()]
    rule = "each file parses; recomputed from it: commitment, ledgerId, leaf, root, head, and word over all changes"
    members["evidence/valid.json"] = {"rule": rule, "files": rows}
    good = members[BASE]
    members["evidence/malformed.json"] = {
        "rule": "each is refused at step 1; the file is an edit of base (README.md)",
        "base": BASE,
        "files": [{"name": name, **splice(good, data)} for name, data in _malformed(good)],
    }
    return members


def splice(base: bytes, data: bytes) -> dict[str, Any]:
    """Return the one replaced range between two files: ``data = base[0:start] + put * times + base[end:]``."""
    shorter = min(len(base), len(data))
    start = next((i for i in range(shorter) if base[i] != data[i]), shorter)
    tail = next((i for i in range(shorter - start) if base[-1 - i] != data[-1 - i]), shorter - start)
    return edit_of(start, len(base) - tail, data[start : len(data) - tail])


def edit_of(start: int, end: int, put: bytes, times: int = 1) -> dict[str, Any]:
    """Return an edit's JSON form: what is put in stands as text where it is one."""
    try:
        return {"start": start, "end": end, "times": times, "text": put.decode()}
    except UnicodeDecodeError:
        return {"start": start, "end": end, "times": times, "hex": put.hex()}


def _facts(name: str, batch: Batch, evidence: Evidence) -> dict[str, Any]:
    root = batch.tree.root
    return {
        "file": f"evidence/valid/{name}.json",
        "ledgerId": evidence.ledger_id.hex(),
        "commitment": evidence.commitment().hex(),
        "leaf": batch.leaves[evidence.seq - batch.facts.first].hash.hex(),
        "root": [root.hash.hex(), root.credit, root.debit],
        "head": batch.head.hex(),
        "word": word_after(batch.ledger_id, evidence.seq, evidence.status).hex(),
        "hidden": [pair.path for pair in evidence.pairs if pair.hidden],
    }


Edit = Callable[[dict[str, Any]], Any]


def _set(path: str, value: Any) -> Edit:
    """Return an edit that puts the value at a JSON Pointer."""
    *parents, last = path[1:].split("/")

    def edit(root: dict[str, Any]) -> None:
        place: Any = root
        for key in parents:
            place = place[int(key) if isinstance(place, list) else key]
        place[int(last) if isinstance(place, list) else last] = value

    return edit


def _drop(member: str) -> Edit:
    return lambda root: root.pop(member)


_HEX = "0a" * 32


def _part(member: str, **changed: Any) -> Edit:
    """Return an edit that puts in a submission or receipt of the right shape but for the changed members."""
    return _set(f"/{member}", {"alg": 1, "index": 0, "n": 1, "path": [], "pubkey": "", "signature": "", **changed})


def _proof(**changed: Any) -> dict[str, Any]:
    storage: dict[str, Any] = {"head": [], "key": [], "word": []}
    return {"account": [], "header": "", "institutions": [], "storage": storage, **changed}


EDITS: dict[str, Edit] = {
    "another format": _set("/format", "chainsvc-evidence/2"),
    "format is a number": _set("/format", 1),
    "unknown member": _set("/note", None),
    "missing member": _drop("receipt"),
    "network too short": _set("/network", "00" * 31),
    "network in capitals": _set("/network", "0A" * 32),
    "network with prefix": _set("/network", "0x" + "00" * 31),
    "contract too long": _set("/contract", "00" * 21),
    "unknown suite": _set("/suite", 3),
    "suite is true": _set("/suite", value=True),
    "unknown flag": _set("/flags", 2),
    "seq is negative": _set("/seq", -1),
    "seq is a string": _set("/seq", "0"),
    "pairs is null": _set("/pairs", None),
    "no pairs": _set("/pairs", []),
    "pair of one": _set("/pairs/0", ["/body"]),
    "pair of four": _set("/pairs/0", ["/body", "00" * 16, None, None]),
    "path without slash": _set("/pairs/0/0", "body"),
    "path with a capital": _set("/pairs/0/0", "/Body"),
    "path of nine parts": _set("/pairs/0/0", "/a" * 9),
    "salt too short": _set("/pairs/0/1", "00" * 15),
    "digest too short": _set("/pairs/0", ["/body/amount", "00" * 31]),
    "an object as value": _set("/pairs/0/2", {"a": 1}),
    "an empty object in an array": _set("/pairs/0/2", [{}]),
    "a capital key in an array": _set("/pairs/0/2", [{"A": 1}]),
    "node of two": _set("/path/0", [_HEX, 0]),
    "node with a negative sum": _set("/path/0", [_HEX, 0, -1]),
    "batch without prev": lambda root: root["batch"].pop("prev"),
    "batch of 4,097": _set("/batch/count", 4097),
    "actor too short": _set("/batch/actor", "00" * 19),
    "unknown status": _set("/status", [[7, _HEX, 0, "00" * 20, 1, 1]]),
    "status of five": _set("/status", [[1, _HEX, 0, "00" * 20, 1]]),
    "submission of the wrong shape": _set("/submission", {"alg": 1}),
    "receipt as a list": _set("/receipt", []),
    "proof without storage": _set("/proof", {"account": [], "header": "", "institutions": []}),
    "batch block beyond 2^53-1": _set("/batch/block", 2**53),
    "a head before of 31 bytes": _set("/batch/prev", "00" * 31),
    "cause beyond 2^53-1": _set("/status", [[1, _HEX, 2**53, "00" * 20, 1, 1]]),
    "status is an object": _set("/status", {}),
    "path is null": _set("/path", None),
    "a sum beyond 2^53-1 in the path": _set("/path/0", [_HEX, 0, 2**53]),
    "submission: algorithm 256": _part("submission", alg=256),
    "submission: position 4,097": _part("submission", index=4097),
    "submission: chunk of 4,097": _part("submission", n=4097),
    "submission: a sibling of 31 bytes": _part("submission", path=["00" * 31]),
    "submission: key in capitals": _part("submission", pubkey="AA"),
    "submission: half a byte of signature": _part("submission", signature="0"),
    "submission with times": _part("submission", acceptedAt=1, anchorBy=1),
    "receipt without times": _part("receipt"),
    "receipt: negative time": _part("receipt", acceptedAt=-1, anchorBy=1),
    "proof: a node that is no text": _set("/proof", _proof(account=[None])),
    "proof: header in capitals": _set("/proof", _proof(header="AA")),
    "proof: unknown member": _set("/proof", _proof(seals=[])),
    "timestamp is not base64": _set("/timestamps", ["é"]),
    "timestamp with bits left over": _set("/timestamps", ["QR=="]),
    "timestamps is null": _set("/timestamps", None),
}


def _malformed(good: bytes) -> Iterator[tuple[str, bytes]]:
    for name, edit in EDITS.items():
        value = json.loads(good)
        edit(value)
        yield name, _plain(value)
    for path in ("/credit", "/debit", "/ledger", "/previous", "/revision", "/schema"):
        yield f"{path} is hidden", _hidden(good, path)
    yield "/ledger is no name", _revalued(good, "/ledger", LUNCH.upper())
    yield "/credit is negative", _revalued(good, "/credit", -1)
    yield "/debit is a string", _revalued(good, "/debit", "2500")
    yield from _respelled(good)


def _hidden(good: bytes, path: str) -> bytes:
    value = json.loads(good)
    value["pairs"] = [[path, "00" * 32] if pair[0] == path else pair for pair in value["pairs"]]
    return _plain(value)


def _revalued(good: bytes, path: str, new: Any) -> bytes:
    value = json.loads(good)
    value["pairs"] = [[path, pair[1], new] if pair[0] == path else pair for pair in value["pairs"]]
    return _plain(value)


def _plain(value: Any) -> bytes:
    """Write canonical bytes without the checks of :mod:`chainsvc.jcs`, so that the edit alone is wrong."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _respelled(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the same content in bytes that are not canonical, and bytes that are no content."""
    yield "a newline at the end", good + b"\n"
    yield "a space after a colon", good.replace(b'"seq":', b'"seq": ', 1)
    yield "a slash escaped", good.replace(b'"/credit"', rb'"\/credit"', 1)
    yield "a character escaped", good.replace(b'"/credit"', rb'"\u002fcredit"', 1)
    yield "a duplicate member", good.replace(b'"seq":', b'"seq":0,"seq":', 1)
    yield "members in another order", b'{"timestamps":[],' + good[1:].replace(b',"timestamps":[]', b"", 1)
    yield "a number with a fraction", good.replace(b'"suite":1', b'"suite":1.0', 1)
    yield "a number with an exponent", good.replace(b'"suite":1', b'"suite":1e0', 1)
    yield "negative zero", good.replace(b'"flags":0', b'"flags":-0', 1)
    yield "a byte order mark", b"\xef\xbb\xbf" + good
    yield "a byte that is not UTF-8", good.replace(b"/credit", b"/cr\xffdit", 1)
    yield "cut short", good[:-1]
    yield "empty", b""
    yield "null", b"null"
    yield "an array", b"[]"
    yield "thirteen levels", b'{"pairs":' + b"[" * 12 + b"]" * 12 + b"}"
