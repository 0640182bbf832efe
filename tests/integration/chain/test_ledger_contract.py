import secrets
from collections.abc import Callable

import pytest
from support.chain import Chain

from chainsvc.chain.engines import ANVIL
from chainsvc.chain.events import Anchored, BudgetSet, LedgerClosed, StandingChanged
from chainsvc.chain.institutions import Role
from chainsvc.chain.ledgers import Anchor, Budget, Mark, Meta, State
from chainsvc.chain.transactions import prepare
from chainsvc.errors import ChainRefused
from chainsvc.heads import Status, head, status_word
from chainsvc.record import ledger_id

pytestmark = pytest.mark.node

NOBODY = b"\x07" * 20


def batch(ledger: bytes, first: int, count: int = 40, credit: int = 500, debit: int = 0) -> Anchor:
    return Anchor(ledger, first, count, secrets.token_bytes(32), credit, debit)


def refusal(act: Callable[[], object]) -> ChainRefused:
    with pytest.raises(ChainRefused) as caught:
        act()
    return caught.value


def test_opened_ledger_has_the_computed_id_and_is_enumerable(chain: Chain) -> None:
    organization = chain.organization()
    opened = chain.ledger("charity", organization)
    contract = chain.ledgers("charity")
    network_id = chain.deployment.network.network_id
    assert opened.name == f"charity/{organization}/BOOK-1"
    assert opened.ledger_id == ledger_id(network_id, contract.address, 1, 0, opened.name)
    assert contract.meta_of(opened.ledger_id) == Meta(organization, suite=1, flags=0, closed=False)
    assert contract.meta_of(secrets.token_bytes(32)) is None
    assert chain.institutions.ledgers_of(organization) == (opened.ledger_id,)
    assert chain.institutions.ledger_named(opened.name) == opened.ledger_id
    assert chain.institutions.ledger_named(opened.name + "X") is None


def test_anchored_event_is_the_computed_head(chain: Chain) -> None:
    contract = chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    prev = bytes(32)
    for k in range(2):
        anchor = batch(ledger, 40 * k)
        receipt = chain.send(contract.address, contract.anchor([anchor]))
        (event,) = contract.events_of(receipt)
        assert isinstance(event, Anchored)
        place = event.place
        assert place.time == chain.node.block(place.block).time
        assert event.prev == prev
        prev = head(
            prev, ledger, k, 40 * k, 40, anchor.root, 500, 0, chain.signer.address, place.block, place.time
        )  # fmt: skip
        assert event.head == prev == contract.head_of(ledger, k)
    assert contract.state_of(ledger) == State(next_seq=80, next_batch=2, credit=1000, debit=0)
    assert contract.head_of(ledger, 2) == bytes(32)


def test_standing_changed_event_is_the_computed_word(chain: Chain) -> None:
    contract = chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    mark = Mark(ledger, 3, Status.SUPERSEDED, ledger, 40)
    chain.send(contract.address, contract.anchor([batch(ledger, 0)]))
    receipt = chain.send(contract.address, contract.anchor_and_mark([batch(ledger, 40, 1)], [mark]))
    anchored, changed = contract.events_of(receipt)
    assert isinstance(anchored, Anchored)
    assert isinstance(changed, StandingChanged)
    word = status_word(
        bytes(32), ledger, 3, Status.SUPERSEDED, ledger, 40, chain.signer.address,
        changed.place.block, changed.place.time,
    )  # fmt: skip
    assert changed.word == word == contract.status_of(ledger, 3)
    assert contract.status_of(ledger, 2) == bytes(32)
    assert contract.status_of(ledger, 3, at=receipt.block_number - 1) == bytes(32)


def test_refusals_are_told_by_name_with_expected_and_got(chain: Chain) -> None:
    contract = chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    chain.send(contract.address, contract.anchor([batch(ledger, 0)]))

    repeated = contract.simulate([batch(ledger, 0)], [], chain.signer.address)
    assert repeated is not None
    assert (repeated.name, repeated.expected, repeated.got) == ("SequenceMismatch", "40", "0")
    assert repeated.arguments["ledgerId"] == ledger.hex()
    overspent = contract.simulate([batch(ledger, 40, credit=0, debit=501)], [], chain.signer.address)
    assert overspent is not None
    assert (overspent.name, overspent.expected, overspent.got) == ("DebitExceedsCredit", "500", "501")
    stranger = contract.simulate([batch(ledger, 40)], [], NOBODY)
    assert stranger is not None
    assert stranger.name == "NotEntitled"
    assert stranger.arguments["account"] == NOBODY.hex()


def test_simulation_changes_nothing_and_lets_good_ones_pass(chain: Chain) -> None:
    contract = chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    before = chain.node.head().number
    mark = Mark(ledger, 0, Status.REVOKED, ledger, 39)
    assert contract.simulate([batch(ledger, 0)], [mark], chain.signer.address) is None
    assert contract.state_of(ledger) == State(0, 0, 0, 0)
    assert chain.node.head().number == before


def test_a_doomed_transaction_is_refused_before_it_costs_a_nonce(chain: Chain) -> None:
    contract = chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    nonce = chain.node.nonce(chain.signer.address)
    refused = refusal(lambda: chain.send(contract.address, contract.anchor([batch(ledger, 1)])))
    assert refused.name == "SequenceMismatch"
    assert chain.node.nonce(chain.signer.address) == nonce


def test_several_ledgers_are_anchored_in_one_call(chain: Chain) -> None:
    contract = chain.ledgers("charity")
    organization = chain.organization()
    ledgers = [chain.ledger("charity", organization, f"BOOK-{n}").ledger_id for n in range(3)]
    receipt = chain.send(contract.address, contract.anchor([batch(ledger, 0) for ledger in ledgers]))
    events = contract.events_of(receipt)
    assert [event.ledger_id for event in events] == ledgers
    assert [event.place.index for event in events] == [0, 1, 2]


def test_closed_ledger_takes_no_more(chain: Chain) -> None:
    contract = chain.ledgers("marriage")
    ledger = chain.ledger("marriage", chain.organization(Role.ISSUER | Role.REGISTRATION_OFFICE)).ledger_id
    receipt = chain.send(contract.address, contract.close_ledger(ledger))
    (closed,) = contract.events_of(receipt)
    assert isinstance(closed, LedgerClosed)
    assert closed.actor == chain.signer.address
    meta = contract.meta_of(ledger)
    assert meta is not None
    assert meta.closed
    refused = contract.simulate([batch(ledger, 0, credit=0)], [], chain.signer.address)
    assert refused is not None
    assert refused.name == "LedgerNotOpen"


def test_budget_is_set_by_a_regulator_and_a_cut_waits(chain: Chain) -> None:
    contract = chain.ledgers("subsidy")
    ledger = chain.ledger("subsidy", chain.organization()).ledger_id
    bureau = chain.organization(Role.REGULATOR)
    raised = chain.send(contract.address, contract.set_budget(ledger, bureau, 900))
    (event,) = contract.events_of(raised)
    assert isinstance(event, BudgetSet)
    assert (event.by, event.present) == (bureau, 900)
    assert contract.budget_of(ledger).present == 900

    cut = chain.send(contract.address, contract.set_budget(ledger, bureau, 100))
    time = chain.node.block(cut.block_hash).time
    assert contract.budget_of(ledger) == Budget(900, 100, time + chain.institutions.longest_deadline())
    over = contract.simulate([batch(ledger, 0, credit=0, debit=901)], [], chain.signer.address)
    assert over is not None
    assert (over.name, over.expected, over.got) == ("BudgetExceeded", "900", "901")


def test_events_are_found_by_range_name_and_ledger(chain: Chain) -> None:
    contract = chain.ledgers("charity")
    organization = chain.organization()
    first = chain.ledger("charity", organization, "A")
    second = chain.ledger("charity", organization, "B").ledger_id
    receipts = [chain.send(contract.address, contract.anchor([batch(second, 40 * k)])) for k in range(3)]
    last = chain.node.head().number
    begin = first.place.block
    of_second = list(contract.events(begin, last, ledger_id=second))
    assert [type(event).__name__ for event in of_second] == ["LedgerOpened", "Anchored", "Anchored", "Anchored"]
    anchored = list(contract.events(receipts[1].block_number, last, name="Anchored", ledger_id=second))
    assert [event.k for event in anchored if isinstance(event, Anchored)] == [1, 2]
    assert list(contract.events(begin, last, name="Anchored", ledger_id=first.ledger_id)) == []
    assert first in list(contract.events(begin, last))


def test_pending_simulation_sees_what_waits_to_be_mined(own_chain: Chain) -> None:
    chain, contract = own_chain, own_chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    chain.node.request("evm_setAutomine", False)  # noqa: FBT003
    nonce = chain.node.nonce(chain.signer.address, "pending")
    call = contract.anchor([batch(ledger, 0)])
    waiting = prepare(chain.node, ANVIL, chain.signer.address, contract.address, call, nonce=nonce)
    chain.node.send(chain.signer.sign_transaction(waiting).raw)
    assert contract.state_of(ledger).next_seq == 0
    assert contract.simulate([batch(ledger, 40)], [], chain.signer.address) is None
