"""One run: every row in its turn, on one chain and one database."""

import os
import platform
import ssl
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.auditing import memory, whole_audit
from bench.bed import Bed, api_key, made, service, worker
from bench.chaining import end_to_end, wait_final
from bench.committing import commitments
from bench.engines import engines
from bench.figures import Fact, Ratio, shown
from bench.gas import gas
from bench.journaling import anchoring, intake_and_sealing
from bench.posting import Sent, singles, streams
from bench.reading import SHORT, exported, filled, short_and_long
from bench.sealing import sealed_sizes, seals
from bench.verifying import Files, audits, evidence_sizes, fetched, verifications
from chainsvc import bootstrap, ground
from chainsvc.client import Client
from demo.screen import Screen


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done in one round.

    Attributes:
        rounds: Rounds of each row.
        batch: Entries of a batch.
        records: Records of a commitment row.
        run: Records notarized end to end; a last batch of fewer than 32 would wait for company.
        transactions: Records of the base of that, each in a transaction of its own.
        stream: Records of one bulk stream.
        singles: Records posted one by one.
        files: Evidence files.
        sealed: Blocks whose seals are checked.
        audited: Entries of an export that all cores audit.
        long: Entries of the long ledger.
        weighed: Entries of the exports whose audit is weighed.
        engine_rounds: Rounds on each engine.
    """

    rounds: int
    batch: int = 4_096
    records: int = 2_000
    run: int = 40_960
    transactions: int = 200
    stream: int = 20_000
    singles: int = 2_000
    files: int = 100
    sealed: int = 500
    audited: int = 163_840
    long: int = 200_000
    weighed: tuple[int, ...] = (10_000, 100_000)
    engine_rounds: int = 3


QUICK = Sizes(
    rounds=2,
    batch=64,
    records=50,
    run=96,
    transactions=5,
    stream=100,
    singles=64,
    files=4,
    sealed=5,
    audited=300,
    long=500,
    weighed=(100,),
    engine_rounds=1,
)
"""Shows that everything runs; too small to measure anything."""


@dataclass(slots=True)
class Results:
    """What was measured so far."""

    ratios: list[Ratio] = field(default_factory=list)
    evidence: list[Fact] = field(default_factory=list)
    memory: list[Fact] = field(default_factory=list)
    gas: list[Fact] = field(default_factory=list)
    engines: list[Fact] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return everything, and what it was measured on."""
        return {
            "machine": machine(),
            "ratios": [ratio.to_json() for ratio in self.ratios],
            "evidence": [fact.to_json() for fact in self.evidence],
            "memory": [fact.to_json() for fact in self.memory],
            "gas": [fact.to_json() for fact in self.gas],
            "engines": [fact.to_json() for fact in self.engines],
        }


def machine() -> dict[str, Any]:
    """Return what class of machine this is; nothing that names it."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
    }


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way.

    Attributes:
        screen: Shows each part when it is done.
        home: An empty folder.
        size: How much is done.
        results: So far.
    """

    screen: Screen
    home: Path
    size: Sizes
    results: Results = field(default_factory=Results)

    def measure(self) -> Results:
        """Measure every row."""
        self._take("commitments", commitments(self.size.rounds, self.size.records))
        with ExitStack() as stack:
            with self.screen.step("(chain, contracts, organization)"):
                bed = stack.enter_context(made(self.home, self.size.batch))
            key = self._journal(bed)
            files = self._chain(bed, key)
            self._take("verifications", verifications(files, self.size.rounds))
            self._take("seals", seals(files, self.size.rounds, self.size.sealed))
            self._take("audits", audits(files, self.size.rounds))
            self._read(bed, files)
        self.results.evidence += [*evidence_sizes(files, self.size.batch), *sealed_sizes(files)]
        self.results.gas += gas()
        with self.screen.step("engines"):
            folder, size = self.home / "engines", self.size
            self.results.engines += engines(folder, size.engine_rounds, size.batch, size.run)
        return self.results

    def _journal(self, bed: Bed) -> str:
        """Measure what needs the journal for itself; return an API key."""
        with ExitStack() as stack:
            with self.screen.step("(database)"):
                parts = stack.enter_context(bootstrap.running(bed.settings))
            key = api_key(parts)
            caller = parts.service.authenticate(key)
            self._take("intake and sealing", intake_and_sealing(bed, parts, caller, self.size.rounds))
            self._take("anchoring", anchoring(bed, parts, caller, self.size.rounds))
            return key

    def _read(self, bed: Bed, files: Files) -> None:
        """Measure what is read at length; the journal then holds ledgers that are on no chain, and is done with."""
        size, network = self.size, files.network
        self._take("whole audit", whole_audit(self.home, network, size.rounds, size.audited))
        with ExitStack() as stack:
            with self.screen.step("(database; ledgers filled)"):
                parts = stack.enter_context(bootstrap.running(bed.settings))
                caller = parts.service.authenticate(api_key(parts))
                short = filled(bed, parts, caller, "SHORT", min(SHORT, size.long))
                long = filled(bed, parts, caller, "LONG", size.long)
            ledgers = (short, min(SHORT, size.long)), (long, size.long)
            self._take("long ledger", short_and_long(parts, caller, ledgers, size.rounds, size.batch))
            with self.screen.step("memory"):
                self.results.memory += [*memory(self.home, network, size.weighed), exported(parts, long)]

    def _chain(self, bed: Bed, key: str) -> Files:
        """Measure what goes through the service; return what it gives out."""
        size, last = self.size, bed.name(f"BATCH-{self.size.rounds - 1}")
        with ExitStack() as stack:
            with self.screen.step("(service; sealed batches become final)"):
                url = stack.enter_context(service(bed))
                client = stack.enter_context(Client(url, key))
                anchoring = stack.enter_context(ExitStack())
                anchoring.enter_context(worker(bed))
                wait_final(client, last)
            sent = Sent(bed, client, url, key)
            self._take("end to end", end_to_end(sent, size.rounds, size.run, size.transactions))
            with self.screen.step("(evidence and export fetched)"):
                files = fetched(client, last, size.files, bed.local.url, self.home)
            engine = stack.enter_context(ground.open_journal(bed.settings))
            self._take("streams over REST, sealed beside", streams(sent, engine, size.rounds, size.stream, sealed=True))
            anchoring.close()
            self._take("streams over REST", streams(sent, engine, size.rounds, size.stream, sealed=False))
            self._take("single records", singles(sent, size.rounds, size.singles))
            return files

    def _take(self, words: str, ratios: Iterable[Ratio]) -> None:
        with self.screen.step(words) as notes:
            for ratio in ratios:
                self.results.ratios.append(ratio)
                notes.append(shown(ratio.median))
