"""Records over HTTP until they are durable: streams against COPY of the same rows, single ones against an echo."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import orjson
from sqlalchemy import Engine

from bench.bed import Bed
from bench.connections import post_all
from bench.figures import Ratio
from bench.samples import causes, chunks
from bench.timing import WALL, rate
from chainsvc import jcs
from chainsvc.client import Client
from chainsvc.commitment import new_seed
from chainsvc.crypto.envelope import ReferenceIndex
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import NotReady
from chainsvc.intake.drafting import Task, draft
from chainsvc.journal import chunks as journal_chunks
from chainsvc.journal import copying, ledgers
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import Ledger
from chainsvc.receipt import ChunkTree, receipt_message

CHUNK = 1_000
"""Rows of one transaction, as the service takes them."""

CONNECTIONS = 32
_PATIENCE_S = 300.0

Copied = tuple[Chunk, dict[str, bytes]]
"""A chunk, and its rows packed for COPY."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where records are sent.

    Attributes:
        bed: The network.
        client: Of the service, for its ledgers.
        url: Of the service.
        key: API key.
    """

    bed: Bed
    client: Client
    url: str
    key: str

    def ledger(self, book: str) -> str:
        """Open a ledger and return its name."""
        return self.client.open_ledger(self.bed.name(book)).name


def streams(sent: Sent, engine: Engine, rounds: int, records: int, *, sealed: bool) -> Iterator[Ratio]:
    """Send records and commitments in one stream each round; and COPY rows of the same shape into the same tables.

    A first stream, which is not counted, lets the service start its drafting processes.

    Args:
        sent: Where.
        engine: The journal.
        rounds: How many.
        records: Of one stream.
        sealed: Whether a worker runs, which seals and anchors what comes in.
    """
    mark = "S" if sealed else "A"
    beside = " + sealing" if sealed else ""
    warm = sent.ledger(f"WARM-{mark}")
    stream(sent, warm, "records", lines_of("records", warm, CHUNK))
    custody = Ratio(f"bulk over REST, 13 pairs{beside}", "COPY of the same rows", "records")
    private = Ratio(f"bulk over REST, commitments{beside}", "COPY of the same rows", "records")
    for number in range(rounds):
        for ratio, noun in ((custody, "records"), (private, "commitments")):
            book = f"{noun[:4].upper()}-{mark}{number}"
            given, copied = sent.ledger(book), sent.ledger(f"COPY-{book}")
            rows = _rows(engine, copied, lines_of(noun, copied, records), private=ratio is private)
            post = partial(stream, sent, given, noun, lines_of(noun, given, records))
            ratio.add(rate(records, post, WALL), rate(records, partial(_copy, engine, rows), WALL))
    yield from (custody, private)


def singles(sent: Sent, rounds: int, records: int) -> Iterator[Ratio]:
    """Post single records over 32 connections; and the same bodies to an app that returns them."""
    ratio = Ratio(f"single records, {CONNECTIONS} connections", "FastAPI that returns the body", "records")
    with _echo() as echo:
        for number in range(rounds):
            ledger = sent.ledger(f"SINGLE-{number}")
            bodies = lines_of("records", ledger, records)
            ours = partial(post_all, f"{sent.url}/v1/ledgers/{ledger}/records", sent.key, bodies, CONNECTIONS)
            base = partial(post_all, echo, sent.key, bodies, CONNECTIONS)
            ratio.add(rate(records, ours, WALL), rate(records, base, WALL))
    yield ratio


def lines_of(noun: str, ledger: str, count: int) -> list[bytes]:
    """Return the lines of a stream of ``records``, 13 pairs each, or ``commitments``."""
    if noun == "records":
        return [jcs.dumps(record.to_json()) for record in causes(ledger, count)]
    return [
        orjson.dumps({"commitment": new_seed().hex(), "credit": 100, "debit": 0, "previous": None})
        for _ in range(count)
    ]


def stream(sent: Sent, ledger: str, noun: str, lines: Sequence[bytes]) -> None:
    """Send a body that lies ready, and read the answer to its end; the client's own work is no part of it."""
    url, headers = f"{sent.url}/v1/ledgers/{ledger}/{noun}:bulk", {"Authorization": f"Bearer {sent.key}"}
    answer = httpx.post(url, content=b"\n".join(lines), headers=headers, timeout=_PATIENCE_S)
    last = orjson.loads(answer.content.splitlines()[-1])
    if last.get("end", {}).get("accepted") != len(lines):
        raise NotReady("the stream was not taken whole", got=str(last)[:300])


def _rows(engine: Engine, name: str, lines: Sequence[bytes], *, private: bool) -> list[Copied]:
    parts = chunks(lines, CHUNK)
    with engine.begin() as conn:
        ledger, numbers = ledgers.by_name(conn, name), journal_chunks.next_ids(conn, len(parts))
    return [_drafted(ledger, number, part, private=private) for number, part in zip(numbers, parts, strict=True)]


def _drafted(ledger: Ledger, number: int, lines: Sequence[bytes], *, private: bool) -> Copied:
    key = None if private else new_seed()
    task = Task(ledger.name, ledger.ledger_id, ledger.suite, number, key, ReferenceIndex(new_seed()), lines)
    drafted = draft(task)
    assert drafted is not None
    signer, root = SigningKey.generate(), ChunkTree(drafted.commitments).root
    signature = signer.sign(receipt_message(ledger.ledger_id, len(lines), root, 1, 2))
    wrapped = None if private else bytes(60)
    chunk = Chunk(ledger.ledger_id, number, len(lines), root, wrapped, 1, 2, signer.alg, signer.public, signature)
    return chunk, drafted.packed


def _copy(engine: Engine, rows: Sequence[Copied]) -> None:
    for chunk, packed in rows:
        with engine.begin() as conn:
            journal_chunks.add(conn, chunk)
            copying.copy(conn, packed)


@contextmanager
def _echo() -> Iterator[str]:
    line = [sys.executable, str(Path(__file__).with_name("echo.py"))]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
