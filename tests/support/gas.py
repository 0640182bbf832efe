"""What each act costs in gas, measured on a real anvil; ``scripts/gas.py`` writes it, a test compares it."""

from typing import Any, NamedTuple

from support.anvil import Node
from support.contract import Contract
from support.world import BUREAU, CHARITY, COUNTY, OFFICE, Organization, World, build, kind

from chainsvc.crypto.suites import sha256

SIZES = (1, 64, 1024, 4096)
CREDIT_PER_ENTRY, DEBIT_PER_ENTRY = 12_345, 6_789
BUDGET = 10**12


class _Policy(NamedTuple):
    kind: str
    contract: Contract
    owner: Organization
    credit: int
    debit: int


def measure(node: Node) -> dict[str, Any]:
    """Return gas by act, deterministic for a compiler and an EVM version."""
    world = build(node)
    policies = (
        _Policy("charity", world.charity, CHARITY, CREDIT_PER_ENTRY, DEBIT_PER_ENTRY),
        _Policy("marriage", world.marriage, OFFICE, 0, 0),
        _Policy("subsidy", world.subsidy, COUNTY, 0, DEBIT_PER_ENTRY),
    )
    return {
        "evm": "paris",
        "openLedger": {policy.kind: _open(policy, "BOOK-2026").gas for policy in policies},
        "anchor": {policy.kind: _anchors(world, policy) for policy in policies},
        "standing": {policy.kind: _standing(policy) for policy in policies},
        "setBudget": _set_budget(world, world.open_ledger(world.subsidy, "subsidy", COUNTY, "BUDGET")),
    }


def _open(policy: _Policy, book: str) -> Any:
    return policy.contract.send(policy.owner.account, "openLedger", kind(policy.kind), policy.owner.uscc, book, 1, 0)


def _opened(policy: _Policy, book: str) -> bytes:
    ledger = _open(policy, book).event("LedgerOpened")["ledgerId"]
    assert isinstance(ledger, bytes)
    return ledger


def _batch(policy: _Policy, ledger: bytes, first: int, count: int) -> tuple[object, ...]:
    root = sha256(first.to_bytes(8) + count.to_bytes(8))
    return ledger, first, count, root, policy.credit * count, policy.debit * count


def _anchor(policy: _Policy, ledger: bytes, first: int, count: int) -> int:
    return policy.contract.send(policy.owner.account, "anchor", [_batch(policy, ledger, first, count)]).gas


def _anchors(world: World, policy: _Policy) -> dict[str, Any]:
    ledger = _opened(policy, "ANCHOR")
    if policy.kind == "subsidy":
        _set_budget(world, ledger)
    first_call, first = _anchor(policy, ledger, 0, 64), 64
    steady = {}
    for count in SIZES:
        gas = _anchor(policy, ledger, first, count)
        steady[str(count)] = {"call": gas, "record": round(gas / count, 2)}
        first += count
    return {"first": first_call, "steady": steady}


def _standing(policy: _Policy) -> dict[str, int]:
    ledger, account = _opened(policy, "STANDING"), policy.owner.account
    free = policy._replace(credit=0, debit=0)
    for first in (0, 8):
        _anchor(free, ledger, first, 8)
    both = policy.contract.send(account, "anchorAndMark", [_batch(free, ledger, 16, 8)], [(ledger, 1, 1, ledger, 17)])
    single = policy.contract.send(account, "setStatus", [(ledger, 2, 2, ledger, 18)])
    return {"anchorAndMarkOne": both.gas, "setStatusOne": single.gas}


def _set_budget(world: World, ledger: bytes) -> int:
    return world.subsidy.send(BUREAU.account, "setBudget", ledger, BUREAU.uscc, BUDGET).gas
