"""Transactions: prepared for signing, and for administrative ones sent and waited for."""

import time
from collections.abc import Mapping
from typing import Any

from chainsvc.chain.engines import ANVIL, Engine
from chainsvc.chain.facts import Receipt, to_hex
from chainsvc.chain.node import Fees, Node
from chainsvc.chain.signer import Signer
from chainsvc.errors import ChainRefused, MalformedInput, NodeUnavailable
from chainsvc.proof import rlp

_TYPE = b"\x02"  # EIP-2718 number of EIP-1559 transactions
_LARGEST_BYTES = 1 << 20
_CALL = 8  # members before the access list
_WAIT_SECONDS = 120.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


def prepare(
    node: Node, engine: Engine, sender: bytes, to: bytes | None, data: bytes, *, nonce: int, fees: Fees | None = None
) -> Mapping[str, Any]:
    """Return an EIP-1559 transaction with all members, ready to sign.

    Args:
        node: Where gas is estimated, against the pending state.
        engine: Says what to offer for gas.
        sender: The account that will sign, 20 bytes.
        to: A contract, or None to deploy one.
        data: Calldata, or creation code.
        nonce: The caller owns the account's nonces.
        fees: To replace an earlier transaction; by default what the engine offers now.

    Raises:
        ChainRefused: It would revert.
        NodeUnavailable: The node does not answer.
    """
    gas = engine.gas.gas_limit(node.estimate_gas(to, data, sender))
    offered = fees or engine.gas.fees(node)
    transaction = {
        "type": 2,
        "chainId": node.chain_id,
        "nonce": nonce,
        "value": 0,
        "data": to_hex(data),
        "gas": gas,
        "maxFeePerGas": offered.most,
        "maxPriorityFeePerGas": offered.priority,
    }
    return transaction if to is None else transaction | {"to": to}


def fees_of(raw: bytes) -> Fees:
    """Return what a signed transaction offers, as a replacement must offer more.

    Raises:
        MalformedInput: Not an EIP-1559 transaction.
    """
    _, _, priority, most, *_ = _members(raw)
    return Fees(int.from_bytes(most), int.from_bytes(priority))


def with_fees(raw: bytes, fees: Fees) -> Mapping[str, Any]:
    """Return a signed EIP-1559 transaction as one to sign anew: the same call, nonce and gas, with other fees.

    Raises:
        MalformedInput: Not an EIP-1559 transaction.
    """
    chain_id, nonce, _, _, gas, to, _, data = _members(raw)
    return {
        "type": 2,
        "chainId": int.from_bytes(chain_id),
        "nonce": int.from_bytes(nonce),
        "value": 0,
        "to": to,
        "data": to_hex(data),
        "gas": int.from_bytes(gas),
        "maxFeePerGas": fees.most,
        "maxPriorityFeePerGas": fees.priority,
    }


def _members(raw: bytes) -> list[bytes]:
    """Return chain id, nonce, priority fee, most fee, gas, to, value and data (EIP-1559)."""
    if raw[:1] != _TYPE:
        raise MalformedInput("not an EIP-1559 transaction", expected="type 2", got=raw[:1].hex() or "nothing")
    item = rlp.decode(raw[1:], max_bytes=_LARGEST_BYTES, where="transaction")
    return rlp.strings(item[:_CALL], "transaction")


class Sending:
    """Administrative transactions of one account: sent one after the other, and waited for together.

    Each is tried against the state before all of them, so that none may build on another of the same sending. The
    first nonce comes from the node: nothing else may send with this account meanwhile.
    """

    def __init__(self, node: Node, signer: Signer, *, engine: Engine = ANVIL, patience: float = _WAIT_SECONDS) -> None:
        """Send with this account.

        Args:
            node: Where to.
            signer: Who.
            engine: When a transaction is final, and what it offers for gas.
            patience: Seconds to wait for that.
        """
        self._node = node
        self._signer = signer
        self._engine = engine
        self._patience = patience
        self._sent: list[bytes] = []
        self.next_nonce = node.nonce(signer.address, "pending")

    def send(self, to: bytes | None, data: bytes) -> None:
        """Send one.

        Args:
            to: A contract, or None to deploy one.
            data: Calldata, or creation code.

        Raises:
            ChainRefused: It would revert.
            TransactionRefused: The node does not take it.
            NodeUnavailable: No answer; it may have been taken.
        """
        prepared = prepare(self._node, self._engine, self._signer.address, to, data, nonce=self.next_nonce)
        signed = self._signer.sign_transaction(prepared)
        self._node.send(signed.raw)
        self._sent.append(signed.hash)
        self.next_nonce += 1

    def settle(self) -> tuple[Receipt, ...]:
        """Return the receipts of all that were sent, in order, once they are final.

        Raises:
            ChainRefused: One reverted.
            NodeUnavailable: Not final in time; they may still be mined.
        """
        deadline = time.monotonic() + self._patience
        receipts = tuple(self._wait(transaction, deadline) for transaction in self._sent)
        self._sent.clear()
        for receipt in receipts:
            if not receipt.succeeded:
                hint = "The state changed before it came."
                raise ChainRefused("Reverted", {"transaction": to_hex(receipt.transaction)}, hint=hint)
        return receipts

    def _wait(self, transaction: bytes, deadline: float) -> Receipt:
        pause = _FIRST_PAUSE
        while True:
            receipt = self._node.receipt(transaction)
            if receipt is not None and self._engine.is_final(self._node, receipt.block_number, receipt.block_hash):
                return receipt
            if time.monotonic() > deadline:
                raise NodeUnavailable(
                    "a transaction was not final in time",
                    expected=f"within {self._patience:.0f} s",
                    got="not mined" if receipt is None else "mined, not final",
                    where=to_hex(transaction),
                    hint="It may still be mined: look at its receipt before sending again.",
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def send_and_wait(
    node: Node,
    signer: Signer,
    to: bytes | None,
    data: bytes,
    *,
    engine: Engine = ANVIL,
    patience: float = _WAIT_SECONDS,
) -> Receipt:
    """Send one administrative transaction and return its receipt once it is final; see :class:`Sending`.

    Raises:
        ChainRefused: It reverted, or would.
        TransactionRefused: The node does not take it.
        NodeUnavailable: Not final in time; the transaction may still be mined.
    """
    sending = Sending(node, signer, engine=engine, patience=patience)
    sending.send(to, data)
    return sending.settle()[0]
