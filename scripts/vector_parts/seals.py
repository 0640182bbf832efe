"""Cases about validators' seals, section 22 of docs/evidence-format.md: evidence without a node."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import rlp

from chainsvc.checkpoint import Checkpoint
from chainsvc.network import Engine, Network, Validators
from chainsvc.proof.keccak import keccak256
from vector_parts.batches import BATCHES
from vector_parts.constants import NETWORK, derived
from vector_parts.sealing import FIVE, STRANGER, VALIDATORS, clique, committed, high_s, in_turn, run
from vector_parts.state import NUMBER, SIGNER, ChainState, network

BASE = "signed-proven"
UNREAD = (5, 6, 7, 8, 9)
BY_HEADER = (5, 7, 8, 9)
ZEROS = "00" * 256
"""The logs' filter of a header, written ``~``."""

V = VALIDATORS


@dataclass(frozen=True)
class Case:
    """One verification by seals; a step in neither list passes.

    Attributes:
        name: What is special about it.
        network: Name of the descriptor.
        headers: Those in the proof, None for a file without a proof.
        verdict: ``valid``, ``invalid`` or ``undetermined``.
        found: Who stands behind the block, empty where it is not sealed.
        checkpoint: Name of a checkpoint, or None.
    """

    name: str
    network: str
    headers: Sequence[bytes] | None
    verdict: str
    found: Sequence[bytes] = ()
    checkpoint: str | None = None

    @property
    def steps(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Steps that fail, and steps that are not checked."""
        if self.verdict == "valid":
            return (), ()
        if self.checkpoint:
            return (6,), ()
        return ((6,), BY_HEADER) if self.verdict == "invalid" else ((), UNREAD)


def _networks() -> dict[str, Network]:
    four, five = Validators(0, VALIDATORS), FIVE
    seals = Engine("vectors", "sealers", 1)
    return {
        "committed": replace(network(), validators=(four,)),
        "committed, later": replace(network(), validators=(Validators(NUMBER + 1, VALIDATORS),)),
        "committed, five": replace(network(), validators=(Validators(0, five),)),
        "sealers": replace(network(), engine=seals, validators=(four,)),
        "sealers, later": replace(network(), engine=seals, validators=(Validators(NUMBER + 1, VALIDATORS),)),
        "sealers, five then": replace(network(), engine=seals, validators=(four, Validators(NUMBER + 2, five))),
        "confirmations": replace(network(), engine=Engine("vectors", "confirmations:3", 1), validators=(four,)),
        "tag": replace(network(), engine=Engine("vectors", "finalized", 1), validators=(four,)),
    }


def files() -> dict[str, Any]:
    """Return ``evidence/seals.json``."""
    cases = [*_committed(), *_sealers(), *_others()]
    headers = {header: f"header {place}" for place, header in enumerate(dict.fromkeys(_headers(cases)))}
    return {
        "evidence/seals.json": {
            "rule": "evidence by the seals of the descriptor's validators: no node; a checkpoint where one is named",
            "base": f"evidence/valid/{BASE}.json",
            "networks": {name: _changes(one) for name, one in _networks().items()},
            "checkpoints": _checkpoints(),
            "headers": {name: header.hex().replace(ZEROS, "~") for header, name in headers.items()},
            "cases": [_row(case, headers) for case in cases],
        }
    }


def _headers(cases: Sequence[Case]) -> Iterator[bytes]:
    for case in cases:
        yield from case.headers or ()


def _changes(changed: Network) -> dict[str, Any]:
    """Return the members in which the descriptor differs from ``evidence/network.json``."""
    plain, other = (orjson.loads(one.to_bytes()) for one in (network(), changed))
    return {name: other[name] for name in other if other[name] != plain[name]}


def _row(case: Case, names: dict[bytes, str]) -> dict[str, Any]:
    failed, unchecked = case.steps
    outcomes = {**dict.fromkeys(failed, "failed"), **dict.fromkeys(unchecked, "not checked")}
    return {
        "name": case.name,
        "network": case.network,
        "headers": None if case.headers is None else [names[header] for header in case.headers],
        "checkpoint": case.checkpoint,
        "verdict": case.verdict,
        "exitCode": {"valid": 0, "undetermined": 11, "invalid": 12}[case.verdict],
        "steps": [outcomes.get(step, "passed") for step in range(1, 11)],
        "found": [address.hex() for address in sorted(case.found)],
    }


def _checkpoints() -> dict[str, str]:
    block = Checkpoint(NETWORK, NUMBER, keccak256(run(_state().root, 0)[0])).sign([SIGNER])
    return {"the block": block.to_bytes().decode()}


def _state() -> ChainState:
    return ChainState.of(BATCHES)


def _committed() -> Iterator[Case]:
    state, kind = _state(), "committed"

    def case(name: str, header: bytes, verdict: str, found: Sequence[bytes] = (), of: str = kind) -> Case:
        return Case(f"committed: {name}", of, [header], verdict, found)

    three = committed(state, V[:3])
    yield case("three of four", three, "valid", V[:3])
    yield case("all four, in another order, in round 7", committed(state, V[::-1], round=7), "valid", V)
    yield case("two of four", committed(state, V[:2]), "undetermined")
    yield case("none", committed(state, ()), "undetermined")
    yield case("one twice", committed(state, (*V[:3], V[0])), "invalid")
    yield case("a stranger beside three", committed(state, (*V[:3], STRANGER)), "invalid")
    yield case("three of five", committed(state, V[:3], validators=FIVE), "undetermined", of="committed, five")
    yield case("four of five", committed(state, V, validators=FIVE), "valid", V, of="committed, five")
    yield case("the header lists five", committed(state, V, validators=FIVE), "invalid")
    yield case("the header lists three", committed(state, V[:3], validators=V[:3]), "invalid")
    yield case("the proposer is nobody", committed(state, V[:3], miner=STRANGER), "invalid")
    yield case("difficulty 2", committed(state, V[:3], difficulty=2), "invalid")
    yield case("uncles", committed(state, V[:3], uncles=derived("uncles")), "invalid")
    yield case("nobody is pinned so early", three, "undetermined", of="committed, later")
    yield Case("committed: a header behind it", kind, [three, three], "invalid")
    yield case("no mixHash of QBFT", run(state.root, 0)[0], "invalid")
    yield from _seals(state)


def _seals(state: ChainState) -> Iterator[Case]:
    """Yield cases about the bytes of single seals."""
    good = _seals_of(committed(state, V[:3]))
    whole = {
        "a high s": [high_s(good[0]), *good[1:]],
        "the same seal in both forms": [*good, high_s(good[0])],
        "v is 27": [good[0][:64] + bytes([good[0][64] + 27]), *good[1:]],
        "64 bytes": [good[0][:64], *good[1:]],
        "r is zero": [bytes(32) + good[0][32:], *good[1:]],
        "of another round": _seals_of(committed(state, V[:3], round=1)),
    }
    for name, seals in whole.items():
        verdict, found = ("valid", V[:3]) if name == "a high s" else ("invalid", ())
        yield Case(f"committed: {name}", "committed", [committed(state, (), seals=seals)], verdict, found)


def _seals_of(header: bytes) -> list[bytes]:
    seals: list[bytes] = rlp.decode(rlp.decode(header)[12])[4]
    return seals


def _sealers() -> Iterator[Case]:
    root = _state().root
    after = [in_turn(NUMBER + number) for number in (1, 2, 3)]

    def case(name: str, run: Sequence[bytes], verdict: str, found: Sequence[bytes] = (), of: str = "sealers") -> Case:
        return Case(f"sealers: {name}", of, run, verdict, found)

    three = run(root, 3)
    yield case("three blocks after it", three, "valid", after)
    yield case("four blocks after it", run(root, 4), "valid", after)
    yield case("two blocks after it", three[:3], "undetermined")
    yield case("none after it", three[:1], "undetermined")
    yield case("a gap", [three[0], *three[2:]], "invalid")
    yield case("the last on another branch", run(root, 3, parent=derived("branch")), "invalid")
    yield case("the last by a stranger", run(root, 3, sealer=STRANGER), "invalid")
    yield case("the one beyond it by a stranger", run(root, 4, sealer=STRANGER), "invalid")
    yield case("the last by the one before", run(root, 3, sealer=in_turn(NUMBER + 2)), "invalid")
    yield case("the last by the one two before", run(root, 3, sealer=in_turn(NUMBER + 1)), "invalid")
    yield case("the last out of turn", run(root, 2, sealer=in_turn(NUMBER + 3)) + _next(root), "valid", after)
    yield case("in turn with difficulty 1", run(root, 3, difficulty=1), "invalid")
    yield case("difficulty 3", run(root, 3, difficulty=3), "invalid")
    yield case("a vote", run(root, 3, miner=STRANGER, nonce=b"\xff" * 8), "valid", after)
    yield case("another nonce", run(root, 3, nonce=b"\1" * 8), "invalid")
    yield case("a mixHash", run(root, 3, mix=derived("mix")), "invalid")
    yield case("before its parent in time", run(root, 3, time=1), "invalid")
    yield case("lists the validators", run(root, 3, listed=V), "valid", after)
    yield case("lists others", run(root, 3, listed=FIVE), "invalid")
    yield case("lists the validators beside a vote", run(root, 3, listed=V, miner=STRANGER), "invalid")
    yield case("the block itself by a stranger", [*run(root, 0, sealer=STRANGER)], "invalid")
    yield case("the last is cut off", [*three[:3], three[3][:-1]], "invalid")
    yield case("nobody is pinned so early", three, "undetermined", of="sealers, later")
    yield from _changed(root)
    yield Case("sealers: checkpoint of the block", "sealers", three, "valid", after, "the block")
    yield Case("sealers: checkpoint, none after it", "sealers", three[:1], "valid", (), "the block")
    wrong = run(root, 3, sealer=STRANGER)
    yield Case("sealers: checkpoint, the last by a stranger", "sealers", wrong, "invalid", (), "the block")


def _next(root: bytes) -> list[bytes]:
    """Return the block after one that the third in turn sealed early: by the second, late."""
    early = run(root, 2, sealer=in_turn(NUMBER + 3))[-1]
    return [clique(NUMBER + 3, keccak256(early), root, in_turn(NUMBER + 2))]


def _changed(root: bytes) -> Iterator[Case]:
    """Yield cases in which a fifth validator comes two blocks after the block: four different ones are needed then."""
    made = run(root, 1)
    sealers = [in_turn(NUMBER + 1)]
    for number in range(NUMBER + 2, NUMBER + 5):
        sealers.append(next(who for who in FIVE if who not in (*sealers, in_turn(NUMBER))))
        made.append(clique(number, keccak256(made[-1]), root, sealers[-1], sealers=FIVE))
    name = "sealers, five then"
    yield Case("sealers: a fifth comes, three after it", name, made[:4], "undetermined")
    yield Case("sealers: a fifth comes, four after it", name, made, "valid", sealers)


def _others() -> Iterator[Case]:
    state = _state()
    yield Case("no proof", "committed", None, "undetermined")
    for name in ("confirmations", "tag"):
        yield Case(f"{name}: no rule of seals", name, [committed(state, V[:3])], "undetermined")
