"""Ledgers that break rules under right hashes, so that the audit of the whole alone can tell; and lines of exports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainsvc.crypto.suites import SHA256
from chainsvc.evidence import StatusChange
from chainsvc.heads import Status
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.record import Record
from vector_parts.constants import ACTOR, CONTRACT, NETWORK, OFFICE, UNIT
from vector_parts.records import donation, registration
from vector_parts.sample import BLOCK, TIME, Batch, entry_of, word_after
from vector_parts.state import SLOTS, ChainState

Lines = list[dict[str, Any]]
Change = tuple[int, StatusChange]


def export_lines(name: str, batches: Sequence[Batch], changes: Sequence[Change]) -> Lines:
    """Return the objects of an export's lines."""
    suite, flags = batches[0].suite.id, batches[0].flags
    header = {"network": NETWORK.hex(), "contract": CONTRACT.hex(), "suite": suite, "flags": flags, "name": name}
    counts = {"batches": len(batches), "entries": sum(batch.facts.count for batch in batches)}
    lines: Lines = [{"format": "chainsvc-export/1", **header, **counts}]
    for batch in batches:
        facts = batch.facts
        numbers = {"index": facts.index, "first": facts.first, "count": facts.count}
        lines.append({"batch": {**numbers, "actor": facts.actor.hex(), "block": facts.block, "time": facts.time}})
        lines += [_entry(batch, place) for place in range(facts.count)]
    return [*lines, *({"status": [seq, *change.to_json()]} for seq, change in changes), {"end": True}]


def _entry(batch: Batch, place: int) -> dict[str, Any]:
    entry = batch.entries[place]
    pairs = zip(entry.record.flatten(), entry.salts, strict=True)
    return {
        "seq": batch.facts.first + place,
        "commitment": entry.commitment.hex(),
        "credit": entry.record.credit,
        "debit": entry.record.debit,
        "pairs": [[path, salt.hex(), value] for (path, value), salt in pairs],
    }


@dataclass(frozen=True)
class OddLedger:
    """A ledger of one batch, and what an audit finds."""

    batch: Batch
    changes: tuple[Change, ...]
    findings: tuple[str, ...]

    @property
    def lines(self) -> Lines:
        """The export."""
        return export_lines(self.batch.entries[0].record.ledger, [self.batch], self.changes)

    @property
    def chain(self) -> ChainState:
        """What the contract holds: exactly this."""
        state = ChainState.of([self.batch])
        slots, ledger, root = state.slots[CONTRACT], self.batch.ledger_id, self.batch.tree.root
        for seq in {seq for seq, _ in self.changes}:
            done = [change for target, change in self.changes if target == seq]
            slots[nested_slot(ledger, seq, SLOTS.words)] = word_after(ledger, seq, done)
        figures = (len(self.batch.entries), 1, root.credit, root.debit)
        slots[mapping_slot(ledger, SLOTS.state)] = b"".join(figure.to_bytes(8) for figure in figures)
        return state


def _revised(record: Record, revision: int, amount: int, *, due: int | None = None) -> Record:
    """Return a revision of the record whose amount is smaller; ``due`` is what its debit says."""
    debit = record.body["amount"] - amount if due is None else due
    previous = entry_of(SHA256, record).commitment.hex()
    body = {**record.body, "amount": amount}
    return replace(record, revision=revision, previous=previous, credit=0, debit=debit, body=body)


def _revisions() -> OddLedger:
    """One entry for each rule of revisions; the first correction alone is told as superseding."""
    name = f"charity/{UNIT}/REVISIONS"
    first, second, third = (donation(i, 1_000, ledger=name) for i in (41, 42, 43))
    unrelated = donation(44, 1_000, ledger=name)
    wrong_net = _revised(first, 1, 900, due=99)
    again = replace(third, body={**third.body, "goods": "米"})
    skipped, alone = _revised(second, 2, 900), _revised(unrelated, 1, 900)
    batch = Batch(SHA256, 0, [first, wrong_net, second, skipped, third, again, alone])
    target, cause = (_seq(batch, record) for record in (first, wrong_net))
    change = StatusChange(Status.SUPERSEDED.value, batch.ledger_id, cause, ACTOR, BLOCK, TIME)
    found = ("duplicate-reference", "net-change", "previous-missing", "revision-order", "supersede-missing")
    return OddLedger(batch, ((target, change),), found)


def _divorces() -> OddLedger:
    """A divorce without its effect, and a change whose cause is a record about another entry."""
    name = f"marriage/{OFFICE}/DIVORCES"
    first, second = (replace(registration(i, "甲", "乙"), ledger=name) for i in (11, 12))
    divorce = _divorce(name, first.reference)
    batch = Batch(SHA256, 0, [first, second, divorce])
    change = StatusChange(Status.DISSOLVED.value, batch.ledger_id, _seq(batch, divorce), ACTOR, BLOCK, TIME)
    return OddLedger(batch, ((_seq(batch, second), change),), ("cause-mismatch", "effect-missing"))


def _divorce(ledger: str, previous: str) -> Record:
    marriage = registration(1, "甲", "乙")
    number = "L330106-2026-000001"
    body = {
        **marriage.body,
        "certificate": {"number": number, "previous": previous},
        "registration": {"ledger": None, "seq": None, "commitment": None},
    }
    return replace(marriage, schema="marriage.divorce.v1", ledger=ledger, reference=number, body=body)


def _seq(batch: Batch, record: Record) -> int:
    return [entry.record for entry in batch.entries].index(record)


LEDGERS = {"revisions": _revisions(), "divorces": _divorces()}
"""By name of their export."""
