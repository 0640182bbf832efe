"""Evidence: the self-contained file that proves one anchored entry, ``chainsvc-evidence/1``.

The file is exactly the canonical JSON (RFC 8785) of one object, which settles duplicate members,
number forms and whitespace. Nothing that can be recomputed is stated: no root, head, sum or ledger id.
docs/evidence-format.md is the specification.
"""

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import orjson

from chainsvc import jcs
from chainsvc.commitment import SALT_BYTES, commit_digests, pair_digest
from chainsvc.crypto.suites import Suite, suite_of
from chainsvc.errors import MalformedInput
from chainsvc.heads import Status
from chainsvc.reading import array_of, members_of, text, unhex, whole
from chainsvc.receipt import Receipt, Submission
from chainsvc.record import DISCLOSED, MAX_PAIRS, LedgerName, check_value, ledger_id
from chainsvc.sumtree import MAX_LEAVES, MAX_SUM, Node

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

_U64 = 2**53 - 1  # seqs, blocks and times stay exact in every JSON reader
_PATH = re.compile(r"(?:/[a-z][a-z0-9_]{0,63}){1,8}")
_HASH, _ACTOR = 32, 20
_MEMBERS = frozenset(
    ["batch", "contract", "flags", "format", "network", "pairs", "path", "proof", "receipt", "seq", "status"]
).union(["submission", "suite", "timestamps"])


_BATCH_MEMBERS = frozenset({"actor", "block", "count", "first", "index", "prev", "time"})


class Pair(NamedTuple):
    """One pair of the record: disclosed with its salt, or hidden behind its digest.

    Attributes:
        path: JSON Pointer from the record's root.
        salt: 16 bytes, None when hidden.
        value: The value, None when hidden (see ``salt``) or null.
        digest: 32 bytes, None when disclosed.
    """

    path: str
    salt: bytes | None
    value: Any
    digest: bytes | None

    @property
    def hidden(self) -> bool:
        """Whether only the digest is shown."""
        return self.salt is None

    def to_json(self) -> list[Any]:
        """Return ``[path, salt, value]`` or ``[path, digest]``."""
        if self.digest is not None:
            return [self.path, self.digest.hex()]
        return [self.path, (self.salt or b"").hex(), self.value]


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What the head binds besides root and sums.

    Attributes:
        index: Batch number in its ledger.
        first: Seq of its first entry.
        count: Its entries.
        prev: Head before it, 32 bytes.
        actor: Account that anchored it, 20 bytes.
        block: Block number.
        time: Block time in Unix seconds.
    """

    index: int
    first: int
    count: int
    prev: bytes
    actor: bytes
    block: int
    time: int


class StatusChange(NamedTuple):
    """One change of standing, as the status word binds it.

    Attributes:
        status: New standing, see :class:`chainsvc.heads.Status`.
        cause_ledger: Ledger id of the cause's entry, 32 bytes.
        cause_seq: The cause's entry.
        actor: Account that changed it, 20 bytes.
        block: Block number.
        time: Block time in Unix seconds.
    """

    status: int
    cause_ledger: bytes
    cause_seq: int
    actor: bytes
    block: int
    time: int

    def to_json(self) -> list[Any]:
        """Return the array of the evidence member ``status``."""
        return [self.status, self.cause_ledger.hex(), self.cause_seq, self.actor.hex(), self.block, self.time]


class Proof(NamedTuple):
    """State proofs against one block header; trie nodes from root to leaf.

    Attributes:
        header: RLP of the block header.
        account: Nodes for the ledger contract's account.
        institutions: Nodes for the account of Institutions, empty where unused.
        head: Nodes for the head's slot.
        word: Nodes for the status word's slot, absence included.
        key: Nodes for the submission key's slot, empty where unused.
    """

    header: bytes
    account: tuple[bytes, ...]
    institutions: tuple[bytes, ...]
    head: tuple[bytes, ...]
    word: tuple[bytes, ...]
    key: tuple[bytes, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the evidence member ``proof``."""
        return {
            "account": _hexes(self.account),
            "header": self.header.hex(),
            "institutions": _hexes(self.institutions),
            "storage": {"head": _hexes(self.head), "key": _hexes(self.key), "word": _hexes(self.word)},
        }


@dataclass(frozen=True, slots=True)
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
        value = _canonical(data)
        value = members_of(value, _MEMBERS)
        if value["format"] != FORMAT:
            raise MalformedInput("unknown format", expected=FORMAT, got=str(value["format"])[:40], where="/format")
        if value["proof"] is None and len(data) > MAX_BYTES:
            raise MalformedInput("too large without a proof", expected=f"{MAX_BYTES} bytes", got=f"{len(data)} bytes")
        evidence = cls(
            network=unhex(value["network"], "/network", _HASH),
            contract=unhex(value["contract"], "/contract", _ACTOR),
            suite=suite_of(whole(value["suite"], "/suite", 255)),
            flags=whole(value["flags"], "/flags", 1),
            pairs=_pairs(value["pairs"]),
            seq=whole(value["seq"], "/seq", _U64),
            path=tuple(_node(node, f"/path/{i}") for i, node in enumerate(array_of(value["path"], "/path"))),
            batch=_batch(value["batch"]),
            status=_changes(value["status"]),
            submission=None if value["submission"] is None else Submission.from_json(value["submission"]),
            receipt=None if value["receipt"] is None else Receipt.from_json(value["receipt"]),
            proof=None if value["proof"] is None else _proof(value["proof"]),
            timestamps=tuple(_token(token) for token in array_of(value["timestamps"], "/timestamps")),
        )
        evidence.check_disclosed()
        return evidence

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return jcs.dumps(
            {
                "batch": {
                    "actor": self.batch.actor.hex(),
                    "block": self.batch.block,
                    "count": self.batch.count,
                    "first": self.batch.first,
                    "index": self.batch.index,
                    "prev": self.batch.prev.hex(),
                    "time": self.batch.time,
                },
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
        shown = {pair.path for pair in self.pairs if not pair.hidden}
        if missing := [path for path in DISCLOSED if path not in shown]:
            raise MalformedInput("a value must be disclosed", expected=", ".join(DISCLOSED), got=f"no {missing[0]}")
        LedgerName.parse(text(self.value("/ledger"), "/ledger"))
        whole(self.value("/credit"), "/credit", MAX_SUM)
        whole(self.value("/debit"), "/debit", MAX_SUM)

    def value(self, path: str) -> Any:
        """Return a disclosed value.

        Raises:
            KeyError: The pair is hidden, or there is none.
        """
        for pair in self.pairs:
            if pair.path == path and not pair.hidden:
                return pair.value
        raise KeyError(path)

    @property
    def ledger_name(self) -> LedgerName:
        """The ledger's name."""
        return LedgerName.parse(self.value("/ledger"))

    @property
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
        return commit_digests(self.suite, ((pair.path, self._digest(pair)) for pair in self.pairs))

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

    def _digest(self, pair: Pair) -> bytes:
        return pair.digest if pair.digest is not None else pair_digest(self.suite, pair.salt or b"", pair.value)

    def _hide(self, pair: Pair) -> Pair:
        return Pair(pair.path, None, None, self._digest(pair))


def _is_named(path: str, names: Collection[str]) -> bool:
    return any(path == name or path.startswith(name + "/") for name in names)


def _hexes(nodes: tuple[bytes, ...]) -> list[str]:
    return [node.hex() for node in nodes]


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
    return tuple(_pair(pair, f"/pairs/{i}") for i, pair in enumerate(pairs))


def _pair(value: Any, where: str) -> Pair:
    if type(value) is not list or len(value) not in (2, 3):
        raise MalformedInput("not a pair", expected="[path, salt, value] or [path, digest]", where=where)
    path = text(value[0], where)
    if not _PATH.fullmatch(path):
        raise MalformedInput("not a record's path", expected=_PATH.pattern, got=path[:80], where=where)
    if len(value) == 2:  # noqa: PLR2004 - the two forms of a pair differ by length
        return Pair(path, None, None, unhex(value[1], where, _HASH))
    if isinstance(value[2], dict):
        raise MalformedInput("an object is not one value", expected="its members as pairs", where=where)
    check_value(value[2], path)
    return Pair(path, unhex(value[1], where, SALT_BYTES), value[2], None)


def _node(value: Any, where: str) -> Node:
    digest, credit, debit = array_of(value, where, 3)
    return Node(unhex(digest, where, _HASH), whole(credit, where, MAX_SUM), whole(debit, where, MAX_SUM))


def _batch(value: Any) -> BatchFacts:
    value = members_of(value, _BATCH_MEMBERS, "/batch")
    return BatchFacts(
        index=whole(value["index"], "/batch/index", _U64),
        first=whole(value["first"], "/batch/first", _U64),
        count=whole(value["count"], "/batch/count", MAX_LEAVES),
        prev=unhex(value["prev"], "/batch/prev", _HASH),
        actor=unhex(value["actor"], "/batch/actor", _ACTOR),
        block=whole(value["block"], "/batch/block", _U64),
        time=whole(value["time"], "/batch/time", _U64),
    )


def _changes(value: Any) -> tuple[StatusChange, ...]:
    changes = array_of(value, "/status")
    if len(changes) > MAX_CHANGES:
        raise MalformedInput("too many changes of standing", expected=MAX_CHANGES, got=len(changes), where="/status")
    return tuple(_change(change, f"/status/{i}") for i, change in enumerate(changes))


def _change(value: Any, where: str) -> StatusChange:
    status, cause_ledger, cause_seq, actor, block, time = array_of(value, where, 6)
    return StatusChange(
        status=whole(status, where, max(Status)),
        cause_ledger=unhex(cause_ledger, where, _HASH),
        cause_seq=whole(cause_seq, where, _U64),
        actor=unhex(actor, where, _ACTOR),
        block=whole(block, where, _U64),
        time=whole(time, where, _U64),
    )


def _proof(value: Any) -> Proof:
    value = members_of(value, frozenset({"account", "header", "institutions", "storage"}), "/proof")
    storage = members_of(value["storage"], frozenset({"head", "key", "word"}), "/proof/storage")
    return Proof(
        header=unhex(value["header"], "/proof/header"),
        account=_nodes(value["account"], "/proof/account"),
        institutions=_nodes(value["institutions"], "/proof/institutions"),
        head=_nodes(storage["head"], "/proof/storage/head"),
        word=_nodes(storage["word"], "/proof/storage/word"),
        key=_nodes(storage["key"], "/proof/storage/key"),
    )


def _nodes(value: Any, where: str) -> tuple[bytes, ...]:
    return tuple(unhex(node, where) for node in array_of(value, where))


def _token(value: Any) -> bytes:
    encoded = text(value, "/timestamps")
    try:
        token = base64.b64decode(encoded, validate=True)
    except ValueError as error:  # binascii.Error is one; characters beyond ASCII raise the bare class
        raise MalformedInput("not base64", where="/timestamps") from error
    if base64.b64encode(token).decode() != encoded:
        raise MalformedInput("not canonical base64", where="/timestamps")
    return token
