"""Auditing at length: all cores against commitments alone, and how much memory a long export takes."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.figures import Fact, Ratio
from bench.samples import donations
from bench.timing import WALL, rate
from chainsvc.commitment import commit, derive_salts, new_seed
from chainsvc.crypto.suites import SHA256
from chainsvc.evidence import BatchFacts, Pair
from chainsvc.heads import ZERO
from chainsvc.network import Network
from chainsvc.record import LedgerName
from chainsvc.verify.audit_file import audit_file
from chainsvc.verify.export import ExportBatch, ExportEnd, ExportEntry, ExportHeader, write_line
from chainsvc.verify.processes import Processes, cores

_BATCH = 4_096
_LEDGER = "charity/533206001803406341/LONG"
_WEIGH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def whole_audit(folder: Path, network: Network, rounds: int, count: int) -> Iterator[Ratio]:
    """Audit an export by all cores, against all cores committing to the same records and doing nothing else."""
    path, processes = export_of(folder / "long.ndjson", network, count), cores()
    share = -(-count // processes)
    ratio = Ratio(f"audit of {count:,} entries, {processes} processes", "their commitments alone, as many", "entries")
    with Processes(processes, Committing, share) as pool:
        list(pool.in_order([0] * processes))  # begun, and their records prepared
        for _ in range(rounds):
            base = rate(share * processes, lambda: list(pool.in_order([1] * processes)), WALL)
            ratio.add(rate(count, partial(_audit, path, network, processes, count), WALL), base)
    yield ratio


def _audit(path: Path, network: Network, processes: int, count: int) -> None:
    report = audit_file(path, network, processes=processes)
    assert (report.entries, report.found) == (count, 0), report


class Committing:
    """Commits to records that lie ready, so many times."""

    def __init__(self, count: int) -> None:
        """Prepare the records."""
        records = donations(_LEDGER, min(count, _BATCH))
        flat = [record.flatten() for record in records]
        self._ready = [(pairs, derive_salts(SHA256, new_seed(), len(pairs))) for pairs in flat]
        self._count = count

    def __call__(self, times: int) -> None:
        """Commit to all of them."""
        for number in range(times * self._count):
            commit(SHA256, *self._ready[number % len(self._ready)])


def export_of(path: Path, network: Network, count: int) -> Path:
    """Write an export of so many donations, of a ledger that is on no chain."""
    name = LedgerName.parse(_LEDGER)
    contract = network.contract_of(name.kind)
    assert contract is not None  # the bed has deployed one
    batches = -(-count // _BATCH)
    with path.open("wb") as out:
        out.write(write_line(ExportHeader(network.network_id, contract.address, SHA256, 0, name, batches, count)))
        for k in range(batches):
            size = min(_BATCH, count - k * _BATCH)
            out.write(write_line(ExportBatch(BatchFacts(k, k * _BATCH, size, ZERO, bytes(20), k + 1, k + 1))))
            out.writelines(write_line(entry) for entry in _entries(str(name), k * _BATCH, size))
        out.write(write_line(ExportEnd()))
    return path


def _entries(ledger: str, first: int, size: int) -> list[ExportEntry]:
    made = []
    for record in donations(ledger, size, first):
        pairs = record.flatten()
        salts = derive_salts(SHA256, new_seed(), len(pairs))
        shown = tuple(Pair(path, salt, value, None) for (path, value), salt in zip(pairs, salts, strict=True))
        made.append((commit(SHA256, pairs, salts), record.credit, shown))
    made.sort(key=lambda entry: entry[0])
    return [ExportEntry(first + i, commitment, credit, 0, pairs) for i, (commitment, credit, pairs) in enumerate(made)]


def memory(folder: Path, network: Network, counts: Sequence[int]) -> Iterator[Fact]:
    """Return the peak memory of audits of so many entries, in one process, which a fresh one is for each."""
    descriptor = folder / "reading-network.json"
    descriptor.write_bytes(network.to_bytes())
    script = str(Path(__file__).parent.parent / "audit_ledger.py")
    for count in counts:
        path = export_of(folder / f"memory-{count}.ndjson", network, count)
        line = [sys.executable, script, "--network", str(descriptor), "--jobs", "1", str(path)]
        done = subprocess.run([sys.executable, "-c", _WEIGH, *line], capture_output=True, text=True, check=True)
        megabytes = int(done.stdout) / 1024
        size = round(path.stat().st_size / 1e6)
        yield Fact(f"audit of {count:,} entries, {size:,} MB", {"memory (MB)": round(megabytes)})
        path.unlink()
