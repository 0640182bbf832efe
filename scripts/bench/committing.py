"""Commitments against the same hashes alone."""

from collections.abc import Iterator, Sequence
from functools import partial

from bench.figures import Ratio
from bench.hashing import hash_all, noting
from bench.samples import CAUSE_PAIRS, DONATION_PAIRS, causes, donations
from bench.timing import race
from chainsvc.commitment import new_seed
from chainsvc.crypto.suites import SHA256, SM3, Suite
from chainsvc.record import Record
from chainsvc.shape import commit_record

_LEDGER = "charity/533206001803406341/BENCH"


def commitments(rounds: int, count: int) -> Iterator[Ratio]:
    """Measure both suites; a record is parsed, and its seed drawn, before."""
    short, long = causes(_LEDGER, count), donations(_LEDGER, count)
    cases = (SHA256, short, CAUSE_PAIRS), (SM3, short, CAUSE_PAIRS), (SHA256, long, DONATION_PAIRS)
    for suite, records, pairs in cases:
        ratio = Ratio(f"commit to {pairs} pairs, {suite.name}", f"its {pairs + 1} hashes", "records")
        yield _against_hashes(ratio, suite, records, rounds)


def _against_hashes(ratio: Ratio, suite: Suite, records: Sequence[Record], rounds: int) -> Ratio:
    seeded = [(record, new_seed()) for record in records]
    noted_suite, noted = noting(suite)
    _commit_all(noted_suite, seeded)
    count = len(records)
    hashes = count, partial(hash_all, suite.hash, noted)
    return race(ratio, (count, partial(_commit_all, suite, seeded)), hashes, rounds)


def _commit_all(suite: Suite, seeded: Sequence[tuple[Record, bytes]]) -> None:
    for record, seed in seeded:
        commit_record(suite, record, seed)
