"""Evidence: the self-contained file that proves one anchored entry, ``chainsvc-evidence/1``.

The file is exactly the canonical JSON (RFC 8785) of one object, which settles duplicate members,
number forms and whitespace. Nothing that can be recomputed is stated: no root, head, sum or ledger id.
docs/evidence-format.md is the specification.
"""

import base64
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import orjson

from chainsvc import jcs
from chainsvc.commitment import commit_paths, pair_digest, pair_digests
from chainsvc.crypto.suites import Suite, suite_of
from chainsvc.errors import MalformedInput
from chainsvc.evidence import bulk
from chainsvc.evidence.parts import BatchFacts, Pair, Proof, StatusChange
from chainsvc.heads import Status
from chainsvc.reading import array_of, members_of, text, unhex, whole
from chainsvc.receipt import Receipt, Submission
from chainsvc.record import DISCLOSED, MAX_PAIRS, LedgerName, ledger_id
from chainsvc.sumtree import MAX_SUM, Node

FORMAT = "chainsvc-evidence/1"
"""The only version; new members mean a new one."""

MAX_BYTES = 65_536
"""Largest file without a proof, in bytes."""

MAX_BYTES_WITH_PROOF = 262_144
"""Largest file with a proof, in bytes."""

MAX_DEPTH = 12
"""Deepest nesting: a record's own eight levels inside ``pairs``."""

MAX_CHANGES = 256
"""Most changes of standing of one entry."""

_SEQ_MAX = 2**53 - 1
_HASH, _ADDRESS = 32, 20
_MEMBERS = frozenset(
    ["batch", "contract", "flags", "format", "network", "pairs", "path", "proof", "receipt", "seq", "status"]
).union(["submission", "suite", "timestamps"])


@dataclass(frozen=True)
class Evidence:
    """One parsed evidence file; the attributes are the members of the format."""

    network: bytes
    contract: bytes
    suite: Suite
    flags: int
    pairs: tuple[Pair, ...]
    seq: int
    path: tuple[Node, ...]
    batch: BatchFacts
    status: tuple[StatusChange, ...]
    submission: Submission | None
    receipt: Receipt | None
    proof: Proof | None
    timestamps: tuple[bytes, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a file: limits first, then canonical bytes, then every member.

        Raises:
            MalformedInput: Whatever is not exactly as the format says, with its place.
        """
        try:
            return cls._read(data, _plain(data))
        except Exception:  # noqa: BLE001 - whatever it is, the careful reader says it in the order of the format
            return cls._read(data, _canonical(data))

    @classmethod
    def _read(cls, data: bytes, value: Any) -> Self:
        """Take the parsed value apart; every scalar and every name in it is looked at."""
        value = members_of(value, _MEMBERS)
        if value["format"] != FORMAT:
            raise MalformedInput("unknown format", expected=FORMAT, got=str(value["format"])[:40], where="/format")
        if value["proof"] is None and len(data) > MAX_BYTES:
            raise MalformedInput("too large without a proof", expected=f"{MAX_BYTES} bytes", got=f"{len(data)} bytes")
        evidence = cls(
            network=unhex(value["network"], "/network", _HASH),
            contract=unhex(value["contract"], "/contract", _ADDRESS),
            suite=suite_of(whole(value["suite"], "/suite", 255)),
            flags=whole(value["flags"], "/flags", 1),
            pairs=_pairs(value["pairs"]),
            seq=whole(value["seq"], "/seq", _SEQ_MAX),
            path=_path(value["path"]),
            batch=BatchFacts.from_json(value["batch"]),
            status=_changes(value["status"]),
            submission=None if value["submission"] is None else Submission.from_json(value["submission"]),
            receipt=None if value["receipt"] is None else Receipt.from_json(value["receipt"]),
            proof=None if value["proof"] is None else Proof.from_json(value["proof"]),
            timestamps=tuple(_token(token) for token in array_of(value["timestamps"], "/timestamps")),
        )
        evidence.check_disclosed()
        return evidence

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return jcs.dumps(
            {
                "batch": self.batch.to_json(),
                "contract": self.contract.hex(),
                "flags": self.flags,
                "format": FORMAT,
                "network": self.network.hex(),
                "pairs": [pair.to_json() for pair in self.pairs],
                "path": [[node.hash.hex(), node.credit, node.debit] for node in self.path],
                "proof": None if self.proof is None else self.proof.to_json(),
                "receipt": None if self.receipt is None else self.receipt.to_json(),
                "seq": self.seq,
                "status": [change.to_json() for change in self.status],
                "submission": None if self.submission is None else self.submission.to_json(),
                "suite": self.suite.id,
                "timestamps": [base64.b64encode(token).decode() for token in self.timestamps],
            }
        )

    def check_disclosed(self) -> None:
        """Refuse evidence that hides what every evidence must show.

        Raises:
            MalformedInput: A path of :data:`chainsvc.record.DISCLOSED` is missing or hidden, the
                ledger's name is malformed, or the amounts are not such.
        """
        if missing := [path for path in DISCLOSED if path not in self.shown]:
            raise MalformedInput("a value must be disclosed", expected=", ".join(DISCLOSED), got=f"no {missing[0]}")
        LedgerName.parse(text(self.value("/ledger"), "/ledger"))
        whole(self.value("/credit"), "/credit", MAX_SUM)
        whole(self.value("/debit"), "/debit", MAX_SUM)

    @cached_property
    def shown(self) -> Mapping[str, Any]:
        """The disclosed values by path."""
        return {path: value for path, salt, value, _ in reversed(self.pairs) if salt is not None}

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of all pairs, hidden ones too, in the order of the file."""
        return tuple([path for path, _, _, _ in self.pairs])

    @cached_property
    def hidden(self) -> int:
        """Number of hidden values."""
        return [salt for _, salt, _, _ in self.pairs].count(None)

    def value(self, path: str) -> Any:
        """Return a disclosed value.

        Raises:
            KeyError: The pair is hidden, or there is none.
        """
        return self.shown[path]

    @cached_property
    def ledger_name(self) -> LedgerName:
        """The ledger's name."""
        return LedgerName.parse(self.value("/ledger"))

    @cached_property
    def ledger_id(self) -> bytes:
        """The ledger's id, recomputed; 32 bytes."""
        return ledger_id(self.network, self.contract, self.suite.id, self.flags, self.value("/ledger"))

    @property
    def standing(self) -> Status:
        """The standing that the file claims: that of its last change."""
        return Status(self.status[-1].status) if self.status else Status.CURRENT

    def commitment(self) -> bytes:
        """Recompute the commitment from disclosed values and hidden digests, 32 bytes.

        Raises:
            MalformedInput: Paths out of order, or a path that is a parent of another.
        """
        return commit_paths(self.suite, self.paths, self._digests())

    def disclose(self, paths: Collection[str]) -> Self:
        """Return the same evidence that shows only these paths, and those that are always shown.

        A path also stands for everything below it: ``/body/donor`` shows ``/body/donor/name``.

        Raises:
            MalformedInput: A path that is not in the record, or is already hidden.
        """
        shown = {pair.path for pair in self.pairs if not pair.hidden and _is_named(pair.path, paths)}
        for path in paths:
            if not any(_is_named(name, [path]) for name in shown):
                raise MalformedInput("nothing to disclose at this path", got=path, hint="Paths are JSON Pointers.")
        keep = shown | set(DISCLOSED)
        return replace(self, pairs=tuple(p if p.hidden or p.path in keep else self._hide(p) for p in self.pairs))

    def having(self, paths: Iterable[str]) -> list[str]:
        """Return those of the paths that :meth:`disclose` takes: a ledger may hold records of several schemas."""
        return [name for name in paths if any(_is_named(path, [name]) for path in self.shown)]

    def _digests(self) -> list[bytes]:
        """Return the digest of every pair; those of the disclosed values are computed together."""
        salts = [salt for _, salt, _, _ in self.pairs if salt is not None]
        made = pair_digests(self.suite, salts, [value for _, salt, value, _ in self.pairs if salt is not None])
        if not self.hidden:
            return made
        computed = iter(made)
        return [next(computed) if pair.digest is None else pair.digest for pair in self.pairs]

    def _digest(self, pair: Pair) -> bytes:
        return pair.digest if pair.digest is not None else pair_digest(self.suite, pair.salt or b"", pair.value)

    def _hide(self, pair: Pair) -> Pair:
        return Pair(pair.path, None, None, self._digest(pair))


def _is_named(path: str, names: Collection[str]) -> bool:
    return any(path == name or path.startswith(name + "/") for name in names)


def _plain(data: bytes) -> Any:
    """Parse what is canonical but for values that canonical JSON has not, which the readers of the parts refuse.

    orjson itself bounds the depth (1,024), and that of a pair's value is looked at where it is read.

    Raises:
        ValueError: Not JSON, or not canonical; also too large.
    """
    value = orjson.loads(data) if len(data) <= MAX_BYTES_WITH_PROOF else None
    if orjson.dumps(value, None, orjson.OPT_SORT_KEYS) != data:
        raise ValueError
    return value


def _canonical(data: bytes) -> Any:
    """Parse, and compare with the canonical bytes of what was parsed (trust rule ``file == JCS(parse(file))``)."""
    if len(data) > MAX_BYTES_WITH_PROOF:
        raise MalformedInput("too large", expected=f"at most {MAX_BYTES_WITH_PROOF} bytes", got=f"{len(data)} bytes")
    if (depth := jcs.depth_of(data)) > MAX_DEPTH:
        raise MalformedInput("nested too deeply", expected=f"at most {MAX_DEPTH} levels", got=depth)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise MalformedInput(f"not JSON in UTF-8: {error.msg}", where=place) from error
    if jcs.dumps(value) != data:
        raise MalformedInput(
            "not canonical JSON", expected="the bytes of RFC 8785", hint="Do not edit or reformat evidence."
        )
    return value


def _pairs(value: Any) -> tuple[Pair, ...]:
    pairs = array_of(value, "/pairs")
    if len(pairs) > MAX_PAIRS:
        raise MalformedInput("too many pairs", expected=f"at most {MAX_PAIRS}", got=len(pairs), where="/pairs")
    found = bulk.pairs_of(pairs)
    return found or tuple([Pair.from_json(pair, f"/pairs/{i}") for i, pair in enumerate(pairs)])


def _path(value: Any) -> tuple[Node, ...]:
    nodes = array_of(value, "/path")
    return bulk.path_of(nodes) or tuple([_node(node, f"/path/{i}") for i, node in enumerate(nodes)])


def _node(value: Any, where: str) -> Node:
    digest, credit, debit = array_of(value, where, 3)
    return Node(unhex(digest, where, _HASH), whole(credit, where, MAX_SUM), whole(debit, where, MAX_SUM))


def _changes(value: Any) -> tuple[StatusChange, ...]:
    changes = array_of(value, "/status")
    if len(changes) > MAX_CHANGES:
        raise MalformedInput("too many changes of standing", expected=MAX_CHANGES, got=len(changes), where="/status")
    return tuple(StatusChange.from_json(change, f"/status/{i}") for i, change in enumerate(changes))


def _token(value: Any) -> bytes:
    encoded = text(value, "/timestamps")
    try:
        token = base64.b64decode(encoded, validate=True)
    except ValueError as error:  # binascii.Error is one; characters beyond ASCII raise the bare class
        raise MalformedInput("not base64", where="/timestamps") from error
    if base64.b64encode(token).decode() != encoded:
        raise MalformedInput("not canonical base64", where="/timestamps")
    return token


__all__ = [
    "FORMAT",
    "MAX_BYTES",
    "MAX_BYTES_WITH_PROOF",
    "MAX_CHANGES",
    "MAX_DEPTH",
    "BatchFacts",
    "Evidence",
    "Pair",
    "Proof",
    "StatusChange",
]
