"""The ledger export, ``chainsvc-export/1``: a whole ledger as lines of JSON, for whoever audits it.

::

    {"format":"chainsvc-export/1","network":HEX,"contract":HEX,"suite":N,"flags":N,"name":NAME,"batches":N,"entries":N}
    {"batch":{"index":N,"first":N,"count":N,"actor":HEX,"block":N,"time":N}}              for each batch, ascending
    {"seq":N,"commitment":HEX,"credit":N,"debit":N,"pairs":[[PATH,SALT,VALUE],…]|null}    its count entries
    {"status":[SEQ,STATUS,CAUSE LEDGER,CAUSE SEQ,ACTOR,BLOCK,TIME]}                       each change, in chain order
    {"end":true}

Nothing that can be recomputed is in it: no root, no head, no total. ``pairs`` are all pairs of the record, disclosed,
or null where the record was erased or never handed over. Each line is JSON and a newline, best canonical (that is read
fastest); a last line that is missing means that the file was cut off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Self

from chainsvc import jcs
from chainsvc.commitment import SALT_BYTES
from chainsvc.crypto.suites import Suite, suite_of
from chainsvc.errors import MalformedInput
from chainsvc.evidence import BatchFacts, Pair, StatusChange
from chainsvc.heads import ZERO, Status
from chainsvc.reading import array_of, members_of, text, unhex, whole
from chainsvc.record import MAX_PAIRS, LedgerName
from chainsvc.sumtree import MAX_LEAVES, MAX_SUM

FORMAT = "chainsvc-export/1"
"""The only version."""

MAX_LINE = 131_072
"""Longest line in bytes: a record of 64 KiB with 256 paths and salts."""

_MAX_DEPTH = 12
_HASH, _ACTOR = 32, 20
_HEADER = frozenset({"format", "network", "contract", "suite", "flags", "name", "batches", "entries"})
_BATCH = frozenset({"index", "first", "count", "actor", "block", "time"})
_ENTRY = frozenset({"seq", "commitment", "credit", "debit", "pairs"})
_PAIR_PARTS, _STATUS_PARTS = 3, 7


@dataclass(frozen=True, slots=True)
class ExportHeader:
    """First line: whose ledger it is, and how much follows."""

    network: bytes
    contract: bytes
    suite: Suite
    flags: int
    name: LedgerName
    batches: int
    entries: int

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the first line's object."""
        value = members_of(value, _HEADER)
        if value["format"] != FORMAT:
            raise MalformedInput("unknown format", expected=FORMAT, got=str(value["format"])[:40], where="/format")
        return cls(
            network=unhex(value["network"], "/network", _HASH),
            contract=unhex(value["contract"], "/contract", _ACTOR),
            suite=suite_of(whole(value["suite"], "/suite", 255)),
            flags=whole(value["flags"], "/flags", 1),
            name=LedgerName.parse(text(value["name"], "/name")),
            batches=whole(value["batches"], "/batches"),
            entries=whole(value["entries"], "/entries"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the line's object."""
        return {
            "format": FORMAT,
            "network": self.network.hex(),
            "contract": self.contract.hex(),
            "suite": self.suite.id,
            "flags": self.flags,
            "name": str(self.name),
            "batches": self.batches,
            "entries": self.entries,
        }


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """A batch; its ``prev`` is recomputed and not in the file."""

    facts: BatchFacts

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the object under ``batch``."""
        value = members_of(value, _BATCH, "/batch")
        return cls(
            BatchFacts(
                index=whole(value["index"], "/batch/index"),
                first=whole(value["first"], "/batch/first"),
                count=whole(value["count"], "/batch/count", MAX_LEAVES),
                prev=ZERO,
                actor=unhex(value["actor"], "/batch/actor", _ACTOR),
                block=whole(value["block"], "/batch/block"),
                time=whole(value["time"], "/batch/time"),
            )
        )

    def to_json(self) -> dict[str, Any]:
        """Return the line's object."""
        facts = self.facts
        return {
            "batch": {
                "index": facts.index,
                "first": facts.first,
                "count": facts.count,
                "actor": facts.actor.hex(),
                "block": facts.block,
                "time": facts.time,
            }
        }


@dataclass(frozen=True, slots=True)
class ExportEntry:
    """One entry; ``pairs`` is None where nobody can read it any more."""

    seq: int
    commitment: bytes
    credit: int
    debit: int
    pairs: tuple[Pair, ...] | None

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read an entry's object."""
        value = members_of(value, _ENTRY)
        return cls(
            seq=whole(value["seq"], "/seq"),
            commitment=unhex(value["commitment"], "/commitment", _HASH),
            credit=whole(value["credit"], "/credit", MAX_SUM),
            debit=whole(value["debit"], "/debit", MAX_SUM),
            pairs=None if value["pairs"] is None else _pairs(value["pairs"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the line's object."""
        return {
            "seq": self.seq,
            "commitment": self.commitment.hex(),
            "credit": self.credit,
            "debit": self.debit,
            "pairs": None if self.pairs is None else [pair.to_json() for pair in self.pairs],
        }


@dataclass(frozen=True, slots=True)
class ExportChange:
    """One change of standing, of the entry ``seq``."""

    seq: int
    change: StatusChange

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the array under ``status``."""
        seq, status, cause_ledger, cause_seq, actor, block, time = array_of(value, "/status", _STATUS_PARTS)
        change = StatusChange(
            status=whole(status, "/status/1", max(Status)),
            cause_ledger=unhex(cause_ledger, "/status/2", _HASH),
            cause_seq=whole(cause_seq, "/status/3"),
            actor=unhex(actor, "/status/4", _ACTOR),
            block=whole(block, "/status/5"),
            time=whole(time, "/status/6"),
        )
        return cls(whole(seq, "/status/0"), change)

    def to_json(self) -> dict[str, Any]:
        """Return the line's object."""
        return {"status": [self.seq, *self.change.to_json()]}


@dataclass(frozen=True, slots=True)
class ExportEnd:
    """Last line."""

    def to_json(self) -> dict[str, Any]:
        """Return the line's object."""
        return {"end": True}


ExportLine = ExportHeader | ExportBatch | ExportEntry | ExportChange | ExportEnd
"""What a line may be."""


def write_line(line: ExportLine) -> bytes:
    """Return a line's bytes, newline included."""
    return jcs.dumps(line.to_json()) + b"\n"


def parse_line(data: bytes) -> ExportLine:
    """Read one line, with or without its newline.

    Raises:
        MalformedInput: Too long, not JSON, or none of the five kinds.
    """
    if len(data) > MAX_LINE:
        raise MalformedInput("the line is too long", expected=f"at most {MAX_LINE} bytes", got=f"{len(data)} bytes")
    value = jcs.loads(data.removesuffix(b"\n"), max_bytes=MAX_LINE, max_depth=_MAX_DEPTH)
    members = set(value) if type(value) is dict else set()
    if "seq" in members:
        return ExportEntry.from_json(value)
    if members == {"batch"}:
        return ExportBatch.from_json(value["batch"])
    if members == {"status"}:
        return ExportChange.from_json(value["status"])
    if "format" in members:
        return ExportHeader.from_json(value)
    if value == {"end": True}:
        return ExportEnd()
    raise MalformedInput("no line of an export", expected="header, batch, entry, status or end", got=str(value)[:80])


def read_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines of a binary file without ever holding more than one; a line too long is cut, and then refused."""
    while line := stream.readline(MAX_LINE + 2):
        yield line


def _pairs(value: Any) -> tuple[Pair, ...]:
    pairs = array_of(value, "/pairs")
    if len(pairs) > MAX_PAIRS:
        raise MalformedInput("too many pairs", expected=f"at most {MAX_PAIRS}", got=len(pairs), where="/pairs")
    return tuple(_pair(pair, f"/pairs/{index}") for index, pair in enumerate(pairs))


def _pair(value: Any, where: str) -> Pair:
    path, salt, shown = array_of(value, where, _PAIR_PARTS)
    return Pair(text(path, where), unhex(salt, where, SALT_BYTES), shown, None)
