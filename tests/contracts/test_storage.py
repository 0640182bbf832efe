"""Storage: values stand at the pinned slots, packed as documented, and the layout is the committed one."""

import hashlib
from typing import Any

import pytest
from support.storage import HEADS, KEYS, METAS, STATES, SUCCESSOR, WORDS, mapping, nested, stored
from support.world import ADMIN, CHARITY, REGISTRAR, World

from chainsvc.chain.artifacts import POLICY_CONTRACTS, artifact

PUBLIC = bytes(range(32))


def labels(name: str) -> list[tuple[str, int, int]]:
    """Return (label, slot, offset) of every variable."""
    storage: list[dict[str, Any]] = artifact(name).storage_layout["storage"]
    return [(variable["label"], variable["slot"], variable["offset"]) for variable in storage]


@pytest.mark.parametrize("name", POLICY_CONTRACTS)
def test_ledger_contracts_have_exactly_the_pinned_slots(name: str) -> None:
    assert labels(name) == [
        ("_states", 0, 0),
        ("_heads", 1, 0),
        ("_words", 2, 0),
        ("_metas", 3, 0),
        ("_budgets", 4, 0),
        ("_successor", 5, 0),
    ]


def test_register_keeps_keys_before_everything_inherited() -> None:
    found = labels("Institutions")
    assert found[:8] == [
        ("_keys", 0, 0),
        ("_organizations", 1, 0),
        ("_delegations", 2, 0),
        ("_ledgersOf", 3, 0),
        ("_ledgerContracts", 4, 0),
        ("_ledgerNames", 5, 0),
        ("_policies", 6, 0),
        ("_recoveries", 7, 0),
    ]
    assert found[8][:2] == ("_roles", 8)


@pytest.mark.node
def test_state_head_word_and_meta_stand_at_their_slots(world: World) -> None:
    ledger = world.open_ledger(world.charity, "charity", CHARITY, "LUNCH-2026", flags=1)
    batches = [(ledger, 0, 3, bytes([1]) * 32, 500, 20), (ledger, 3, 4, bytes([2]) * 32, 7, 30)]
    receipt = world.charity.send(CHARITY.account, "anchorAndMark", batches, [(ledger, 6, 2, ledger, 0)])
    state = (7).to_bytes(8) + (2).to_bytes(8) + (507).to_bytes(8) + (50).to_bytes(8)
    assert stored(world.charity, mapping(STATES, ledger)) == state
    anchored = [event.values["head"] for event in receipt.events if event.name == "Anchored"]
    assert [stored(world.charity, nested(HEADS, ledger, k)) for k in (0, 1)] == anchored
    assert stored(world.charity, nested(WORDS, ledger, 6)) == receipt.event("StandingChanged")["word"]
    assert stored(world.charity, nested(WORDS, ledger, 5)) == bytes(32)
    meta = bytes(11) + CHARITY.uscc + bytes([1, 1, 0])
    assert stored(world.charity, mapping(METAS, ledger)) == meta
    world.charity.send(CHARITY.account, "closeLedger", ledger)
    assert stored(world.charity, mapping(METAS, ledger)) == meta[:-1] + b"\1"


@pytest.mark.node
def test_key_stands_at_its_slot(world: World) -> None:
    start = world.institutions.send(REGISTRAR, "addKey", CHARITY.uscc, 1, PUBLIC, 1, 0, 0).time
    key_id = hashlib.sha256(b"\1" + PUBLIC).digest()
    world.institutions.send(CHARITY.account, "endKey", key_id, start + 500)
    world.institutions.send(CHARITY.account, "compromiseKey", key_id, start - 9)
    times = start.to_bytes(4) + (start + 500).to_bytes(4) + (start - 9).to_bytes(4)
    assert stored(world.institutions, mapping(KEYS, key_id)) == CHARITY.uscc + bytes([1, 1]) + times


@pytest.mark.node
def test_successor_stands_at_its_slot(world: World) -> None:
    world.charity.send(ADMIN, "announceSuccessor", world.marriage.address)
    expected = bytes(12) + world.marriage.raw_address
    assert stored(world.charity, SUCCESSOR.to_bytes(32)) == expected
