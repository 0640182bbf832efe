"""Verifying files and auditing exports, against what they can't do without."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from Crypto.Hash import keccak

from bench.figures import Fact, Ratio
from bench.hashing import hash_all, noting_all
from bench.timing import CPU, WALL, race
from chainsvc.checkpoint import Checkpoint
from chainsvc.client import Client
from chainsvc.commitment import commit
from chainsvc.crypto.suites import SHA256, sha256
from chainsvc.evidence import Evidence, Proof
from chainsvc.network import Network
from chainsvc.schemas import all_schemas
from chainsvc.verify import CheckpointSource, LiveNode, Source, verify
from chainsvc.verify.completeness import audit_export
from chainsvc.verify.export import ExportEntry, parse_line
from chainsvc.verify.sources import Place, Snapshot
from chainsvc.verify.wording import OWN_NODE


@dataclass(frozen=True, slots=True)
class Files:
    """What a verifier and an auditor get.

    Attributes:
        network: The descriptor.
        checkpoint: The operator's.
        proven: Evidence with proofs, all values disclosed.
        plain: The same without proofs.
        short: Evidence of the one cause, without and with a proof.
        export: Lines of the export of a ledger.
        node: Address of the node.
    """

    network: Network
    checkpoint: Checkpoint
    proven: Sequence[bytes]
    plain: Sequence[bytes]
    short: tuple[bytes, bytes]
    export: Sequence[bytes]
    node: str


def fetched(client: Client, ledger: str, count: int, node: str, folder: Path) -> Files:
    """Fetch evidence of the ledger's first entries and of its cause, and its export."""
    checkpoint = Checkpoint.parse(client.checkpoint().encode())
    client.export(ledger, folder / "export.ndjson", disclose=True)
    lines = (folder / "export.ndjson").read_bytes().splitlines(keepends=True)
    entries = [entry for line in lines if isinstance(entry := parse_line(line), ExportEntry)]
    cause = next(entry for entry in entries if entry.credit == 0)
    chosen = [entry.commitment for entry in entries if entry is not cause][:count]

    def files(proof: bool) -> list[bytes]:  # noqa: FBT001 - the one thing that differs
        return [client.evidence(c, disclose="all", proof=proof).to_bytes() for c in [cause.commitment, *chosen]]

    plain, proven = files(False), files(True)  # noqa: FBT003 - named above
    return Files(client.network(), checkpoint, proven[1:], plain[1:], (plain[0], proven[0]), lines, node)


class Remembered:
    """A node whose answers are asked for once: what is timed then is the verifier alone."""

    uses_proof = False
    leaves_open = OWN_NODE

    def __init__(self, node: LiveNode) -> None:
        """Remember this node's answers."""
        self._node = node
        self._kept: dict[object, Snapshot] = {}

    def read(self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None) -> Snapshot:
        """Return what the node answered, or ask it."""
        asked = at, tuple(places.values())
        if asked not in self._kept:
            self._kept[asked] = self._node.read(network, places, at=at, proof=proof)
        return self._kept[asked]


@dataclass
class Needed:
    """What cannot be left out of a verification: the JSON is parsed, and the same bytes are hashed.

    Each file counts by itself; the verifier does not hash again what files of one block have in common.

    Signatures are left out: they are ours to check, and slow.
    """

    files: Sequence[bytes]
    of_sha256: list[bytes] = field(default_factory=list)
    of_keccak: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, files: Sequence[bytes], network: Network, source: Source) -> "Needed":
        """Note what the verifications of the files hash, each by itself; each must come out valid."""
        with noting_all() as (of_sha256, of_keccak):
            for data in files:
                forget_all()
                _verify_all([data], network, source)
        return cls(files, of_sha256, of_keccak)

    def do(self) -> None:
        """Do it."""
        for data in self.files:
            orjson.loads(data)
        hash_all(sha256, self.of_sha256)
        for data in self.of_keccak:
            keccak.new(digest_bits=256, data=data).digest()


def verifications(files: Files, rounds: int) -> Iterator[Ratio]:
    """Verify offline against a checkpoint, and against chain state that is in memory."""
    with LiveNode(files.node) as node:
        cases: tuple[tuple[str, Sequence[bytes], Source], ...] = (
            ("verify with proof, by checkpoint", files.proven, CheckpointSource(files.checkpoint)),
            ("verify, chain state in memory", files.plain, Remembered(node)),
        )
        for name, data, source in cases:
            needed = Needed.of(data, files.network, source)
            hashes = (len(needed.of_sha256) + len(needed.of_keccak)) // len(data)
            ratio = Ratio(name, f"its {hashes} hashes and JSON parse", "files")
            work = partial(_verify_all, data, files.network, source)
            yield race(ratio, (len(data), work), (len(data), needed.do), rounds)


def forget_all() -> None:
    """Forget what the verifier keeps from file to file."""
    for name, module in [*sys.modules.items()]:
        if name.startswith("chainsvc."):
            for kept in vars(module).values():
                if callable(clear := getattr(kept, "cache_clear", None)) and kept is not all_schemas:
                    clear()


def _verify_all(files: Sequence[bytes], network: Network, source: Source) -> None:
    for data in files:
        verdict = verify(data, network, source)
        assert verdict.verdict == "valid", verdict


def audits(files: Files, rounds: int) -> Iterator[Ratio]:
    """Audit the export, with chain state in memory and from the node, against committing to its records alone."""
    entries = [entry for line in files.export if isinstance(entry := parse_line(line), ExportEntry)]
    prepared = [_prepared(entry) for entry in entries]
    base = len(entries), partial(_commit_all, prepared)
    with LiveNode(files.node) as node:
        remembered = Remembered(node)
        _audit(files, remembered)
        for name, source, clock in (
            ("audit, chain state in memory", remembered, CPU),
            ("audit, node asked for each entry", node, WALL),
        ):
            ratio = Ratio(name, "its commitments alone", "entries")
            yield race(ratio, (len(entries), partial(_audit, files, source)), base, rounds, clock)


def _prepared(entry: ExportEntry) -> tuple[list[tuple[str, Any]], list[bytes]]:
    pairs = entry.pairs or ()
    return [(pair.path, pair.value) for pair in pairs], [pair.salt or b"" for pair in pairs]


def _commit_all(prepared: Sequence[tuple[list[tuple[str, Any]], list[bytes]]]) -> None:
    for pairs, salts in prepared:
        commit(SHA256, pairs, salts)


def _audit(files: Files, source: Source) -> None:
    report = audit_export(files.export, files.network, source)
    assert report.outcome == "complete", report


def evidence_sizes(files: Files, batch: int) -> list[Fact]:
    """Return the bytes of evidence files: the cause's, and a donation's."""
    short_plain, short_proven = files.short
    return [
        size_of(f"batch of {batch:,}", short_plain, short_proven),
        size_of(f"batch of {batch:,}", files.plain[0], files.proven[0]),
    ]


def size_of(what: str, plain: bytes, proven: bytes) -> Fact:
    """Return the bytes of a file without and with a proof, and with all values hidden that may be."""
    evidence = Evidence.parse(plain)
    hidden = len(evidence.disclose(()).to_bytes())
    values = {"disclosed": len(plain), "hidden": hidden, "disclosed, proof": len(proven)}
    name = f"{len(evidence.pairs)} pairs, receipt included, {what}"
    return Fact(name, {f"{name} (B)": value for name, value in values.items()})
