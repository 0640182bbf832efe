"""The same work on each engine of the devnet: how long until final, and how many records a second."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.bed import api_key, made, service, worker
from bench.chaining import wait_final
from bench.figures import Fact
from bench.samples import donations
from chainsvc import bootstrap, devnet
from chainsvc.client import Client
from chainsvc.errors import ChainsvcError
from chainsvc.record import Record

_NAMES = {"anvil": "anvil: one node, mines at once", "clique": "clique: four validators, a block a second"}


def engines(home: Path, rounds: int, batch: int, records: int) -> Iterator[Fact]:
    """Notarize on a chain, database and service of each engine's own.

    Args:
        home: An empty folder.
        rounds: How many; the median counts.
        batch: Entries that fill a batch.
        records: How many are notarized in one stream for the rate.
    """
    for engine in devnet.ENGINES:
        with ExitStack() as stack:
            bed = stack.enter_context(made(home / engine, batch, engine))
            with bootstrap.running(bed.settings) as parts:
                key = api_key(parts)
            client = stack.enter_context(Client(stack.enter_context(service(bed)), key))
            stack.enter_context(worker(bed))
            waits, rates = [], []
            for number in range(rounds):
                waits.append(_final_after(client, donations(_open(client, bed.name(f"ONE-{number}")), batch))[1])
                sent, waited = _final_after(client, donations(_open(client, bed.name(f"MANY-{number}")), records))
                rates.append(records / (sent + waited))
        values = {"receipt to final (s)": statistics.median(waits), "records/s to final": statistics.median(rates)}
        yield Fact(_NAMES[engine], {name: round(value, 2) for name, value in values.items()})


def _open(client: Client, name: str) -> str:
    return client.open_ledger(name).name


def _final_after(client: Client, made_records: Sequence[Record]) -> tuple[float, float]:
    """Return the seconds until the last receipt, and from there until all are final."""
    began = time.perf_counter()
    for outcome in client.notarize_many(made_records):
        if isinstance(outcome, ChainsvcError):
            raise outcome
    promised = time.perf_counter()
    wait_final(client, made_records[0].ledger)
    return promised - began, time.perf_counter() - promised
