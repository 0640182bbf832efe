"""A step is judged by every view of the chain: the node, and the file's own proof beside it."""

from dataclasses import replace

import pytest
from support.paper_evidence import ISSUER_KEY, USCC
from support.paper_scene import Scene

from chainsvc.evidence import Evidence, Proof
from chainsvc.verify import Outcome
from chainsvc.verify.keys import SUBMISSION

PASSED, FAILED, NOT_CHECKED = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_CHECKED


def _proof(evidence: Evidence) -> Proof:
    assert evidence.proof is not None
    return evidence.proof


def test_a_header_that_is_none_fails_step_6_and_leaves_the_steps_that_need_it(scene: Scene) -> None:
    proven = scene.proven()
    proof = _proof(proven)
    spoiled = replace(proven, proof=proof._replace(header=proof.header[:-1]))
    for verdict in (scene.ask_node(spoiled), scene.ask_checkpoint(spoiled)):
        outcomes = [step.outcome for step in verdict.steps]
        assert outcomes == [*[PASSED] * 4, NOT_CHECKED, FAILED, *[NOT_CHECKED] * 3, PASSED]


def test_what_one_view_leaves_open_another_may_refute(scene: Scene) -> None:
    scene.chain.register_key(ISSUER_KEY, USCC, SUBMISSION, compromised=1)
    proven = scene.proven()
    assert scene.ask_node(proven).step(9).outcome is NOT_CHECKED
    without = replace(proven, proof=_proof(proven)._replace(key=()))
    assert scene.ask_node(without).step(9).outcome is FAILED


def test_a_view_before_the_batch_does_not_hide_a_proof_that_proves_nothing(scene: Scene) -> None:
    proven = scene.proven()
    proof = _proof(proven)
    assert scene.ask_node(proven, at=2).step(5).outcome is NOT_CHECKED
    spoiled = replace(proven, proof=proof._replace(head=proof.head[:-1]))
    assert scene.ask_node(spoiled, at=2).step(5).outcome is FAILED


def test_the_proof_is_judged_by_the_same_rule_as_the_node(scene: Scene) -> None:
    """A file that does not tell a change is older than it, whoever shows the change."""
    superseded = scene.ledger.proven(scene.evidence(scene.superseded))
    untold = replace(superseded, status=())
    for verdict in (scene.ask_node(untold), scene.ask_checkpoint(untold)):
        assert (verdict.step(8).outcome, verdict.verdict) == (NOT_CHECKED, "superseded")


@pytest.mark.parametrize("with_node", [True, False])
def test_the_verdict_says_when_nobody_showed_whose_the_receipts_key_is(scene: Scene, with_node: bool) -> None:  # noqa: FBT001
    verdict = scene.ask_node(scene.proven()) if with_node else scene.ask_checkpoint(scene.proven())
    assert verdict.facts is not None
    assert any("whose key signed the receipt" in text.en for text in verdict.facts.not_proven) is not with_node
    assert ("whose key" in str(verdict.step(10).finding.reason)) is not with_node
