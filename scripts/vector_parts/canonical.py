"""Canonical JSON, and every step of some commitments."""

import json
from typing import Any

from chainsvc import jcs
from chainsvc.commitment import pair_digest
from chainsvc.crypto.suites import SUITES, Suite
from chainsvc.record import Record
from vector_parts.records import LUNCH, disbursement, donation, registration
from vector_parts.sample import entry_of

LIMITS = {"max_bytes": 65_536, "max_depth": 8}

ACCEPTED = (
    "null",
    "[true, false]",
    "0",
    "[9007199254740991, -9007199254740991]",
    '""',
    r'"\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/"',
    r'"\u0000\u0001\b\t\n\f\r\u001f\u007f\u0080\u2028\u2029"',
    r'"\ud83c\udfee \ud840\udc00 e\u0301 \u00e9 \uffff"',
    '"中文，全角：１２３"',
    "[]",
    "[[], [[]], {}]",
    ' { "b" : [ 1 , 2 ] , "a" : { "d" : null , "c" : "x" } } ',
    '{"a_": 1, "a0": 2, "aa": 3, "a": 4, "Z": 5, "~": 6, "": 7}',
    "[[[[[[[[1]]]]]]]]",
)
"""Texts that the subset takes."""

REFUSED = (
    (b"1.0", "a fraction, even an integral one"),
    (b"1e2", "an exponent"),
    (b"-0", "negative zero"),
    (b"9007199254740992", "beyond 2^53-1"),
    (b"-9007199254740992", "beyond -(2^53-1)"),
    (b"18446744073709551616", "beyond 64 bits"),
    (b"01", "a leading zero"),
    (b"NaN", "no JSON number"),
    (b'{"a":1,"a":1}', "a duplicate member"),
    (rb'{"a":1,"\u0061":2}', "a duplicate member written in two ways"),
    (rb'"\ud800"', "a lone high surrogate"),
    (rb'"\udc00\ud800"', "surrogates in the wrong order"),
    (b'"\xff"', "not UTF-8"),
    (b'"\xc0\x80"', "an overlong form in UTF-8"),
    (b'"\xed\xa0\x80"', "a surrogate in UTF-8"),
    (b"\xef\xbb\xbf1", "a byte order mark"),
    (b'"\t"', "an unescaped control character"),
    (b"[1,]", "a trailing comma"),
    (b"1 2", "two values"),
    (b"", "no value"),
    ('{"é":1}'.encode(), "a member name beyond ASCII"),
    (b"[" * 9 + b"]" * 9, "nine levels where eight are allowed"),
)
"""Texts that it does not take, in bytes, and why."""


def files() -> dict[str, Any]:
    """Return ``jcs.json`` and ``commitments.json``."""
    return {"jcs.json": _canonical(), "commitments.json": _commitments()}


def _canonical() -> dict[str, Any]:
    accepted = []
    for text in ACCEPTED:
        canonical = jcs.dumps(jcs.loads(text.encode(), **LIMITS))
        accepted.append({"text": text, "canonical": canonical.decode(), "hex": canonical.hex()})
    refused = [{"hex": data.hex(), "why": why} for data, why in REFUSED]
    return {"rule": "RFC 8785 over the subset; 8 levels at most here", "accepted": accepted, "refused": refused}


def _odd() -> Record:
    """Return a record with every kind of value; no schema has it."""
    body: dict[str, Any] = {
        "empty": [],
        "list": [1, "1", None, True, [], ["x", [0]], {"b": 1, "a": {"c": None}}],
        "nested": {"a": {"b": {"c": {"d": -9_007_199_254_740_991}}}, "a0": 1, "a_": 2, "aa": 3},
        "text": '\u0000\u001f"\\/\u007f\u2028',
        "han": "𠮷野家 \U0001f3ee e\u0301 é",
        "k" * 64: False,
    }
    amount = 9_007_199_254_740_991
    return Record("vector.odd.v1", LUNCH, "", 3, "00" * 32, amount, 0, "1990-12-31T23:59:60Z", body)


def _commitments() -> dict[str, Any]:
    records = (donation(1, 10_000), disbursement(1, 2_500, ["D-0001", "D-0002"]), registration(1, "甲", "乙"), _odd())
    return {
        "rule": "pairs in order of path; digest = H(02 || salt || jcs); commitment = H(preimage); "
        "seed = derived('seed/<reference>') and the salts from it are the holder's matter",
        "commitments": [_commitment(suite, record) for record in records for suite in SUITES.values()],
    }


def _commitment(suite: Suite, record: Record) -> dict[str, Any]:
    entry = entry_of(suite, record)
    rows, parts = [], []
    for (path, value), salt in zip(record.flatten(), entry.salts, strict=True):
        digest = pair_digest(suite, salt, value)
        rows.append([path, salt.hex(), jcs.dumps(value).hex(), digest.hex()])
        parts.append(len(path).to_bytes(2) + path.encode() + digest)
    return {
        "suite": suite.id,
        "record": json.loads(json.dumps(record.to_json())),
        "seed": entry.seed.hex(),
        "pairs": rows,
        "preimage": (b"\x03" + len(parts).to_bytes(2) + b"".join(parts)).hex(),
        "commitment": entry.commitment.hex(),
    }
