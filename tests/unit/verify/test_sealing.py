"""Evidence verified by validators' seals alone: no node, no checkpoint."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paper_scene import Scene
from support.paper_seals import ADDRESSES
from support.sealed_chain import VALIDATORS, SealedChain, sealed_scene

from chainsvc.evidence import Evidence, Proof
from chainsvc.network import AT_ONCE, SEALERS, Engine, Network, Validators
from chainsvc.proof import rlp
from chainsvc.proof.header import Header
from chainsvc.verify import CheckpointSource, Seals, Verdict, verify
from chainsvc.verify.wording import CHECKPOINT, NODES, OWN_NODE, SEALS, UNANCHORED, Wording

BOTH = pytest.mark.parametrize("finality", [AT_ONCE, SEALERS])
SCENES = {finality: sealed_scene(finality) for finality in (AT_ONCE, SEALERS)}


def _by_seals(evidence: Evidence, network: Network, at: int | None = None) -> Verdict:
    return verify(evidence.to_bytes(), network, None, at)


def _bases(verdict: Verdict) -> set[Wording]:
    """Return which trust in a block the verdict says it rests on."""
    assert verdict.facts is not None
    return {*verdict.facts.not_proven} & {OWN_NODE, NODES, CHECKPOINT, SEALS, UNANCHORED}


def _with(evidence: Evidence, **parts: Any) -> Evidence:
    proof = evidence.proof
    assert proof is not None
    return replace(evidence, proof=proof._replace(**parts))


def _headers(evidence: Evidence) -> list[bytes]:
    assert evidence.proof is not None
    return rlp.split(evidence.proof.header, most=99, where="")


@BOTH
def test_evidence_is_valid_by_seals_alone(finality: str) -> None:
    scene = SCENES[finality]
    verdict = _by_seals(scene.proven(), scene.network)
    assert verdict.verdict == "valid"
    assert verdict.facts is not None
    assert verdict.facts.seals is not None
    assert {*verdict.facts.seals.found} <= {*VALIDATORS}
    assert (verdict.facts.seals.needed, len(verdict.facts.seals.found)) == (3, 3)
    assert (verdict.facts.seals.validators, verdict.facts.seals.since) == (VALIDATORS, 0)
    assert verdict.facts.trust == f"sealed by {verdict.facts.seals}"
    assert _bases(verdict) == {SEALS}


@BOTH
def test_verdict_names_rule_needed_found_and_the_set(finality: str) -> None:
    scene = SCENES[finality]
    facts = _by_seals(scene.proven(), scene.network).to_json()["facts"]
    rule = "committed seals in its header" if finality == AT_ONCE else "seals of the blocks after it"
    assert facts["seals"] == {
        "rule": rule,
        "needed": 3,
        "found": facts["seals"]["found"],
        "validators": [address.hex() for address in VALIDATORS],
        "from": 0,
    }
    assert facts["trust"] == f"sealed by 3 of 4 validators by {rule}, 3 needed"


@BOTH
def test_without_a_proof_seals_leave_it_undetermined(finality: str) -> None:
    scene = SCENES[finality]
    verdict = _by_seals(scene.evidence(), scene.network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("undetermined", "not checked")
    assert "has no proof" in str(verdict.step(6).finding.reason)


@BOTH
def test_block_before_the_first_pinned_epoch_is_not_checked(finality: str) -> None:
    scene = SCENES[finality]
    network = replace(scene.network, validators=(Validators(1000, VALIDATORS),))
    verdict = _by_seals(scene.proven(), network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("undetermined", "not checked")
    assert verdict.step(6).finding.expected == "block 1000 or later"


@BOTH
def test_other_validators_than_pinned_make_it_invalid(finality: str) -> None:
    scene = SCENES[finality]
    network = replace(scene.network, validators=(Validators(0, ADDRESSES[4:8]),))
    verdict = _by_seals(scene.proven(), network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("invalid", "failed")
    assert "successor descriptor" in str(verdict.step(6).finding.reason)
    assert all(verdict.step(number).outcome == "not checked" for number in (5, 7, 8, 9))


@pytest.mark.parametrize("finality", ["confirmations:3", "finalized"])
def test_finality_without_a_rule_of_seals_is_not_checked(finality: str) -> None:
    scene = SCENES[AT_ONCE]
    network = replace(scene.network, engine=Engine("paper", finality, 1))
    verdict = _by_seals(scene.proven(), network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("undetermined", "not checked")


@pytest.mark.parametrize("after", [0, 1, 2])
def test_too_few_blocks_after_it_are_not_final(after: int) -> None:
    scene = SCENES[SEALERS]
    evidence = scene.proven()
    short = _with(evidence, header=b"".join(_headers(evidence)[: 1 + after]))
    verdict = _by_seals(short, scene.network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("undetermined", "not checked")
    finding = verdict.step(6).finding
    assert (finding.expected, finding.got) == ("3 validators", f"{after} validators")
    assert "not final" in str(finding.reason)


def test_block_beyond_the_one_that_makes_it_final_is_checked_too() -> None:
    scene = SCENES[SEALERS]
    headers = _headers(scene.proven())
    verdict = _by_seals(_with(scene.proven(), header=b"".join([*headers, headers[1]])), scene.network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("invalid", "failed")
    assert "not-next" in str(verdict.step(6).finding.reason)


def test_headers_behind_the_first_are_refused_where_a_block_is_final_at_once() -> None:
    scene = SCENES[AT_ONCE]
    header = _headers(scene.proven())[0]
    verdict = _by_seals(_with(scene.proven(), header=header + header), scene.network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("invalid", "failed")


def test_too_few_committed_seals_are_undetermined() -> None:
    chain = SealedChain(sealing=VALIDATORS[:2])
    scene = replace(SCENES[AT_ONCE], chain=chain)
    evidence = SCENES[AT_ONCE].proven()
    verdict = _by_seals(_with(evidence, header=chain.tip.header), scene.network)
    assert (verdict.verdict, verdict.step(6).outcome) == ("undetermined", "not checked")


@BOTH
def test_seals_are_judged_beside_a_node_and_a_checkpoint(finality: str) -> None:
    scene = SCENES[finality]
    evidence = scene.proven()
    for verdict in (scene.ask_node(evidence), _ask_checkpoint(scene, evidence)):
        assert verdict.verdict == "valid"
        assert verdict.facts is not None
        assert isinstance(verdict.facts.seals, Seals)
        assert "sealed by 3 of 4" in str(verdict.step(6).finding.reason)


@BOTH
def test_verdict_names_the_trust_that_its_block_rests_on_and_no_other(finality: str) -> None:
    scene = SCENES[finality]
    evidence = scene.proven()
    unsealed = replace(scene.network, validators=())
    assert _bases(scene.ask_node(evidence)) == {OWN_NODE}
    assert _bases(_ask_checkpoint(scene, evidence)) == {SEALS}
    assert _bases(_ask_checkpoint(scene, evidence, unsealed)) == {CHECKPOINT}
    assert _bases(_by_seals(evidence, scene.network)) == {SEALS}
    assert _bases(_by_seals(evidence, unsealed)) == {UNANCHORED}


def test_seals_that_show_nothing_are_not_said_to_be_vouched_for_by_a_checkpoint() -> None:
    scene = SCENES[SEALERS]
    short = _with(scene.proven(), header=_headers(scene.proven())[0])
    wrong = replace(scene.network, validators=(Validators(0, ADDRESSES[4:8]),))
    for verdict in (_by_seals(short, scene.network), _by_seals(scene.proven(), wrong)):
        assert verdict.step(6).outcome != "passed"
        assert _bases(verdict) == {UNANCHORED}


def _ask_checkpoint(scene: Scene, evidence: Evidence, network: Network | None = None) -> Verdict:
    number = Header.parse(_headers(evidence)[0]).number
    return verify(evidence.to_bytes(), network or scene.network, CheckpointSource(scene.chain.checkpoint(number)))


def test_wrong_seal_fails_beside_a_node_that_has_the_block() -> None:
    scene = SCENES[AT_ONCE]
    network = replace(scene.network, validators=(Validators(0, ADDRESSES[4:8]),))
    verdict = verify(scene.proven().to_bytes(), network, scene.node)
    assert (verdict.verdict, verdict.step(6).outcome) == ("invalid", "failed")


def test_too_few_seals_fail_nothing_where_a_node_has_the_block() -> None:
    scene = SCENES[SEALERS]
    evidence = scene.proven()
    short = _with(evidence, header=_headers(evidence)[0])
    verdict = scene.ask_node(short)
    assert (verdict.verdict, verdict.step(6).outcome) == ("valid", "passed")
    assert "too few of the pinned validators" in str(verdict.step(6).finding.reason)


def test_node_with_another_block_than_a_quorum_sealed_is_told() -> None:
    scene, other = SCENES[SEALERS], sealed_scene(SEALERS)
    other.chain.blocks = [replace(sealed, block=replace(sealed.block, hash=bytes(32))) for sealed in other.chain.blocks]
    verdict = verify(scene.proven().to_bytes(), scene.network, other.node)
    assert (verdict.verdict, verdict.step(6).outcome) == ("invalid", "failed")
    assert "yet sealed by 3 of 4 validators" in str(verdict.step(6).finding.reason)


@BOTH
def test_standing_at_another_block_than_the_proofs_is_not_told(finality: str) -> None:
    scene = SCENES[finality]
    verdict = _by_seals(scene.proven(), scene.network, at=1)
    assert (verdict.verdict, verdict.step(6).outcome) == ("undetermined", "not checked")


def test_change_of_validators_between_block_and_final_counts_by_the_larger_set() -> None:
    chain = SealedChain(finality=SEALERS)
    scene = sealed_scene(SEALERS)
    chain.blocks, chain.storage, chain.words = scene.chain.blocks, scene.chain.storage, scene.chain.words
    number = len(chain.blocks) - 2
    seven = ADDRESSES[:7]
    chain.pinned = (Validators(0, VALIDATORS), Validators(len(chain.blocks), seven))
    order = (*seven[4:], *seven[:4])  # those who sealed just before come last
    chain.sealing = tuple(order[(place - len(chain.blocks)) % len(order)] for place in range(len(order)))
    for _ in range(5):
        chain.seal()
    evidence = scene.evidence()
    proven = replace(evidence, proof=chain.prove(evidence, number))
    verdict = _by_seals(proven, chain.network)
    assert verdict.verdict == "valid"
    assert verdict.facts is not None
    assert verdict.facts.seals is not None
    assert (verdict.facts.seals.needed, verdict.facts.seals.validators) == (5, seven)


@given(st.sampled_from([AT_ONCE, SEALERS]), st.integers(0), st.integers(1, 255))
def test_no_changed_byte_of_the_headers_is_valid(finality: str, at: int, bits: int) -> None:
    scene = SCENES[finality]
    evidence = scene.proven()
    proof = evidence.proof
    assert isinstance(proof, Proof)
    data = bytearray(proof.header)
    data[at % len(data)] ^= bits
    verdict = _by_seals(_with(evidence, header=bytes(data)), scene.network)
    assert verdict.verdict in {"invalid", "undetermined"}
    assert verdict.step(6).outcome == "failed"
