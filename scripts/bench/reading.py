"""Reading at length: whether a record of a long ledger costs more than one of a short one, and the service's memory."""

import hashlib
import resource
from collections.abc import Iterator
from functools import partial

from sqlalchemy import text

from bench.bed import Bed, open_ledger
from bench.figures import Fact, Ratio
from bench.samples import donations
from bench.timing import WALL, rate
from chainsvc.api.ports import Caller, EvidenceWanted
from chainsvc.bootstrap import Running
from chainsvc.errors import ChainsvcError
from chainsvc.journal import chunks
from chainsvc.journal.ledgers import Ledger

SHORT = 10_000
"""Entries of the short ledger."""

Filled = tuple[Ledger, int]
"""A ledger and the number of its entries."""

_BATCH = 4_096
_SAMPLE = 20  # evidence files, each of another batch
_FILL = (
    """
INSERT INTO chunks (ledger_id, chunk_id, n, root, accepted_at, anchor_by, receipt_alg, receipt_pubkey,
    receipt_signature)
SELECT :ledger_id, :chunk + k, least(:batch, :count - k * :batch), sha256(int8send(k)), 1, 2, 1,
    decode(repeat('00', 32), 'hex'), decode(repeat('00', 64), 'hex')
FROM generate_series(0, (:count - 1) / :batch) AS k
""",
    """
INSERT INTO entries (ledger_id, entry_id, chunk_id, commitment, credit, debit)
SELECT :ledger_id, (:chunk + seq / :batch) * 4096 + seq % :batch, :chunk + seq / :batch,
    sha256(:ledger_id || int8send(seq)), 1, 0
FROM generate_series(0, :count - 1) AS seq
""",
    """
INSERT INTO batches (ledger_id, k, first, count, root, credit, debit, sealed_at, state, prev, head, actor, block,
    block_hash, time)
SELECT :ledger_id, k, k * :batch, least(:batch, :count - k * :batch), sha256(int8send(k)),
    least(:batch, :count - k * :batch), 0, 1, 'final', sha256('a'), sha256('b'), decode(repeat('00', 20), 'hex'), 1,
    sha256('c'), 1
FROM generate_series(0, (:count - 1) / :batch) AS k
""",
    """
INSERT INTO sealed (ledger_id, seq, entry_id, k)
SELECT :ledger_id, seq, (:chunk + seq / :batch) * 4096 + seq % :batch, seq / :batch
FROM generate_series(0, :count - 1) AS seq
""",
    "UPDATE totals SET credit = :count WHERE ledger_id = :ledger_id",
)


def short_and_long(
    parts: Running, caller: Caller, ledgers: tuple[Filled, Filled], rounds: int, batch: int
) -> Iterator[Ratio]:
    """Hand in and seal a batch, and issue evidence, in a ledger of many entries and in one of few.

    Args:
        parts: The service.
        caller: Who hands in.
        ledgers: The short one and the long one.
        rounds: Of each row.
        batch: Records of a round.
    """
    while parts.worker.seal():
        pass  # what the rows before left waiting is no part of this one
    (few, short), (many, long) = ledgers
    base = f"the same, {short:,} entries"
    taken = Ratio(f"intake and sealing, {long:,} entries", base, "records")
    issued = Ratio(f"evidence on demand, {long:,} entries", base, "files")
    for number in range(rounds):
        order = (many, few) if number % 2 else (few, many)
        rates = {one: rate(batch, partial(_hand_in, parts, caller, one, number, batch), WALL) for one in order}
        taken.add(rates[many], rates[few])
        sizes = ((many, long), (few, short))
        issued.add(*(rate(_SAMPLE, partial(_issue, parts, *one, number), WALL) for one in sizes))
    yield from (taken, issued)


def filled(bed: Bed, parts: Running, caller: Caller, book: str, count: int) -> Ledger:
    """Open a ledger and fill it by SQL with final entries of which only the commitments are known."""
    ledger = open_ledger(parts, bed.name(book), caller)
    with parts.engine.begin() as conn:
        chunk, *_ = chunks.next_ids(conn, -(-count // _BATCH))
        given = {"ledger_id": ledger.ledger_id, "chunk": chunk, "count": count, "batch": _BATCH}
        for statement in _FILL:
            used = {name: value for name, value in given.items() if f":{name}" in statement}
            conn.execute(text(_typed(statement)), used)
    with parts.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")
    return ledger


def _typed(statement: str) -> str:
    """Say which type each parameter has: generate_series takes several."""
    for name, kind in (("ledger_id", "bytea"), ("chunk", "bigint"), ("count", "bigint"), ("batch", "bigint")):
        statement = statement.replace(f":{name}", f"CAST(:{name} AS {kind})")
    return statement


def _hand_in(parts: Running, caller: Caller, ledger: Ledger, number: int, batch: int) -> None:
    records = donations(ledger.name, batch, first=number * batch)
    outcomes = parts.service.accept_records(ledger.name, [(record, None) for record in records], None, caller)
    if refused := [outcome for outcome in outcomes if isinstance(outcome, ChainsvcError)]:
        raise refused[0]
    assert parts.worker.seal() == 1


def _issue(parts: Running, ledger: Ledger, entries: int, number: int) -> None:
    """Issue skeletons, each of a batch whose tree is not kept from before."""
    for sample in range(_SAMPLE):
        parts.service._parts.issuer.tree.cache_clear()  # noqa: SLF001 - the short ledger has few batches: no look-ups
        seq = (sample * max(entries // _SAMPLE, 1) + number) % entries
        parts.service.evidence(hashlib.sha256(ledger.ledger_id + seq.to_bytes(8)).digest(), None, proof=False)


def exported(parts: Running, ledger: Ledger) -> Fact:
    """Return by how much this process grows while the service exports the ledger and issues its evidence."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = sum(1 for _ in parts.service.export(ledger.name, disclose=True))
    files = sum(1 for _ in parts.service.evidences(ledger.name, EvidenceWanted(limit=_BATCH)))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Fact(f"service, {lines:,} lines exported, {files:,} files issued", {"memory (MB)": round(grown)})
