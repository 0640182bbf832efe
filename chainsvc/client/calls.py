"""Every call of the API, as a value."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson

from chainsvc.client.answers import (
    SKELETON,
    Accepted,
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.client.exchange import Answer, Call, Part
from chainsvc.client.problems import result_of
from chainsvc.crypto.suites import Suite
from chainsvc.errors import ChainsvcError
from chainsvc.heads import Status
from chainsvc.network import Network
from chainsvc.reading import array_of, unhex
from chainsvc.receipt import Receipt
from chainsvc.record import LedgerName

T = TypeVar("T")


def hand_over(ledger: str, noun: str, body: Mapping[str, Any]) -> Call[list[Accepted | ChainsvcError]]:
    """Hand a chunk over, ``noun`` being ``records`` or ``commitments``; repeating it is safe."""
    count = len(body[noun])

    def read(value: Any) -> list[Accepted | ChainsvcError]:
        results = [result_of(result) for result in array_of(value["results"], "/results", count)]
        return [result for result in results if result is not None]

    return Call("POST", f"{ledger_path(ledger)}/{noun}", _json(read), body=orjson.dumps(body))


def hand_over_lines(ledger: str, noun: str, body: bytes, *, compressed: bool) -> Call[bytes | None]:
    """Hand any number of lines over; the result is the answer's lines as far as they came.

    It is None where the service has no such route; a ledger that is not there is answered so too.
    """
    return Call(
        "POST",
        f"{ledger_path(ledger)}/{noun}:bulk",
        lambda answer: answer.body,
        body=body,
        media_type="application/x-ndjson",
        encoding="gzip" if compressed else None,
        cuttable=True,
        unknown=lambda: None,
    )


def status_of(record_id: bytes, *, with_record: bool = False) -> Call[RecordStatus]:
    """Ask where a record stands."""
    return Call("GET", f"/v1/records/{record_id.hex()}", _json(RecordStatus.from_json), _flag("record", on=with_record))


def find(ledger: str, reference: str, revision: int | None, *, with_record: bool = False) -> Call[RecordStatus]:
    """Ask for a record by its reference."""
    query = {"reference": reference, **_flag("record", on=with_record)}
    if revision is not None:
        query["revision"] = str(revision)
    return Call("GET", f"{ledger_path(ledger)}/records", _json(RecordStatus.from_json), query)


def evidence_of(record_id: bytes, disclose: str, *, proof: bool) -> Call[tuple[bytes, bool]]:
    """Ask for evidence: its bytes, and whether they are a skeleton."""
    query = {**({"disclose": disclose} if disclose else {}), **_flag("proof", on=proof)}
    return Call("GET", f"/v1/records/{record_id.hex()}/evidence", _file, query)


EVIDENCE_PAGE = 256
"""Evidence files of one call; with proofs some 3 MB."""


def evidences(ledger: str, after: int | None, disclose: str, *, proof: bool, block: int | None) -> Call[list[bytes]]:
    """Ask for the evidence of a ledger's next entries: its lines."""
    query = {"limit": str(EVIDENCE_PAGE), **({"disclose": disclose} if disclose else {}), **_flag("proof", on=proof)}
    query |= {name: str(number) for name, number in (("after", after), ("block", block)) if number is not None}
    return Call("GET", f"{ledger_path(ledger)}/evidence", lambda answer: answer.body.splitlines(), query)


def receipt_of(record_id: bytes) -> Call[tuple[bytes, Receipt]]:
    """Ask for a record's receipt, with the ledger id that it is signed for."""

    def read(value: Any) -> tuple[bytes, Receipt]:
        return unhex(value["ledger_id"], "/ledger_id", 32), Receipt.from_json(value["receipt"])

    return Call("GET", f"/v1/records/{record_id.hex()}/receipt", _json(read))


def standing_of(record_id: bytes) -> Call[Standing]:
    """Ask for an entry's standing."""
    return Call("GET", f"/v1/records/{record_id.hex()}/standing", _json(Standing.from_json))


def change_standing(record_id: bytes, status: Status, cause: bytes) -> Call[StandingChange]:
    """Ask for a change of standing; a second one would be another change, so it is not repeated blindly."""
    body = orjson.dumps({"status": status.label, "cause": cause.hex()})
    path = f"/v1/records/{record_id.hex()}/standing"
    return Call("POST", path, _json(StandingChange.from_json), body=body, repeatable=False)


def erase(record_id: bytes, reason: str) -> Call[Erasure]:
    """Ask for a record's erasure."""
    body = orjson.dumps({"reason": reason})
    return Call("DELETE", f"/v1/records/{record_id.hex()}", _json(Erasure.from_json), body=body)


def ledger(name: str) -> Call[LedgerFacts]:
    """Ask for a ledger's facts."""
    return Call("GET", ledger_path(name), _json(LedgerFacts.from_json))


def open_ledger(name: str, suite: Suite, *, signed: bool) -> Call[LedgerFacts]:
    """Open a ledger, or get the one that is open."""
    body = orjson.dumps({"name": name, "suite": suite.name, "signed": signed})
    return Call("POST", "/v1/ledgers", _json(LedgerFacts.from_json), body=body)


def close_ledger(name: str) -> Call[LedgerFacts]:
    """Close a ledger."""
    return Call("POST", f"{ledger_path(name)}/close", _json(LedgerFacts.from_json))


def ledgers(after: str | None) -> Call[Part[LedgerFacts]]:
    """Ask for a page of all ledgers."""
    return Call("GET", "/v1/ledgers", _part("ledgers", LedgerFacts.from_json), _after(after))


def entries(name: str, after: str | None) -> Call[Part[LedgerEntry]]:
    """Ask for a page of a ledger's entries."""
    return Call("GET", f"{ledger_path(name)}/entries", _part("entries", LedgerEntry.from_json), _after(after))


def batches(name: str, after: str | None) -> Call[Part[LedgerBatch]]:
    """Ask for a page of a ledger's batches."""
    return Call("GET", f"{ledger_path(name)}/batches", _part("batches", LedgerBatch.from_json), _after(after))


def export(name: str, *, disclose: bool) -> Call[None]:
    """Ask for a ledger's export; its body is streamed, not read here."""
    return Call("GET", f"{ledger_path(name)}/export", lambda _: None, _flag("disclose", on=disclose))


def network() -> Call[Network]:
    """Ask for the network's descriptor."""
    return Call("GET", "/v1/network", lambda answer: Network.parse(answer.body))


def checkpoint(*, new: bool) -> Call[str]:
    """Ask for the newest checkpoint, or for one of the newest final block."""
    method, path = ("POST", "/v1/checkpoints") if new else ("GET", "/v1/checkpoints/latest")
    return Call(method, path, lambda answer: answer.body.decode())


def ledger_path(name: str) -> str:
    """Return a ledger's path.

    Raises:
        MalformedInput: Not a ledger's name.
    """
    return f"/v1/ledgers/{LedgerName.parse(name)}"


def _json(read: Callable[[Any], T]) -> Callable[[Answer], T]:
    return lambda answer: read(answer.json())


def _part(noun: str, read: Callable[[Any], T]) -> Callable[[Answer], Part[T]]:
    def part(answer: Answer) -> Part[T]:
        value = answer.json()
        return Part(tuple(read(item) for item in value[noun]), value["next"])

    return part


def _file(answer: Answer) -> tuple[bytes, bool]:
    return answer.body, answer.media_type == SKELETON


def _flag(name: str, *, on: bool) -> dict[str, str]:
    return {name: "true"} if on else {}


def _after(cursor: str | None) -> dict[str, str]:
    return {"limit": "1000", **({} if cursor is None else {"after": cursor})}
