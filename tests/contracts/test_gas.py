"""Gas: what stands in contracts/artifacts/gas.json is what the contracts cost, within the targets."""

import json

import pytest
from support.anvil import anvil
from support.gas import measure

from chainsvc.chain.artifacts import artifacts_folder

COMMITTED = json.loads((artifacts_folder() / "gas.json").read_text())
STEADY_CALL = {"charity": 70_000, "marriage": 70_000, "subsidy": 72_500}
"""A subsidy reads its budget, one cold slot (2,100) more than the others."""
RECORD_AT_4096 = 20


@pytest.mark.node
def test_measured_gas_is_the_committed_one() -> None:
    with anvil() as node:
        assert measure(node) == COMMITTED


@pytest.mark.parametrize("kind", STEADY_CALL)
def test_steady_anchor_call_stays_within_its_target(kind: str) -> None:
    steady = COMMITTED["anchor"][kind]["steady"]
    assert max(size["call"] for size in steady.values()) <= STEADY_CALL[kind]
    assert steady["4096"]["record"] <= RECORD_AT_4096
