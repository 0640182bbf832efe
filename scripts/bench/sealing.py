"""Checking seals, alone and as a part of verifying evidence, against recovering their signers and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from coincurve import PublicKey

from bench.figures import Fact, Ratio
from bench.timing import race
from bench.verifying import Files, Needed, size_of
from chainsvc.evidence import Evidence
from chainsvc.network import AT_ONCE, SEALERS, Network, Validators
from chainsvc.proof.header import Header
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.seals import qbft
from chainsvc.proof.seals.clique import Rules
from chainsvc.proof.seals.following import check_run
from chainsvc.verify import SealSource, sealing, verify
from vector_parts.sealing import VALIDATORS, clique, committed, in_turn, seal

AFTER = 3
"""Blocks that make another final among four validators."""

_DIGEST = keccak256(b"bench")


class _State:
    """The state of the block that the files are proven for, in blocks that validators of the benchmark sealed."""

    def __init__(self, files: Files) -> None:
        """Take root, number and time from the first file's proof."""
        proof = Evidence.parse(files.proven[0]).proof
        assert proof is not None
        header = Header.parse(proof.header)
        self.root, self.number, self.time = header.state_root, header.number, header.timestamp

    def headers(self, finality: str) -> list[bytes]:
        """Return the block's header, and those after it where they make it final."""
        if finality == AT_ONCE:
            return [committed(self, VALIDATORS[:3])]
        made, parent = list[bytes](), bytes(32)
        for number in range(self.number, self.number + AFTER + 1):
            made.append(clique(number, parent, self.root, in_turn(number), time=self.time + number - self.number))
            parent = keccak256(made[-1])
        return made


def seals(files: Files, rounds: int, times: int) -> Iterator[Ratio]:
    """Check one block's seals by both rules, then verify files by them."""
    state = _State(files)
    for name, finality in (("QBFT, 3 of 4", AT_ONCE), ("clique, 4 headers", SEALERS)):
        headers = state.headers(finality)
        recoveries = len(headers) if finality == SEALERS else 3
        ratio = Ratio(f"check seals, {name}", f"its {recoveries} recoveries", "blocks")
        ours = partial(_check_all, headers, finality, times)
        yield race(ratio, (times, ours), (times, partial(_recover_all, recoveries * times)), rounds)
    for name, finality in (("QBFT", AT_ONCE), ("clique", SEALERS)):
        network, data = _sealed(files, state, finality)
        needed = Needed.of(data, network, SealSource())
        hashes = (len(needed.of_sha256) + len(needed.of_keccak)) // len(data)
        ratio = Ratio(f"verify with proof, by seals of {name}", f"its {hashes} hashes and JSON parse", "files")
        work = partial(_verify_each, data, network)
        yield race(ratio, (len(data), work), (len(data), needed.do), rounds)


def sealed_sizes(files: Files) -> list[Fact]:
    """Return the bytes of a donation's evidence with the seals of four validators."""
    state = _State(files)
    return [
        size_of(f"seals of four, {name}", files.plain[0], _sealed(files, state, finality)[1][0])
        for name, finality in (("QBFT", AT_ONCE), ("clique", SEALERS))
    ]


def _sealed(files: Files, state: _State, finality: str) -> tuple[Network, list[bytes]]:
    engine = replace(files.network.engine, finality=finality)
    network = replace(files.network, engine=engine, validators=(Validators(0, VALIDATORS),))
    header = b"".join(state.headers(finality))
    return network, [_with_header(data, header) for data in files.proven]


def _with_header(data: bytes, header: bytes) -> bytes:
    evidence = Evidence.parse(data)
    assert evidence.proof is not None
    return replace(evidence, proof=evidence.proof._replace(header=header)).to_bytes()


def _check_all(headers: Sequence[bytes], finality: str, times: int) -> None:
    for _ in range(times):
        if finality == AT_ONCE:
            qbft.check(headers[0], VALIDATORS)
        else:
            check_run(headers, lambda _: VALIDATORS, Rules(0, None))


def _recover_all(times: int) -> None:
    made = seal(_DIGEST, VALIDATORS[0])
    for _ in range(times):
        PublicKey.from_signature_and_message(made, _DIGEST, hasher=None)


def _verify_each(files: Sequence[bytes], network: Network) -> None:
    """Verify files whose seals are each checked, though all are of one block."""
    for data in files:
        sealing._judged.cache_clear()  # noqa: SLF001 - kept from file to file
        verdict = verify(data, network, None)
        assert verdict.verdict == "valid", verdict
