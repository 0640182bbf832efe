import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.chain import Chain
from support.fake_chain import FakeChain, FakeNode
from support.node_server import served

from chainsvc.chain.deploy import contract_address
from chainsvc.chain.engines import ANVIL
from chainsvc.chain.facts import Receipt, to_hex
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Role
from chainsvc.chain.ledgers import Anchor
from chainsvc.chain.signer import KeyFileSigner, SignedTransaction
from chainsvc.chain.transactions import Sending, fees_of, prepare, send_and_wait
from chainsvc.chain.watch import vanished
from chainsvc.devnet.ports import free_port
from chainsvc.errors import ChainRefused, NodeUnavailable, NotFound, StateUnavailable, TransactionRefused
from chainsvc.proof.account import prove_account, prove_slot
from chainsvc.proof.header import Header
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.slots import mapping_slot, nested_slot

pytestmark = pytest.mark.node

NOBODY = b"\x07" * 20
WHERE = "test"


def signed(chain: Chain, nonce: int, *, raised: bool = False) -> SignedTransaction:
    """Sign a transfer of nothing to nobody."""
    sender, gas = chain.signer.address, ANVIL.gas
    fees = gas.replacing(gas.fees(chain.node)) if raised else None
    return chain.signer.sign_transaction(prepare(chain.node, ANVIL, sender, NOBODY, b"", nonce=nonce, fees=fees))


def mined(node: HttpNode, transaction: bytes) -> Receipt:
    """Wait for a receipt: anvil mines at once, but after its answer."""
    deadline = time.monotonic() + 60
    while (receipt := node.receipt(transaction)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return receipt


def test_every_header_hashes_to_its_block(chain: Chain) -> None:
    for number in range(chain.node.head().number + 1):
        block = chain.node.block(number)
        header = Header.parse(chain.node.header(number))
        assert (header.hash, header.number, header.timestamp) == (block.hash, number, block.time)
        assert (header.parent, header.state_root) == (block.parent, block.state_root)
        assert chain.node.header(block.hash) == chain.node.header(number)


def test_proof_of_head_and_absent_word_holds_against_the_header(chain: Chain) -> None:
    contract, slots = chain.ledgers("charity"), chain.deployment.network.slots
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    chain.send(contract.address, contract.anchor([Anchor(ledger, 0, 40, keccak256(b"root"), 1, 0)]))
    block = chain.node.head()
    wanted = (nested_slot(ledger, 0, slots.heads), nested_slot(ledger, 0, slots.words))
    for at in (block.number, block.hash):
        proof = chain.node.proof(contract.address, wanted, at)
        account = prove_account(block.state_root, contract.address, proof.nodes, WHERE)
        assert account is not None
        assert (account.code_hash, account.storage_root) == (proof.code_hash, proof.storage_root)
        values = [prove_slot(account.storage_root, one.slot, one.nodes, WHERE) for one in proof.storage]
        assert values == [one.value for one in proof.storage] == [contract.head_of(ledger, 0), bytes(32)]


def test_proof_works_for_slots_that_begin_with_zeros(chain: Chain) -> None:
    register = chain.institutions.address
    (absent,) = chain.node.proof(register, [bytes(32)], "latest").storage
    assert absent.value == bytes(32)
    admin = chain.node.proof(register, [(10).to_bytes(32)], "latest").storage[0]
    assert admin.value[-20:] == chain.signer.address == chain.node.storage(register, (10).to_bytes(32))[-20:]


def test_state_and_meta_slots_are_where_the_descriptor_says(chain: Chain) -> None:
    contract, slots = chain.ledgers("charity"), chain.deployment.network.slots
    organization = chain.organization()
    ledger = chain.ledger("charity", organization).ledger_id
    chain.send(contract.address, contract.anchor([Anchor(ledger, 0, 40, keccak256(b"root"), 7, 5)]))
    state = chain.node.storage(contract.address, mapping_slot(ledger, slots.state))
    assert state == b"".join(number.to_bytes(8) for number in (40, 1, 7, 5))
    meta = chain.node.storage(contract.address, mapping_slot(ledger, slots.meta))
    assert organization.encode() in meta


def test_unknown_blocks_are_not_found_and_old_states_are_gone(own_chain: Chain) -> None:
    node = own_chain.node
    with pytest.raises(NotFound, match="no such block"):
        node.block(10**6)
    with pytest.raises(NotFound, match="no such block"):
        node.block(b"\x01" * 32)
    with pytest.raises(StateUnavailable):
        node.balance(NOBODY, at=10**6)
    deployed = node.head().number
    node.request("anvil_mine", hex(2 * (ANVIL.proof_depth or 0)))
    with pytest.raises(StateUnavailable, match="archive node"):
        node.proof(own_chain.institutions.address, [], deployed)
    within = node.head().number - (ANVIL.proof_depth or 0) + 2
    assert node.proof(own_chain.institutions.address, [], within).nodes


def test_logs_are_collected_over_many_ranges(own_chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainsvc.chain.http_node.LOG_RANGE", 7)
    contract = own_chain.ledgers("charity")
    organization = own_chain.organization()
    opened = []
    for book in ("A", "B", "C"):
        opened.append(own_chain.ledger("charity", organization, book))
        own_chain.node.request("anvil_mine", hex(10))
    last = own_chain.node.head().number
    assert list(contract.events(0, last, name="LedgerOpened")) == opened
    places = [event.place.block for event in opened]
    assert list(contract.events(places[0] + 1, places[2] - 1, name="LedgerOpened")) == [opened[1]]


def test_sending_the_same_bytes_again_counts_as_sent(chain: Chain) -> None:
    one = signed(chain, chain.node.nonce(chain.signer.address))
    assert chain.node.send(one.raw) == one.hash
    assert mined(chain.node, one.hash).succeeded
    assert chain.node.send(one.raw) == one.hash  # mined: the node says "nonce too low"


def test_another_transaction_of_a_used_nonce_is_refused(chain: Chain) -> None:
    nonce = chain.node.nonce(chain.signer.address)
    mined(chain.node, chain.node.send(signed(chain, nonce).raw))
    with pytest.raises(TransactionRefused) as caught:
        chain.node.send(signed(chain, nonce, raised=True).raw)
    assert caught.value.reason == "nonce-too-low"


def test_raised_fees_replace_a_waiting_transaction(own_chain: Chain) -> None:
    chain, node = own_chain, own_chain.node
    node.request("evm_setAutomine", False)  # noqa: FBT003 - a JSON-RPC parameter
    nonce = node.nonce(chain.signer.address)
    first, second = signed(chain, nonce), signed(chain, nonce, raised=True)
    assert fees_of(second.raw).priority > fees_of(first.raw).priority
    assert node.send(first.raw) == first.hash
    assert node.send(first.raw) == first.hash  # waiting: "already known"
    assert node.receipt(first.hash) is None
    node.send(second.raw)
    node.request("evm_mine")
    mined(node, second.hash)
    assert node.receipt(first.hash) is None


def test_transaction_that_waits_too_long_is_told_as_not_mined(own_chain: Chain) -> None:
    chain, node = own_chain, own_chain.node
    node.request("evm_setAutomine", False)  # noqa: FBT003 - a JSON-RPC parameter
    with pytest.raises(NodeUnavailable, match="not final in time") as caught:
        send_and_wait(node, chain.signer, NOBODY, b"", patience=0.2)
    assert caught.value.got == "not mined"


def test_account_without_funds_is_told_to_be_funded(chain: Chain) -> None:
    poor = KeyFileSigner.create(chain.devnet.home / "poor.account")
    transaction = prepare(chain.node, ANVIL, chain.signer.address, NOBODY, b"", nonce=0)
    with pytest.raises(TransactionRefused) as caught:
        chain.node.send(poor.sign_transaction(transaction).raw)
    assert caught.value.reason == "insufficient-funds"
    assert "Fund the sending account" in str(caught.value)


def test_mined_revert_is_told_with_its_transaction(own_chain: Chain) -> None:
    chain, contract = own_chain, own_chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    call = contract.anchor([Anchor(ledger, 0, 40, keccak256(b"root"), 1, 0)])
    nonce = chain.node.nonce(chain.signer.address)
    both = [prepare(chain.node, ANVIL, chain.signer.address, contract.address, call, nonce=nonce + n) for n in (0, 1)]
    for transaction in both:  # each would succeed when it was prepared
        sent = chain.signer.sign_transaction(transaction)
        chain.node.send(sent.raw)
    receipt = mined(chain.node, sent.hash)
    assert not receipt.succeeded
    assert contract.events_of(receipt) == ()
    with pytest.raises(ChainRefused, match="SequenceMismatch"):
        chain.node.call(contract.address, call, sender=chain.signer.address, at=receipt.block_hash)


def test_created_contract_is_in_the_receipt(chain: Chain) -> None:
    nonce = chain.node.nonce(chain.signer.address)
    receipt = send_and_wait(
        chain.node, chain.signer, None, bytes.fromhex("600a600c600039600a6000f3602a60005260206000f3")
    )
    assert receipt.contract == contract_address(chain.signer.address, nonce)
    assert int.from_bytes(chain.node.call(receipt.contract, b"")) == 42


def test_fees_follow_a_base_fee_that_rises(own_chain: Chain) -> None:
    node, gas = own_chain.node, ANVIL.gas
    assert node.base_fee() == 0
    assert gas.fees(node) == (10**9, 1)
    node.request("anvil_setNextBlockBaseFeePerGas", hex(5 * 10**9))
    node.request("evm_mine")
    assert gas.fees(node) == (10**10 + 1, 1)
    assert send_and_wait(node, own_chain.signer, NOBODY, b"").succeeded


def test_standing_block_has_not_vanished_and_another_has(chain: Chain) -> None:
    block = chain.node.head()
    assert not vanished(chain.node, block.number, block.hash)
    assert vanished(chain.node, block.number, NOBODY.ljust(32))
    assert vanished(chain.node, block.number + 1000, block.hash)
    assert ANVIL.is_final(chain.node, block.number, block.hash)
    assert ANVIL.final_block(chain.node) == block


def test_dead_node_is_unavailable_with_a_hint() -> None:
    with pytest.raises(NodeUnavailable, match="does not answer") as caught:
        HttpNode(f"http://127.0.0.1:{free_port()}").head()
    assert "CHAINSVC_NODE_URL" in str(caught.value.hint)


@pytest.fixture
def strange_server() -> Iterator[str]:
    """A server that is no chain node: it answers with a page, or with the status in the path."""

    class Strange(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(int(self.path.strip("/")))
            self.end_headers()
            self.wfile.write(b"<html>not a node</html>")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", ["200", "404", "502"])
def test_answer_that_is_no_json_rpc_is_a_node_that_does_not_answer(strange_server: str, status: str) -> None:
    with pytest.raises(NodeUnavailable, match="does not answer"):
        HttpNode(f"{strange_server}/{status}").head()
    with pytest.raises(NodeUnavailable, match="does not answer"):
        HttpNode(f"{strange_server}/{status}").send(b"\x02\xc0")


def test_call_to_an_address_without_contract_is_told(chain: Chain) -> None:
    empty = chain.ledgers("charity")
    empty.address = NOBODY
    with pytest.raises(Exception, match="No chainsvc contract is at this address"):
        empty.network_id()
    assert chain.node.code_hash(NOBODY) == keccak256(b"")
    assert chain.node.balance(NOBODY) == 0
    assert to_hex(NOBODY) in repr(empty)


def test_several_are_sent_at_once_and_final_together(own_chain: Chain) -> None:
    node, signer = own_chain.node, own_chain.signer
    first = node.nonce(signer.address)
    sending = Sending(node, signer)
    sending.send(NOBODY, b"")
    sending.send(NOBODY, b"")
    receipts = sending.settle()
    assert [receipt.succeeded for receipt in receipts] == [True, True]
    assert sending.next_nonce == node.nonce(signer.address) == first + 2
    assert sending.settle() == ()


def test_what_would_revert_is_not_sent_and_takes_no_nonce(own_chain: Chain) -> None:
    sending, register = Sending(own_chain.node, own_chain.signer), own_chain.institutions
    before = sending.next_nonce
    with pytest.raises(ChainRefused):
        sending.send(register.address, register.register_organization("1" * 18, Role.ISSUER))
    assert sending.next_nonce == before
    sending.send(NOBODY, b"")
    assert len(sending.settle()) == 1


def test_what_the_environment_says_of_proxies_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(FakeNode(FakeChain().grow(2))) as proxy:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        with closing(HttpNode("http://node.invalid:8545")) as node:
            assert node.head().number == 2


def test_an_address_that_is_none_is_told_by_the_first_call() -> None:
    with closing(HttpNode("http://[::1")) as node, pytest.raises(NodeUnavailable):
        node.head()
