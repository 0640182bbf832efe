"""Opening and closing ledgers: identity, names, and the list that leaves no ledger hidden."""

import pytest
from support.world import (
    ADMIN,
    AUDIT_OFFICE,
    AUDITOR,
    BUREAU,
    CHARITY,
    ISSUER,
    NETWORK_ID,
    NOBODY,
    REGISTRAR,
    REGULATOR,
    STRANGER,
    World,
    account,
    kind,
)

from chainsvc.record import ledger_id

pytestmark = pytest.mark.node

BOOK = "LUNCH-2026"
NAME = f"charity/{CHARITY.uscc.decode()}/{BOOK}"


@pytest.mark.parametrize(("suite", "flags"), [(1, 0), (1, 1), (2, 0), (2, 1)])
def test_opened_ledger_has_the_identity_of_the_python_model(world: World, suite: int, flags: int) -> None:
    receipt = world.charity.send(CHARITY.account, "openLedger", kind("charity"), CHARITY.uscc, BOOK, suite, flags)
    expected = ledger_id(NETWORK_ID, world.charity.raw_address, suite, flags, NAME)
    assert receipt.event("LedgerOpened") == {
        "ledgerId": expected,
        "uscc": CHARITY.uscc,
        "kind": kind("charity"),
        "name": NAME,
        "suite": suite,
        "flags": flags,
    }
    assert world.charity.call("metaOf", expected) == (False, flags, suite, CHARITY.uscc)
    assert world.charity.call("stateOf", expected) == (0, 0, 0, 0)


def test_every_opened_ledger_is_listed_with_its_organization(world: World) -> None:
    books = ["A", "Z9-", "X" * 32]
    opened = [world.open_ledger(world.charity, "charity", CHARITY, book) for book in books]
    assert list(world.institutions.call("ledgersOf", CHARITY.uscc)) == opened
    assert world.institutions.call("ledgerCountOf", CHARITY.uscc) == 3
    assert [world.institutions.call("ledgerAt", CHARITY.uscc, i) for i in range(3)] == opened
    for book, ledger in zip(books, opened, strict=True):
        assert world.institutions.call("ledgerNamed", f"charity/{CHARITY.uscc.decode()}/{book}") == ledger
        assert world.institutions.call("ledgerContractOf", ledger) == world.charity.address


def test_opening_is_recorded_in_the_register_too(world: World) -> None:
    seen = world.node.rpc("eth_blockNumber")
    ledger = world.open_ledger(world.charity, "charity", CHARITY, BOOK)
    logs = world.node.rpc("eth_getLogs", {"fromBlock": hex(int(seen, 16) + 1), "address": world.institutions.address})
    (log,) = logs
    assert log["topics"][2] == "0x" + ledger.hex()


def test_name_is_opened_once_in_a_network(world: World) -> None:
    ledger = world.open_ledger(world.charity, "charity", CHARITY, BOOK)
    for suite, flags in ((1, 0), (2, 1)):
        world.charity.assert_refused(
            CHARITY.account,
            "openLedger",
            kind("charity"),
            CHARITY.uscc,
            BOOK,
            suite,
            flags,
            error=("NameTaken", NAME, ledger),
        )


def test_name_stays_taken_when_the_policy_moves_to_another_contract(world: World) -> None:
    ledger = world.open_ledger(world.charity, "charity", CHARITY, BOOK)
    world.institutions.send(ADMIN, "setPolicy", kind("charity"), world.marriage.address)
    world.marriage.assert_refused(
        CHARITY.account,
        "openLedger",
        kind("charity"),
        CHARITY.uscc,
        BOOK,
        1,
        0,
        error=("NameTaken", NAME, ledger),
    )


def test_opening_refuses_a_kind_of_another_policy(world: World) -> None:
    for name, policy in (("marriage", world.marriage.address), ("funeral", account(0))):
        world.charity.assert_refused(
            CHARITY.account,
            "openLedger",
            kind(name),
            CHARITY.uscc,
            BOOK,
            1,
            0,
            error=("NotPolicy", kind(name), policy, world.charity.address),
        )


@pytest.mark.parametrize("name", ["charity/X/Y", "charity", "", "sixteen-letters-and-more/X/Y"])
def test_register_takes_ledgers_from_policies_only(world: World, name: str) -> None:
    wanted = kind(name.split("/", 1)[0][:16])
    policy = world.institutions.call("policyOf", wanted)
    world.institutions.assert_refused(
        STRANGER, "recordLedger", CHARITY.uscc, bytes(32), name, error=("NotPolicy", wanted, policy, STRANGER)
    )


def test_opening_refuses_accounts_that_are_not_entitled(world: World) -> None:
    for caller in (STRANGER, BUREAU.account, REGISTRAR, ADMIN):
        world.charity.assert_refused(
            caller,
            "openLedger",
            kind("charity"),
            CHARITY.uscc,
            BOOK,
            1,
            0,
            error=("NotEntitled", CHARITY.uscc, caller),
        )


def test_opening_needs_an_issuer_or_a_regulator(world: World) -> None:
    world.charity.assert_refused(
        AUDIT_OFFICE.account,
        "openLedger",
        kind("charity"),
        AUDIT_OFFICE.uscc,
        BOOK,
        1,
        0,
        error=("RoleMissing", AUDIT_OFFICE.uscc, ISSUER | REGULATOR, AUDITOR),
    )
    world.open_ledger(world.charity, "charity", BUREAU, "DECISIONS")


@pytest.mark.parametrize("suite", [0, 3, 255])
def test_opening_refuses_an_unknown_suite(world: World, suite: int) -> None:
    world.charity.assert_refused(
        CHARITY.account,
        "openLedger",
        kind("charity"),
        CHARITY.uscc,
        BOOK,
        suite,
        0,
        error=("SuiteUnknown", suite),
    )


@pytest.mark.parametrize("flags", [2, 3, 128])
def test_opening_refuses_unknown_flags(world: World, flags: int) -> None:
    world.charity.assert_refused(
        CHARITY.account,
        "openLedger",
        kind("charity"),
        CHARITY.uscc,
        BOOK,
        1,
        flags,
        error=("FlagsUnknown", 1, flags),
    )


@pytest.mark.parametrize("book", ["", "X" * 33, "lunch", "A/B", "A B", "A_B", "春", "A\0", "@", "[", "`", "."])
def test_opening_refuses_a_malformed_book(world: World, book: str) -> None:
    world.charity.assert_refused(
        CHARITY.account,
        "openLedger",
        kind("charity"),
        CHARITY.uscc,
        book,
        1,
        0,
        error=("BookMalformed", book),
    )


@pytest.mark.parametrize("bad", [b"", b"Charity", b"charity/", b"ch\0y"])
def test_opening_refuses_a_malformed_kind(world: World, bad: bytes) -> None:
    padded = bad.ljust(16, b"\0")
    world.charity.assert_refused(
        CHARITY.account, "openLedger", padded, CHARITY.uscc, BOOK, 1, 0, error=("KindMalformed", padded)
    )


def test_kind_of_sixteen_letters_is_allowed(world: World) -> None:
    longest = "abcdefghijklmnop"
    world.institutions.send(ADMIN, "setPolicy", kind(longest), world.charity.address)
    world.open_ledger(world.charity, longest, CHARITY, BOOK)


def test_closed_ledger_takes_no_batch_and_keeps_its_heads(world: World) -> None:
    ledger = world.open_ledger(world.charity, "charity", CHARITY, BOOK)
    world.charity.send(CHARITY.account, "anchor", [(ledger, 0, 2, bytes(32), 5, 0)])
    head = world.charity.call("headOf", ledger, 0)
    receipt = world.charity.send(CHARITY.account, "closeLedger", ledger)
    assert receipt.event("LedgerClosed") == {"ledgerId": ledger, "actor": CHARITY.account}
    assert world.charity.call("metaOf", ledger)[0]
    batch = (ledger, 2, 1, bytes(32), 0, 0)
    world.charity.assert_refused(CHARITY.account, "anchor", [batch], error=("LedgerNotOpen", ledger))
    world.charity.assert_refused(CHARITY.account, "closeLedger", ledger, error=("LedgerNotOpen", ledger))
    assert world.charity.call("headOf", ledger, 0) == head


def test_closed_ledger_is_refused_behind_an_open_one(world: World) -> None:
    ledgers = [world.open_ledger(world.charity, "charity", CHARITY, book) for book in ("OPEN", "CLOSED")]
    world.charity.send(CHARITY.account, "closeLedger", ledgers[1])
    batches = [(ledger, 0, 1, bytes(32), 0, 0) for ledger in ledgers]
    world.charity.assert_refused(CHARITY.account, "anchor", batches, error=("LedgerNotOpen", ledgers[1]))


def test_closed_ledger_still_takes_changes_of_standing(world: World) -> None:
    ledger = world.open_ledger(world.charity, "charity", CHARITY, BOOK)
    world.charity.send(CHARITY.account, "anchor", [(ledger, 0, 2, bytes(32), 5, 0)])
    world.charity.send(CHARITY.account, "closeLedger", ledger)
    world.charity.send(CHARITY.account, "setStatus", [(ledger, 0, 2, ledger, 1)])
    assert world.charity.call("statusOf", ledger, 0)[-1] == 2


def test_closing_is_for_the_ledgers_organization_only(world: World) -> None:
    ledger = world.open_ledger(world.charity, "charity", CHARITY, BOOK)
    for caller in (STRANGER, REGISTRAR, ADMIN, BUREAU.account):
        world.charity.assert_refused(caller, "closeLedger", ledger, error=("NotEntitled", CHARITY.uscc, caller))
    world.charity.assert_refused(CHARITY.account, "closeLedger", bytes(32), error=("LedgerUnknown", bytes(32)))


def test_suspended_organization_opens_nothing(world: World) -> None:
    world.institutions.send(REGISTRAR, "suspendOrganization", CHARITY.uscc, NOBODY, bytes(32))
    world.charity.assert_refused(
        CHARITY.account,
        "openLedger",
        kind("charity"),
        CHARITY.uscc,
        BOOK,
        1,
        0,
        error=("NotEntitled", CHARITY.uscc, CHARITY.account),
    )
