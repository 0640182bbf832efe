"""Completing a skeleton, without a service."""

from dataclasses import replace

import pytest
from support.paper_chain import PaperChain
from support.paper_evidence import PaperLedger, donation

from chainsvc.client.assemble import assemble, check_commitment
from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.suites import SHA256, SM3, Suite
from chainsvc.errors import MalformedInput
from chainsvc.evidence import Evidence

SEED = b"\x05" * 32


@pytest.fixture(params=[SHA256, SM3], ids=["sha256", "sm3"])
def suite(request: pytest.FixtureRequest) -> Suite:
    chosen: Suite = request.param
    return chosen


@pytest.fixture
def skeleton(suite: Suite) -> bytes:
    ledger = PaperLedger(PaperChain(), suite=suite)
    ledger.anchor([donation(1), donation(2)])
    return replace(ledger.evidence(0), pairs=()).to_bytes()


def test_assembled_evidence_is_that_of_the_record_and_seed(skeleton: bytes, suite: Suite) -> None:
    evidence = assemble(skeleton, donation(1), SEED)
    pairs = donation(1).flatten()
    assert evidence.commitment() == commit(suite, pairs, derive_salts(suite, SEED, len(pairs)))
    assert [(pair.path, pair.value) for pair in evidence.pairs] == pairs
    assert Evidence.parse(evidence.to_bytes()) == evidence
    assert replace(evidence, pairs=()).to_bytes() == skeleton


def test_other_record_or_seed_is_noticed(skeleton: bytes) -> None:
    record_id = assemble(skeleton, donation(1), SEED).commitment()
    for record, seed in ((donation(2), SEED), (donation(1), b"\x06" * 32)):
        with pytest.raises(MalformedInput, match="of another record"):
            check_commitment(assemble(skeleton, record, seed), record_id)


def test_what_is_no_skeleton_is_refused(skeleton: bytes) -> None:
    whole = assemble(skeleton, donation(1), SEED).to_bytes()
    wrong = {
        "evidence with pairs": whole,
        "no object": b"[]",
        "not JSON": skeleton[:-1],
        "unknown suite": skeleton.replace(b'"suite":1', b'"suite":9').replace(b'"suite":2', b'"suite":9'),
        "no suite": skeleton.replace(b'"suite"', b'"sweet"'),
        "unknown member": skeleton.replace(b'"seq"', b'"sequel"'),
        "another format": skeleton.replace(b"chainsvc-evidence/1", b"chainsvc-evidence/2"),
        "too large": skeleton + b" " * 300_000,
    }
    for data in wrong.values():
        with pytest.raises(MalformedInput):
            assemble(data, donation(1), SEED)
