"""Section 12 of docs/evidence-format.md once more: which files are evidence."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from support import plain
from support.plain_chain import RefusedError, need

MAX = 2**53 - 1
SHOWN = {"/credit", "/debit", "/ledger", "/previous", "/revision", "/schema"}
MEMBERS = "batch contract flags format network pairs path proof receipt seq status submission suite timestamps"
KEY = r"[a-z][a-z0-9_]{0,63}"
LEDGER = r"[a-z]{1,16}/([0-9A-Z]{18})/[A-Z0-9-]{1,32}"


def is_hex(value: Any, length: int | None = None) -> bool:
    digits = "*" if length is None else f"{{{length}}}"
    return isinstance(value, str) and re.fullmatch(f"(?:[0-9a-f]{{2}}){digits}", value) is not None


def is_whole(value: Any, most: int = MAX) -> bool:
    return type(value) is int and 0 <= value <= most


def has(value: Any, names: str) -> bool:
    return isinstance(value, dict) and set(value) == set(names.split())


def fits(values: Any, *checks: Callable[[Any], bool]) -> bool:
    return (
        isinstance(values, list)
        and len(values) == len(checks)
        and all(c(v) for c, v in zip(checks, values, strict=True))
    )


def hash32(value: Any) -> bool:
    return is_hex(value, 32)


def address(value: Any) -> bool:
    return is_hex(value, 20)


def parse(data: bytes) -> Any:  # section 12
    need(len(data) <= 262_144, "too large")
    text = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data)
    depth = deepest = 0
    for byte in text:
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    need(deepest <= 12, "too deep")
    try:
        value = json.loads(data.decode("utf-8"))
        need(plain.jcs(value) == data, "not canonical")
    except ValueError as error:
        raise RefusedError("not JSON") from error
    need(has(value, MEMBERS) and value["format"] == "chainsvc-evidence/1", "members")
    need(value["proof"] is not None or len(data) <= 65_536, "too large")
    need(hash32(value["network"]) and address(value["contract"]) and is_whole(value["seq"]), "network, contract or seq")
    need(is_whole(value["suite"]) and value["suite"] in (1, 2) and is_whole(value["flags"], 1), "suite or flags")
    need(
        isinstance(value["pairs"], list) and len(value["pairs"]) <= 256 and all(map(pair_fits, value["pairs"])), "pairs"
    )
    shown = disclosed(value)
    need(set(shown) >= SHOWN and re.fullmatch(LEDGER, str(shown["/ledger"])), "what must be shown")
    need(is_whole(shown["/credit"]) and is_whole(shown["/debit"]), "amounts")
    need(isinstance(value["path"], list) and all(fits(n, hash32, is_whole, is_whole) for n in value["path"]), "path")
    batch_fits(value["batch"])
    change = (lambda v: is_whole(v, 6), hash32, is_whole, address, is_whole, is_whole)
    need(isinstance(value["status"], list) and len(value["status"]) <= 256, "status")
    need(all(fits(c, *change) for c in value["status"]), "status")
    signed_fits(value["submission"], "alg index n path pubkey signature")
    signed_fits(value["receipt"], "alg index n path pubkey signature acceptedAt anchorBy")
    proof_fits(value["proof"])
    need(isinstance(value["timestamps"], list) and all(map(is_base64, value["timestamps"])), "timestamps")
    return value


def pair_fits(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) not in (2, 3) or not isinstance(pair[0], str):
        return False
    if not re.fullmatch(f"(?:/{KEY}){{1,8}}", pair[0]):
        return False
    return hash32(pair[1]) if len(pair) == 2 else is_hex(pair[1], 16) and value_fits(pair[2], top=True)


def value_fits(value: Any, *, top: bool = False) -> bool:
    if isinstance(value, dict):
        return not top and bool(value) and all(re.fullmatch(KEY, key) and value_fits(v) for key, v in value.items())
    if isinstance(value, list):
        return all(map(value_fits, value))
    return value is None or type(value) in (bool, str) or (type(value) is int and -MAX <= value <= MAX)


def batch_fits(batch: Any) -> None:
    need(has(batch, "actor block count first index prev time"), "batch")
    need(address(batch["actor"]) and hash32(batch["prev"]) and is_whole(batch["count"], 4096), "batch")
    need(all(is_whole(batch[name]) for name in ("block", "first", "index", "time")), "batch")


def signed_fits(part: Any, names: str) -> None:
    if part is None:
        return
    need(
        has(part, names) and is_whole(part["alg"], 255) and is_hex(part["pubkey"]) and is_hex(part["signature"]), names
    )
    need(is_whole(part["index"], 4096) and is_whole(part["n"], 4096), names)
    need(isinstance(part["path"], list) and all(map(hash32, part["path"])), names)
    need(all(is_whole(part[name]) for name in ("acceptedAt", "anchorBy") if name in part), names)


def proof_fits(proof: Any) -> None:
    if proof is None:
        return
    need(has(proof, "account header institutions storage") and has(proof["storage"], "head key word"), "proof")
    lists = [proof["account"], proof["institutions"], *proof["storage"].values()]
    need(
        is_hex(proof["header"]) and all(isinstance(nodes, list) and all(map(is_hex, nodes)) for nodes in lists), "proof"
    )


def is_base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
    except ValueError:
        return False


def disclosed(value: Any) -> dict[str, Any]:
    return {pair[0]: pair[2] for pair in reversed(value["pairs"]) if len(pair) == 3}
