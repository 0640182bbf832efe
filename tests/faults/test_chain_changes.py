"""The chain goes back, knows more than the journal, refuses for a while, or takes no fee: nothing stalls in silence."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine
from support.everything import check_everything
from support.records import corrected, donation, payment
from support.regulator import Decisions, desk, resume, rpc, suspend
from support.station import REGULATOR, Site, Station, build_site, station
from support.workers import another_account, delegate

from chainsvc import devnet
from chainsvc.chain.engines import profile_of
from chainsvc.chain.facts import Block
from chainsvc.chain.finality import FinalAfter
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.node import At
from chainsvc.chain.transactions import fees_of
from chainsvc.client.answers import Accepted, LedgerFacts
from chainsvc.errors import NodeUnavailable, TransactionRefused
from chainsvc.heads import Status
from chainsvc.journal import batches, marks, transactions
from chainsvc.record import Record
from chainsvc.verify import verify


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    try:
        yield build_site(tmp_path)
    finally:
        devnet.down(tmp_path / "devnet")


@pytest.fixture
def alone(own_site: Site, engine: Engine) -> Iterator[Station]:
    with station(own_site, engine) as made:
        yield made


def rounds(made: Station, count: int) -> None:
    for _ in range(count):
        made.parts.worker.round()


def forget_holds(made: Station) -> None:
    """Let what is held be asked about at once, as after the hold."""
    sender = made.parts.worker._anchorer.sender
    sender._held.clear()
    sender._held_marks.clear()


def standing(made: Station, accepted: Accepted) -> Status:
    return made.parts.service.standing(accepted.commitment).standing


def verdict(made: Station, accepted: Accepted) -> str:
    data = made.parts.service.evidence(accepted.commitment, None, proof=False).data
    return str(verify(data, made.parts.network, made.parts.service._parts.source).verdict)


def subsidy(made: Station, budget: int) -> LedgerFacts:
    facts = made.open("subsidy")
    desk(made).set_budget(facts.name, facts.ledger_id, REGULATOR, budget)
    made.parts.worker.round()
    return facts


def believe_in_more_budget(made: Station) -> None:
    """As after a damaged row: the door takes what the contract refuses."""
    with made.parts.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE totals SET budget = 100000000")


def seal(made: Station) -> None:
    made.parts.worker._anchorer.seal()


def test_a_rollback_far_below_the_head_is_found(own_site: Site, engine: Engine) -> None:
    with station(own_site, engine) as made:
        first, second = made.open().name, made.open().name
        receipts = made.accept(first, [donation(first, 0)])
        made.settle(first)
        snapshot = rpc(made, "evm_snapshot")
        receipts += made.accept(first, [donation(first, 1)])
        made.settle(first)
        rpc(made, "evm_revert", snapshot)
        rpc(made, "anvil_mine", hex(40))
    with station(own_site, engine) as made:
        made.accept(second, [donation(second, 1)])
        made.settle(second)
        made.settle(first)
        check_everything(made, first, receipts)


def test_a_chain_that_goes_back_within_a_round_costs_that_round_only(
    alone: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = alone.open().name
    receipts = alone.accept(name, [donation(name, 0)])
    alone.settle(name)
    snapshot = rpc(alone, "evm_snapshot")
    receipts += alone.accept(name, [donation(name, 1)])
    alone.settle(name)
    rpc(alone, "evm_mine")
    look, goes_back = HttpNode.block, [snapshot]

    def look_late(node: HttpNode, at: At) -> Block:
        if at not in (0, "latest") and goes_back:
            rpc(alone, "evm_revert", goes_back.pop())
        return look(node, at)

    worker = alone.parts.worker
    ended: list[str | None] = []

    def end(_seconds: float) -> None:
        ended.append(worker.outage)
        worker._stopping.set()

    with monkeypatch.context() as patch:
        patch.setattr(HttpNode, "block", look_late)
        patch.setattr(worker._stopping, "wait", end)
        worker.run()
    worker._stopping.clear()
    assert (goes_back, ended) == ([], [None])
    alone.settle(name)
    check_everything(alone, name, receipts)


def test_a_change_by_another_that_vanished_is_forgotten(alone: Station) -> None:
    facts = alone.open()
    (accepted,) = alone.accept(facts.name, [donation(facts.name, 1)])
    alone.settle(facts.name)
    decisions = Decisions(alone, facts.contract)
    snapshot = rpc(alone, "evm_snapshot")
    decisions.mark(facts.ledger_id, 0, Status.SUSPENDED)
    alone.settle(facts.name)
    assert verdict(alone, accepted) == "suspended"
    rpc(alone, "evm_revert", snapshot)
    alone.settle(facts.name)
    assert verdict(alone, accepted) == "valid"


def test_a_change_by_another_that_moved_is_seen_anew(alone: Station) -> None:
    facts = alone.open()
    (accepted,) = alone.accept(facts.name, [donation(facts.name, 1)])
    alone.settle(facts.name)
    decisions = Decisions(alone, facts.contract)
    snapshot = rpc(alone, "evm_snapshot")
    decisions.mark(facts.ledger_id, 0, Status.SUSPENDED)
    alone.settle(facts.name)
    rpc(alone, "evm_revert", snapshot)
    rpc(alone, "anvil_mine", "0x3")
    decisions.mark(facts.ledger_id, 0, Status.SUSPENDED)
    alone.settle(facts.name)
    assert verdict(alone, accepted) == "suspended"


def test_a_held_ledger_with_many_batches_starves_no_other(service: Station) -> None:
    held, good = sorted((subsidy(service, 0), subsidy(service, 0)), key=lambda facts: facts.ledger_id)
    desk(service).set_budget(good.name, good.ledger_id, REGULATOR, 1_000_000)
    believe_in_more_budget(service)
    for number in range(130):
        service.accept(held.name, [payment(held.name, number, 100)])
        seal(service)
    service.accept(good.name, [payment(good.name, 1, 100)])
    rounds(service, 8)
    assert service.parts.service.ledger(good.name).anchored_entries == 1
    assert service.parts.worker.trouble is not None


def test_batches_before_a_refused_one_go(service: Station) -> None:
    facts = subsidy(service, 150)
    service.accept(facts.name, [payment(facts.name, 1, 100)])
    seal(service)
    believe_in_more_budget(service)
    service.accept(facts.name, [payment(facts.name, 2, 100)])
    seal(service)
    rounds(service, 6)
    assert service.parts.service.ledger(facts.name).anchored_entries == 1


def test_a_passing_suspension_loses_no_mark(own_site: Site, engine: Engine) -> None:
    with station(own_site, engine, largest_marks=1) as made:
        name = made.open().name
        firsts = made.accept(name, [donation(name, n) for n in range(2)])
        made.settle(name)
        made.accept(name, [corrected(donation(name, n), firsts[n].commitment, 50) for n in range(2)])
        made.parts.worker.round()
        suspend(made)
        rounds(made, 4)
        assert "held" in (made.parts.worker.trouble or "")
        resume(made)
        forget_holds(made)
        made.settle(name)
        rounds(made, 4)
        assert [standing(made, first) for first in firsts] == [Status.SUPERSEDED] * 2


def test_marks_of_a_held_ledger_starve_no_other(own_site: Site, engine: Engine) -> None:
    with station(own_site, engine, largest_marks=1) as made:
        held, good = subsidy(made, 1000), subsidy(made, 1000)
        first, second = payment(held.name, 1, 100), payment(good.name, 1, 100)
        (one,), (two,) = made.accept(held.name, [first]), made.accept(good.name, [second])
        made.settle(held.name)
        made.settle(good.name)
        believe_in_more_budget(made)
        made.accept(held.name, [raised(first, one, 5000)])
        made.accept(good.name, [raised(second, two, 200)])
        rounds(made, 10)
        assert made.parts.service.ledger(good.name).anchored_entries == 2
        assert standing(made, two) is Status.SUPERSEDED


def raised(record: Record, before: Accepted, fen: int) -> Record:
    body = {**record.body, "amount": fen}
    change = fen - record.body["amount"]
    return replace(record, revision=1, previous=before.commitment.hex(), debit=change, body=body)


def test_a_revert_whose_block_vanished_does_not_stop_the_worker(
    alone: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = alone.open().name
    (first,) = alone.accept(name, [donation(name, 0)])
    alone.settle(name)
    snapshot = rpc(alone, "evm_snapshot")
    alone.accept(name, [corrected(donation(name, 0), first.commitment, 50)])
    with monkeypatch.context() as patch:
        patch.setattr(HttpNode, "send", _no_answer)
        with pytest.raises(NodeUnavailable):
            alone.parts.worker.round()
    suspend(alone)
    rounds(alone, 2)
    rpc(alone, "evm_revert", snapshot)
    forget_holds(alone)
    alone.settle(name)
    rounds(alone, 5)
    assert standing(alone, first) is Status.SUPERSEDED


def _no_answer(_node: HttpNode, _raw: bytes) -> bytes:
    raise NodeUnavailable("no answer")


def test_a_batch_that_only_the_chain_knows_as_final_becomes_final(alone: Station) -> None:
    name = alone.open().name
    receipts = alone.accept(name, [donation(name, 1)])
    alone.settle(name)
    _forget_transactions(alone)
    rounds(alone, 5)
    forget_holds(alone)
    alone.settle(name)
    check_everything(alone, name, receipts)


def _forget_transactions(made: Station) -> None:
    """As a backup from before the transaction, restored after it."""
    with made.parts.engine.begin() as conn:
        for transaction in transactions.mined_from_block(conn, 0):
            for batch in batches.of_transaction(conn, transaction.hash):
                batches.back_to_submitted(conn, batch.ledger_id, batch.k)
                transactions.mark_replaced(conn, transaction.hash)
                batches.back_to_sealed(conn, transaction.hash)
                marks.back_to_requested(conn, transaction.hash)


def test_an_account_without_funds_is_told(alone: Station) -> None:
    name = alone.open().name
    alone.settle(name)
    sender = alone.parts.worker._anchorer.sender._signer.address
    rpc(alone, "anvil_setBalance", f"0x{sender.hex()}", "0x0")
    receipts = alone.accept(name, [donation(name, 1)])
    rounds_that_may_fail(alone, 5)
    assert alone.parts.worker.trouble is not None
    devnet.fund(alone.site.local, [sender])
    alone.settle(name)
    check_everything(alone, name, receipts)


def rounds_that_may_fail(made: Station, count: int) -> None:
    """Do what the worker's thread does: an outage is noted, and the next round goes on."""
    for _ in range(count):
        try:
            made.parts.worker.round()
        except NodeUnavailable as error:
            made.parts.worker._note_outage(str(error))


def test_what_rests_on_a_delegation_waits_until_that_is_final(alone: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    name = alone.open().name
    stranger = another_account(alone.site, "stranger", delegated=False)
    with station(alone.site, alone.parts.engine, account_key_file=stranger) as made:
        alone.parts.worker._anchorer.release()
        late = replace(profile_of(made.parts.network.engine), finality=FinalAfter(3), is_lone=False)
        for part in (made.parts.worker._anchorer.sender, made.parts.worker._anchorer.confirmer):
            monkeypatch.setattr(part, "_profile", late)
        rpc(alone, "anvil_mine", "0x3")
        delegate(alone.site, stranger)
        receipts = alone.accept(name, [donation(name, 1)])
        rpc(alone, "anvil_mine", "0x2")
        rounds(made, 3)
        with alone.parts.engine.connect() as conn:
            assert transactions.pending(conn, made.parts.worker._anchorer.sender.account) == ()
        assert made.parts.worker.trouble is None
        rpc(alone, "anvil_mine")
        rounds(made, 1)
        rpc(alone, "anvil_mine", "0x3")
        made.settle(name)
        check_everything(made, name, receipts)


def test_a_transaction_for_which_nodes_ask_for_more_is_signed_anew(
    alone: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = alone.open().name
    receipts = alone.accept(name, [donation(name, 1)])
    send, asked = HttpNode.send, []

    def take_from_100_wei_on(node: HttpNode, raw: bytes) -> bytes:
        asked.append(fees_of(raw).priority)
        if asked[-1] < 100:
            raise TransactionRefused("underpriced", "transaction underpriced")
        return send(node, raw)

    monkeypatch.setattr(HttpNode, "send", take_from_100_wei_on)
    alone.settle(name)
    assert asked[::2] == [1, 10, 100]
    check_everything(alone, name, receipts)


def test_a_fee_below_the_base_fee_is_raised(alone: Station) -> None:
    name = alone.open().name
    alone.settle(name)
    rpc(alone, "evm_setAutomine", False)  # noqa: FBT003 - a JSON-RPC parameter
    receipts = alone.accept(name, [donation(name, 1)])
    alone.parts.worker.round()
    rpc(alone, "anvil_setNextBlockBaseFeePerGas", hex(10**11))
    rpc(alone, "evm_mine")
    for _ in range(6):
        alone.parts.worker.round()
        rpc(alone, "anvil_setNextBlockBaseFeePerGas", hex(10**11))
        rpc(alone, "evm_mine")
    rpc(alone, "evm_setAutomine", True)  # noqa: FBT003 - a JSON-RPC parameter
    alone.settle(name)
    check_everything(alone, name, receipts)
    with alone.parts.engine.connect() as conn:
        states = {tx.state for tx in transactions.at_nonce(conn, *_last(conn))}
    assert states == {"replaced", "final"}


def _last(conn: Connection) -> tuple[bytes, int]:
    (newest,) = transactions.newest_mined(conn, limit=1, offset=0)
    return newest.sender, newest.nonce


@pytest.mark.parametrize("blocks", [0, 3])
def test_what_was_final_by_its_event_alone_is_rechecked_too(alone: Station, blocks: int) -> None:
    """The block goes between the round that sent the transaction and the one that would confirm it."""
    name = alone.open().name
    alone.settle(name)
    snapshot = rpc(alone, "evm_snapshot")
    receipts = alone.accept(name, [donation(name, 1)])
    alone.parts.worker.round()
    rpc(alone, "evm_revert", snapshot)
    rpc(alone, "anvil_mine", hex(blocks))
    rounds(alone, 12)
    check_everything(alone, name, receipts)


def test_the_same_call_at_the_same_nonce_is_taken_up_again(alone: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's transaction took our nonce, and the chain lost the stranger's."""
    name = alone.open().name
    alone.settle(name)
    worker = alone.parts.worker
    account = f"0x{worker._anchorer.sender._signer.address.hex()}"
    receipts = alone.accept(name, [donation(name, 1)])
    with monkeypatch.context() as patch:
        patch.setattr(HttpNode, "send", _no_answer)
        with pytest.raises(NodeUnavailable):
            worker.round()
    snapshot = rpc(alone, "evm_snapshot")
    rpc(alone, "anvil_impersonateAccount", account)
    rpc(alone, "eth_sendTransaction", {"from": account, "to": account, "value": "0x0"})
    worker._anchorer.confirmer.confirm()
    rpc(alone, "evm_revert", snapshot)
    rounds(alone, 8)
    check_everything(alone, name, receipts)


def test_a_budget_that_vanished_no_longer_opens_the_door(alone: Station) -> None:
    facts = subsidy(alone, 100)
    snapshot = rpc(alone, "evm_snapshot")
    desk(alone).set_budget(facts.name, facts.ledger_id, REGULATOR, 1_000_000)
    alone.parts.worker.round()
    assert alone.parts.service.ledger(facts.name).budget == 1_000_000
    rpc(alone, "evm_revert", snapshot)
    rounds(alone, 3)
    assert alone.parts.service.ledger(facts.name).budget == 100
