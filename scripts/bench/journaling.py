"""Intake and sealing, on PostgreSQL: both wait until the disk has it."""

import itertools
import os
import struct
from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import Connection, Engine

from bench.bed import Bed, open_ledger
from bench.figures import Ratio
from bench.hashing import hash_all, noting
from bench.samples import causes, chunks, donations
from bench.timing import CPU, WALL, rate
from chainsvc.api.ports import Caller
from chainsvc.batch import Member, build_batch
from chainsvc.bootstrap import Running
from chainsvc.crypto.suites import SHA256
from chainsvc.errors import ChainsvcError
from chainsvc.record import Record

CHUNK = 500
"""Records of one chunk, as many as the client sends at once."""

BATCHES = 4
"""Full batches that are anchored in one round."""

_ROW_BYTES = 600  # an entry with its encrypted record, as the journal stores it
_COPIED = """
CREATE TABLE copied (
    ledger_id bytea, entry_id bigint, commitment bytea, reference bytea, payload bytea,
    PRIMARY KEY (ledger_id, entry_id), UNIQUE (ledger_id, commitment)
)
"""
_COPY = "COPY copied FROM STDIN (FORMAT BINARY)"
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_numbers = itertools.count()


def intake_and_sealing(bed: Bed, parts: Running, caller: Caller, rounds: int) -> Iterator[Ratio]:
    """Fill one batch a round and seal it; nothing else runs on the journal meanwhile.

    Each ledger, ``BATCH-0`` and on, then holds one full batch, of donations and one cause.
    """
    batch = bed.settings.largest_batch
    intake = Ratio(f"intake, chunks of {CHUNK}", "COPY of packed rows", "records")
    seal = Ratio(f"seal {batch:,} entries", f"its {2 * batch - 1:,} hashes", "entries")
    build = Ratio("  of it the sum tree", f"its {2 * batch - 1:,} hashes", "entries")
    hashes, members = _tree(batch)
    with parts.engine.begin() as conn:
        conn.exec_driver_sql(_COPIED)
    for number in range(rounds):
        ledger = open_ledger(parts, bed.name(f"BATCH-{number}"), caller)
        records = [*donations(ledger.name, batch - 1), *causes(ledger.name, 1)]
        intake.add(
            rate(batch, partial(_accept, parts, caller, records), WALL),
            rate(batch, partial(_copy, parts.engine, _packed(batch)), WALL),
        )
        hashed = partial(hash_all, SHA256.hash, hashes)
        built = partial(build_batch, SHA256, bytes(32), 0, members)
        seal.add(rate(batch, partial(_seal, parts), WALL), rate(batch, hashed, WALL))
        build.add(rate(batch, built, CPU), rate(batch, hashed, CPU))
    yield from (intake, seal, build)


def anchoring(bed: Bed, parts: Running, caller: Caller, rounds: int) -> Iterator[Ratio]:
    """Seal a ledger's full batches and anchor them until all are final, by one worker; and build their trees alone."""
    batch = bed.settings.largest_batch
    count = BATCHES * batch
    ratio = Ratio("seal and anchor to final", "their sum trees alone", "entries")
    _, members = _tree(batch)
    _settle(parts)  # what other rows left waiting
    for number in range(rounds):
        name = open_ledger(parts, bed.name(f"ANCHOR-{number}"), caller).name
        _accept(parts, caller, donations(name, count))
        ours = rate(count, partial(_settle, parts), WALL)
        ratio.add(ours, rate(count, partial(_build, batch, members), WALL))
    yield ratio


def _settle(parts: Running) -> None:
    while not parts.worker.round().idle:
        pass


def _build(batch: int, members: Sequence[Member]) -> None:
    for k in range(BATCHES):
        build_batch(SHA256, bytes(32), k * batch, members)


def _accept(parts: Running, caller: Caller, records: Sequence[Record]) -> None:
    for chunk in chunks(records, CHUNK):
        outcomes = parts.service.accept_records(chunk[0].ledger, [(record, None) for record in chunk], None, caller)
        if refused := [outcome for outcome in outcomes if isinstance(outcome, ChainsvcError)]:
            raise refused[0]


def _seal(parts: Running) -> None:
    assert parts.worker.seal() == 1


def _tree(batch: int) -> tuple[list[bytes], list[Member]]:
    """Return what a batch's tree hashes, and the members that it is made of."""
    members = [Member(number, os.urandom(32), number, 0) for number in range(batch)]
    suite, noted = noting(SHA256)
    build_batch(suite, bytes(32), 0, members)
    return noted, members


def _packed(count: int) -> list[bytes]:
    """Return rows for COPY, packed by the chunk (PostgreSQL documentation, COPY, "Binary Format")."""
    rows = [_row(next(_numbers)) for _ in range(count)]
    return [_SIGNATURE + b"".join(rows[start : start + CHUNK]) + _END for start in range(0, count, CHUNK)]


def _row(number: int) -> bytes:
    fields = bytes(32), number.to_bytes(8), os.urandom(32), os.urandom(32), os.urandom(_ROW_BYTES - 104)
    return struct.pack("!h", len(fields)) + b"".join(struct.pack("!i", len(field)) + field for field in fields)


def _copy(engine: Engine, packed: Sequence[bytes]) -> None:
    for rows in packed:
        with engine.begin() as conn:
            _copy_chunk(conn, rows)


def _copy_chunk(conn: Connection, rows: bytes) -> None:
    driver = conn.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(rows)
