"""The parts of an evidence file, each with how it is read and written."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from chainsvc import jcs
from chainsvc.commitment import SALT_BYTES
from chainsvc.errors import MalformedInput
from chainsvc.heads import Status
from chainsvc.reading import array_of, members_of, text, unhex, whole
from chainsvc.record import check_value
from chainsvc.sumtree import MAX_LEAVES

_U64 = 2**53 - 1  # seqs, blocks and times stay exact in every JSON reader

PATH = r"(?:/[a-z][a-z0-9_]{0,63}){1,8}"
"""Form of a pair's path: a JSON Pointer to a member of a record."""

VALUE_DEPTH = 9
"""Deepest nesting of a pair's value: a file's twelve levels without the three around it."""

_PATH = re.compile(PATH)
_HASH, _ACTOR = 32, 20
_BATCH = frozenset({"actor", "block", "count", "first", "index", "prev", "time"})
_PROOF = frozenset({"account", "header", "institutions", "storage"})
_STORAGE = frozenset({"head", "key", "word"})


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

    @classmethod
    def from_json(cls, value: Any, where: str) -> Self:
        """Read ``[path, salt, value]`` or ``[path, digest]``.

        Raises:
            MalformedInput: Another form, with its place.
        """
        if type(value) is not list or len(value) not in (2, 3):
            raise MalformedInput("not a pair", expected="[path, salt, value] or [path, digest]", where=where)
        path = text(value[0], where)
        if not _PATH.fullmatch(path):
            raise MalformedInput("not a record's path", expected=_PATH.pattern, got=path[:80], where=where)
        if len(value) == 2:  # noqa: PLR2004 - the two forms of a pair differ by length
            return cls(path, None, None, unhex(value[1], where, _HASH))
        if isinstance(value[2], dict):
            raise MalformedInput("an object is not one value", expected="its members as pairs", where=where)
        jcs.check(value[2], max_depth=VALUE_DEPTH, pointer=path)
        check_value(value[2], path)
        return cls(path, unhex(value[1], where, SALT_BYTES), value[2], None)


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

    def to_json(self) -> dict[str, Any]:
        """Return the evidence member ``batch``."""
        return {
            "actor": self.actor.hex(),
            "block": self.block,
            "count": self.count,
            "first": self.first,
            "index": self.index,
            "prev": self.prev.hex(),
            "time": self.time,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the evidence member ``batch``.

        Raises:
            MalformedInput: Another form, with its place.
        """
        value = members_of(value, _BATCH, "/batch")
        return cls(
            index=whole(value["index"], "/batch/index", _U64),
            first=whole(value["first"], "/batch/first", _U64),
            count=whole(value["count"], "/batch/count", MAX_LEAVES),
            prev=unhex(value["prev"], "/batch/prev", _HASH),
            actor=unhex(value["actor"], "/batch/actor", _ACTOR),
            block=whole(value["block"], "/batch/block", _U64),
            time=whole(value["time"], "/batch/time", _U64),
        )


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

    @classmethod
    def from_json(cls, value: Any, where: str) -> Self:
        """Read one array of the evidence member ``status``.

        Raises:
            MalformedInput: Another form, with its place.
        """
        status, cause_ledger, cause_seq, actor, block, time = array_of(value, where, 6)
        return cls(
            status=whole(status, where, max(Status)),
            cause_ledger=unhex(cause_ledger, where, _HASH),
            cause_seq=whole(cause_seq, where, _U64),
            actor=unhex(actor, where, _ACTOR),
            block=whole(block, where, _U64),
            time=whole(time, where, _U64),
        )


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

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the evidence member ``proof``.

        Raises:
            MalformedInput: Another form, with its place.
        """
        value = members_of(value, _PROOF, "/proof")
        storage = members_of(value["storage"], _STORAGE, "/proof/storage")
        return cls(
            header=unhex(value["header"], "/proof/header"),
            account=_nodes(value["account"], "/proof/account"),
            institutions=_nodes(value["institutions"], "/proof/institutions"),
            head=_nodes(storage["head"], "/proof/storage/head"),
            word=_nodes(storage["word"], "/proof/storage/word"),
            key=_nodes(storage["key"], "/proof/storage/key"),
        )


def _hexes(nodes: tuple[bytes, ...]) -> list[str]:
    return [node.hex() for node in nodes]


def _nodes(value: Any, where: str) -> tuple[bytes, ...]:
    return tuple([unhex(node, where) for node in array_of(value, where)])
