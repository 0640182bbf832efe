"""Each of the ten steps passes, fails with expected and got, or says why it was not checked."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.paper_chain import ACCOUNT, LEDGER_CONTRACT, SIGNER, PaperChain, PaperNode
from support.paper_evidence import ISSUER_KEY, LEDGER, SERVICE_KEY, USCC, PaperLedger, donation
from support.paper_scene import Scene

from chainsvc.checkpoint import Checkpoint
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SM3
from chainsvc.evidence import MAX_BYTES_WITH_PROOF, Evidence
from chainsvc.heads import Status
from chainsvc.note import Signer
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.verify import CheckpointSource, Outcome, Verdict, verify
from chainsvc.verify.keys import RECEIPT, SUBMISSION

PASSED, FAILED, NOT_CHECKED = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_CHECKED


def _outcomes(verdict: Verdict) -> dict[int, Outcome]:
    return {step.number: step.outcome for step in verdict.steps}


def _failed_only(verdict: Verdict, number: int) -> None:
    """The step failed, told expected and got, and made the verdict invalid."""
    step = verdict.step(number)
    assert step.outcome is FAILED
    assert step.finding.expected is not None
    assert step.finding.reason
    assert [n for n, outcome in _outcomes(verdict).items() if outcome is FAILED] == [number]
    assert (verdict.verdict, verdict.exit_code) == ("invalid", 12)


# --- what verifies -------------------------------------------------------------------------------------------------


def test_every_step_passes_with_a_node(scene: Scene) -> None:
    verdict = scene.ask_node(scene.evidence())
    assert set(_outcomes(verdict).values()) == {PASSED}
    assert (verdict.verdict, verdict.exit_code) == ("valid", 0)


def test_every_step_passes_with_a_checkpoint(scene: Scene) -> None:
    verdict = scene.ask_checkpoint(scene.proven())
    assert set(_outcomes(verdict).values()) == {PASSED}
    assert verdict.verdict == "valid"
    assert "no node was asked" in str(verdict.step(10).finding.reason)


def test_facts_say_who_where_and_when(scene: Scene) -> None:
    facts = scene.ask_node(scene.evidence()).facts
    assert facts is not None
    assert (facts.ledger, facts.organization, facts.seq, facts.actor) == (LEDGER, USCC, scene.seq, ACCOUNT)
    assert (facts.block, facts.time) == (3, scene.chain.blocks[3].block.time)
    assert (facts.standing, facts.standing_block) == (Status.CURRENT, scene.chain.tip.block.number)
    assert facts.head == scene.chain.value_of_head(scene.ledger.id, 0)
    assert (facts.signed, facts.receipt_late, facts.hidden) == (True, 0, 0)
    assert "the organization itself signed" in facts.attests.en.lower()


def test_an_sm3_ledger_verifies(scene: Scene) -> None:
    ledger = PaperLedger(scene.chain, name=f"charity/{USCC}/SM3", suite=SM3)
    (seq, *_) = ledger.anchor([donation(i, ledger=ledger.name) for i in range(3)])
    assert scene.ask_node(ledger.evidence(seq)).verdict == "valid"


def test_a_batch_of_one_verifies(scene: Scene) -> None:
    assert scene.ask_node(scene.evidence(scene.correction)).verdict == "valid"


def test_hidden_values_verify_and_are_counted(scene: Scene) -> None:
    verdict = scene.ask_checkpoint(scene.proven().disclose(["/body/amount", "/reference"]))
    assert verdict.verdict == "valid"
    assert verdict.facts is not None
    assert (verdict.facts.disclosed, verdict.facts.hidden) == (8, 14)
    assert any("disclose" in wording.en for wording in verdict.facts.not_proven)


def test_an_unsigned_ledger_is_valid_and_says_who_attests(scene: Scene) -> None:
    ledger = PaperLedger(scene.chain, name=f"charity/{USCC}/UNSIGNED")
    (seq,) = ledger.anchor([donation(1, ledger=ledger.name)])
    evidence = ledger.evidence(seq)
    verdict = scene.ask_checkpoint(ledger.proven(evidence))
    assert verdict.verdict == "valid"
    assert _outcomes(verdict)[9] is NOT_CHECKED
    assert verdict.facts is not None
    assert "anchoring account attests" in verdict.facts.attests.en
    assert any("unsigned" in wording.en for wording in verdict.facts.not_proven)


def test_verdict_is_json_with_both_languages(scene: Scene) -> None:
    told = json.loads(json.dumps(scene.ask_node(scene.evidence()).to_json()))
    assert (told["verdict"], told["verdictZh"], told["exitCode"]) == ("valid", "有效", 0)
    assert [step["number"] for step in told["steps"]] == list(range(1, 11))
    assert told["facts"]["notProven"][0]["zh"]


# --- step 1 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda data: data + b"\n",
        lambda data: data[:-1],
        lambda data: b" " + data,
        lambda data: data.replace(b'"seq"', b'"Seq"'),
        lambda data: data.replace(b"chainsvc-evidence/1", b"chainsvc-evidence/2"),
        lambda _: b"[" * 100_000,
        lambda _: b"x" * (MAX_BYTES_WITH_PROOF + 1),
        lambda _: b"\xff\xfe",
    ],
)
def test_step_1_fails_on_what_is_no_evidence(scene: Scene, spoil: Callable[[bytes], bytes]) -> None:
    verdict = scene.ask_node(spoil(scene.evidence().to_bytes()))
    assert (verdict.verdict, verdict.facts) == ("invalid", None)
    assert _outcomes(verdict) == {1: FAILED, **dict.fromkeys(range(2, 11), NOT_CHECKED)}


# --- step 2 --------------------------------------------------------------------------------------------------------


def test_step_2_fails_on_paths_out_of_order(scene: Scene) -> None:
    evidence = scene.evidence()
    verdict = scene.ask_node(replace(evidence, pairs=evidence.pairs[::-1]))
    assert _outcomes(verdict)[2] is FAILED
    assert verdict.step(2).finding.expected is not None
    assert [_outcomes(verdict)[n] for n in (4, 5, 9, 10)] == [NOT_CHECKED] * 4
    assert verdict.verdict == "invalid"


# --- step 4 --------------------------------------------------------------------------------------------------------


def test_step_4_fails_on_a_path_of_the_wrong_length(scene: Scene) -> None:
    evidence = scene.evidence()
    verdict = scene.ask_node(replace(evidence, path=evidence.path[:-1]))
    assert _outcomes(verdict)[4] is FAILED
    assert _outcomes(verdict)[5] is NOT_CHECKED
    assert verdict.verdict == "invalid"


def test_step_4_fails_on_a_seq_outside_the_batch(scene: Scene) -> None:
    verdict = scene.ask_node(replace(scene.evidence(), seq=99))
    assert verdict.step(4).finding.expected == "0 ≤ index < count ≤ 4096"
    assert verdict.verdict == "invalid"


# --- step 5 --------------------------------------------------------------------------------------------------------


def test_step_5_fails_on_another_value(scene: Scene) -> None:
    evidence = scene.evidence()
    pairs = tuple(p._replace(value="somebody else") if p.path == "/body/donor/name" else p for p in evidence.pairs)
    verdict = scene.ask_node(replace(evidence, pairs=pairs, submission=evidence.submission, receipt=None))
    step = verdict.step(5)
    assert (step.outcome, step.finding.expected) == (FAILED, scene.chain.value_of_head(scene.ledger.id, 0).hex())
    assert verdict.verdict == "invalid"


def test_step_5_alone_fails_on_another_batch_fact(scene: Scene) -> None:
    evidence = scene.evidence()
    verdict = scene.ask_node(replace(evidence, batch=replace(evidence.batch, time=evidence.batch.time - 1)))
    _failed_only(verdict, 5)


def test_step_5_is_not_checked_before_the_batch(scene: Scene) -> None:
    verdict = scene.ask_node(scene.evidence(), at=2)
    assert _outcomes(verdict)[5] is NOT_CHECKED
    assert verdict.verdict == "undetermined"


@pytest.mark.parametrize("member", ["head", "word", "account", "key", "institutions"])
def test_a_proof_without_nodes_fails_or_stays_open(scene: Scene, member: str) -> None:
    evidence = scene.proven()
    assert evidence.proof is not None
    nothing: dict[str, Any] = {member: ()}
    cut = replace(evidence, proof=evidence.proof._replace(**nothing))
    assert scene.ask_checkpoint(cut).verdict in ("invalid", "undetermined")
    assert scene.ask_node(cut).verdict in ("invalid", "undetermined")


def test_a_proof_of_another_slot_fails_its_step(scene: Scene) -> None:
    evidence, other = scene.proven(), scene.proven(scene.correction)
    assert evidence.proof is not None
    assert other.proof is not None
    swapped = replace(evidence, proof=evidence.proof._replace(head=other.proof.head))
    _failed_only(scene.ask_checkpoint(swapped), 5)


# --- step 6 --------------------------------------------------------------------------------------------------------


def test_without_source_steps_5_to_8_are_open(scene: Scene) -> None:
    verdict = verify(scene.evidence().to_bytes(), scene.network, None)
    assert [_outcomes(verdict)[n] for n in (5, 6, 7, 8)] == [NOT_CHECKED] * 4
    assert (verdict.verdict, verdict.exit_code) == ("undetermined", 11)


def test_step_6_fails_when_the_proofs_block_is_not_the_checkpoints(scene: Scene) -> None:
    fork = Checkpoint(scene.network.network_id, scene.chain.tip.block.number, b"\x09" * 32).sign([SIGNER])
    verdict = verify(scene.proven().to_bytes(), scene.network, CheckpointSource(fork))
    _failed_only(verdict, 6)
    assert verdict.step(6).finding.got == scene.chain.tip.block.hash.hex()


def test_step_6_fails_with_a_node_when_the_proofs_block_is_not_on_its_chain(scene: Scene) -> None:
    evidence = scene.proven()
    fork = PaperChain()
    fork.blocks = list(scene.chain.blocks)
    tip = fork.blocks[-1]
    fork.blocks[-1] = replace(tip, block=replace(tip.block, hash=b"\x07" * 32))
    verdict = verify(evidence.to_bytes(), scene.network, PaperNode(fork))
    _failed_only(verdict, 6)


@pytest.mark.parametrize("signers", [[], [Signer("stranger.example.org", SigningKey.from_seed(b"\x55" * 32))]])
def test_an_unknown_signers_checkpoint_leaves_steps_open(scene: Scene, signers: list[Signer]) -> None:
    checkpoint = scene.chain.checkpoint()
    unsigned = replace(checkpoint, signatures=())
    source = CheckpointSource(unsigned.sign(signers) if signers else unsigned)
    verdict = verify(scene.proven().to_bytes(), scene.network, source)
    assert [_outcomes(verdict)[n] for n in (5, 6, 7, 8)] == [NOT_CHECKED] * 4
    assert verdict.verdict == "undetermined"
    assert verdict.step(6).finding.expected == SIGNER.name


def test_a_checkpoint_of_another_network_names_both(scene: Scene) -> None:
    other = Checkpoint(b"\x01" * 32, scene.chain.tip.block.number, scene.chain.tip.block.hash).sign([SIGNER])
    verdict = verify(scene.proven().to_bytes(), scene.network, CheckpointSource(other))
    step = verdict.step(6)
    assert (step.finding.expected, step.finding.got) == (scene.network.network_id.hex(), "01" * 32)
    assert verdict.verdict == "undetermined"


def test_a_checkpoint_of_another_block_leaves_steps_open(scene: Scene) -> None:
    verdict = verify(scene.proven().to_bytes(), scene.network, CheckpointSource(scene.chain.checkpoint(2)))
    assert verdict.verdict == "undetermined"
    assert verdict.step(6).finding.expected == "block 2"


def test_a_checkpoint_needs_a_proof_in_the_file(scene: Scene) -> None:
    verdict = scene.ask_checkpoint(scene.evidence())
    assert "no proof" in str(verdict.step(5).finding.reason)
    assert verdict.verdict == "undetermined"


# --- step 7 --------------------------------------------------------------------------------------------------------


def test_step_7_fails_on_another_network(scene: Scene) -> None:
    verdict = verify(scene.evidence().to_bytes(), replace(scene.network, network_id=b"\x05" * 32), scene.node)
    _failed_only(verdict, 7)
    assert verdict.step(7).finding.expected == "05" * 32


def test_step_7_fails_on_a_contract_that_the_descriptor_does_not_name(scene: Scene) -> None:
    evidence = replace(scene.evidence(), submission=None, receipt=None, flags=0, contract=b"\x44" * 20)
    verdict = scene.ask_node(evidence)
    _failed_only(verdict, 7)
    assert verdict.step(7).finding.expected == LEDGER_CONTRACT.hex()


def test_step_7_fails_on_other_code(scene: Scene) -> None:
    evidence = scene.evidence()
    scene.chain.code[LEDGER_CONTRACT] += b"\x00"
    scene.chain.seal()
    for verdict in (scene.ask_node(evidence), scene.ask_checkpoint(scene.ledger.proven(evidence))):
        _failed_only(verdict, 7)


def test_step_7_fails_on_other_code_of_institutions(scene: Scene) -> None:
    evidence = scene.evidence()
    scene.chain.code[scene.network.institutions.address] += b"\x00"
    scene.chain.seal()
    for verdict in (scene.ask_node(evidence), scene.ask_checkpoint(scene.ledger.proven(evidence))):
        _failed_only(verdict, 7)


# --- step 8 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.CURRENT], ids=lambda s: str(s.label))
def test_another_standing_is_the_verdict(scene: Scene, status: Status) -> None:
    scene.chain.mark(scene.ledger.id, scene.seq, status, (scene.ledger.id, scene.correction))
    for verdict in (scene.ask_node(scene.evidence()), scene.ask_checkpoint(scene.proven())):
        assert (verdict.verdict, verdict.exit_code) == (status.label, 10)
        assert verdict.facts is not None
        assert verdict.facts.cause is not None
        assert (verdict.facts.cause.ledger_id, verdict.facts.cause.seq) == (scene.ledger.id, scene.correction)


def test_a_reversal_makes_it_valid_again(scene: Scene) -> None:
    cause = (scene.ledger.id, scene.correction)
    scene.chain.mark(scene.ledger.id, scene.seq, 3, cause)
    scene.chain.mark(scene.ledger.id, scene.seq, 0, cause)
    assert scene.ask_checkpoint(scene.proven()).verdict == "valid"


def test_standing_is_that_of_the_block_asked_for(scene: Scene) -> None:
    before = scene.chain.tip.block.number
    scene.chain.mark(scene.ledger.id, scene.seq, 2, (scene.ledger.id, scene.correction))
    evidence = scene.evidence()
    assert scene.ask_node(evidence, at=before).verdict == "valid"
    assert scene.ask_node(evidence).verdict == "revoked"


def test_an_older_file_has_the_chains_standing(scene: Scene) -> None:
    older = scene.evidence()
    scene.chain.mark(scene.ledger.id, scene.seq, 4, (scene.ledger.id, scene.correction))
    verdict = scene.ask_node(older)
    assert verdict.verdict == "dissolved"
    assert verdict.step(8).outcome is NOT_CHECKED
    assert verdict.facts is not None
    assert verdict.facts.cause is None


def test_an_older_file_of_a_reinstated_entry_is_undetermined(scene: Scene) -> None:
    older = scene.evidence()
    cause = (scene.ledger.id, scene.correction)
    scene.chain.mark(scene.ledger.id, scene.seq, 3, cause)
    scene.chain.mark(scene.ledger.id, scene.seq, 0, cause)
    assert scene.ask_node(older).verdict == "undetermined"


def test_an_outdated_list_of_changes_is_undetermined(scene: Scene) -> None:
    older = scene.evidence(scene.superseded)
    scene.chain.mark(scene.ledger.id, scene.superseded, 2, (scene.ledger.id, scene.seq))
    verdict = scene.ask_node(older)
    assert verdict.verdict == "undetermined"
    assert "revoked" in str(verdict.step(8).finding.reason)


def test_step_8_fails_on_a_change_that_the_chain_does_not_know(scene: Scene) -> None:
    change = scene.evidence(scene.superseded).status
    verdict = scene.ask_node(replace(scene.evidence(), status=change))
    _failed_only(verdict, 8)


def test_a_change_after_the_block_that_was_read_is_undetermined(scene: Scene) -> None:
    (change,) = scene.evidence(scene.superseded).status
    verdict = scene.ask_node(replace(scene.evidence(), status=(change._replace(block=10_000),)))
    assert verdict.verdict == "undetermined"


def test_a_word_without_a_known_standing_fails_step_8(scene: Scene) -> None:
    slot = nested_slot(scene.ledger.id, scene.seq, scene.network.slots.words)
    scene.chain.storage[LEDGER_CONTRACT][slot] = b"\x01" * 31 + b"\x07"
    scene.chain.seal()
    _failed_only(scene.ask_node(scene.evidence()), 8)


# --- step 9 --------------------------------------------------------------------------------------------------------


def test_step_9_fails_without_a_submission_in_a_signed_ledger(scene: Scene) -> None:
    _failed_only(scene.ask_node(replace(scene.evidence(), submission=None)), 9)


def test_step_9_fails_on_another_entrys_submission(scene: Scene) -> None:
    other = scene.ledger.signed(scene.correction)
    _failed_only(scene.ask_node(replace(scene.evidence(), submission=other)), 9)


def test_step_9_fails_on_a_key_that_was_never_registered(scene: Scene) -> None:
    stranger = SigningKey.from_seed(b"\x44" * 32)
    evidence = replace(scene.evidence(), submission=scene.ledger.signed(scene.seq, stranger))
    _failed_only(scene.ask_node(evidence), 9)
    _failed_only(scene.ask_checkpoint(scene.ledger.proven(evidence)), 9)


@pytest.mark.parametrize(
    ("uscc", "purpose", "since", "until"),
    [
        ("91350211M000100Y43", SUBMISSION, 0, 0),
        (USCC, RECEIPT, 0, 0),
        (USCC, SUBMISSION, 2_000_000_000, 0),
        (USCC, SUBMISSION, 1, 2),
    ],
    ids=["another organization's", "for receipts", "not yet valid", "ended"],
)
def test_step_9_fails_on_a_key_that_may_not_sign(scene: Scene, uscc: str, purpose: int, since: int, until: int) -> None:
    scene.chain.register_key(ISSUER_KEY, uscc, purpose, since=since, until=until)
    _failed_only(scene.ask_node(scene.evidence()), 9)
    _failed_only(scene.ask_checkpoint(scene.proven()), 9)


def test_a_key_compromised_before_the_batch_is_undetermined(scene: Scene) -> None:
    time = scene.evidence().batch.time
    scene.chain.register_key(ISSUER_KEY, USCC, SUBMISSION, compromised=time)
    assert scene.ask_node(scene.evidence()).verdict == "undetermined"
    scene.chain.register_key(ISSUER_KEY, USCC, SUBMISSION, compromised=time + 1)
    assert scene.ask_node(scene.evidence()).verdict == "valid"


def test_a_key_ended_after_the_batch_still_counts(scene: Scene) -> None:
    scene.chain.register_key(ISSUER_KEY, USCC, SUBMISSION, until=scene.evidence().batch.time + 1)
    assert scene.ask_node(scene.evidence()).verdict == "valid"


def test_a_signed_ledgers_proof_without_its_key_is_undetermined(scene: Scene) -> None:
    evidence = scene.proven()
    assert evidence.proof is not None
    bare = replace(evidence, proof=evidence.proof._replace(key=(), institutions=()))
    verdict = scene.ask_checkpoint(bare)
    assert (verdict.verdict, verdict.step(9).outcome) == ("undetermined", NOT_CHECKED)


def test_key_nodes_that_prove_nothing_fail_step_9(scene: Scene) -> None:
    evidence = scene.proven()
    assert evidence.proof is not None
    _failed_only(scene.ask_checkpoint(replace(evidence, proof=evidence.proof._replace(institutions=()))), 9)


# --- step 10 -------------------------------------------------------------------------------------------------------


def test_step_10_fails_on_another_entrys_receipt(scene: Scene) -> None:
    other = scene.ledger.receipt(scene.correction)
    _failed_only(scene.ask_node(replace(scene.evidence(), receipt=other)), 10)


def test_step_10_fails_on_a_receipt_key_that_is_none(scene: Scene) -> None:
    scene.chain.register_key(SERVICE_KEY, USCC, SUBMISSION)
    _failed_only(scene.ask_node(scene.evidence()), 10)


def test_a_missed_deadline_is_told_and_leaves_the_record_sound(scene: Scene) -> None:
    evidence = scene.evidence()
    late = replace(evidence, receipt=scene.ledger.receipt(scene.seq, anchor_by=evidence.batch.time - 60))
    verdict = scene.ask_node(late)
    assert verdict.verdict == "valid"
    assert verdict.facts is not None
    assert verdict.facts.receipt_late == 60
    assert "60 s after the deadline" in str(verdict.step(10).finding.reason)


def test_timestamps_are_not_checked_and_say_why(scene: Scene) -> None:
    with_token = replace(scene.evidence(), receipt=None, timestamps=(b"token",))
    step = scene.ask_node(with_token).step(10)
    assert step.outcome is NOT_CHECKED
    assert "no time-stamping authority is pinned" in str(step.finding.reason)


def test_a_file_without_receipt_is_valid(scene: Scene) -> None:
    verdict = scene.ask_node(replace(scene.evidence(), receipt=None))
    assert (verdict.verdict, verdict.step(10).outcome) == ("valid", NOT_CHECKED)


def test_state_slot_is_where_the_descriptor_says(scene: Scene) -> None:
    word = scene.chain.storage[LEDGER_CONTRACT][mapping_slot(scene.ledger.id, scene.network.slots.state)]
    assert int.from_bytes(word[:8]) == 8


def test_evidence_of_the_scene_is_small(scene: Scene) -> None:
    assert len(scene.evidence().to_bytes()) < 4096
    assert isinstance(scene.proven(), Evidence)
