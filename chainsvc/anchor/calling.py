"""Single calls by the anchoring account, such as opening a ledger: saved before they are sent, like every other."""

import time
from collections.abc import Callable

from sqlalchemy import Engine

from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.facts import Receipt, to_hex
from chainsvc.chain.node import Node
from chainsvc.chain.signer import Signer
from chainsvc.chain.transactions import prepare
from chainsvc.errors import ChainRefused, NodeUnavailable
from chainsvc.journal import transactions
from chainsvc.journal.transactions import Transaction

_PAUSE_S = 0.05


class Caller:
    """Sends one call and waits for its end; shares the account's nonces with the worker through the journal."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        profile: Profile,
        signer: Signer,
        *,
        patience_s: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Call with this account."""
        self._engine = engine
        self._node = node
        self._profile = profile
        self._signer = signer
        self._patience_s = patience_s
        self._clock = clock

    def call(self, contract: bytes, data: bytes) -> Receipt:
        """Return the receipt once it is final.

        A crash after the commit leaves a saved transaction, which the worker sends and confirms; the caller then
        finds the call done.

        Raises:
            ChainRefused: It would revert, or did.
            NodeUnavailable: No answer, or not final in time; it may still be mined.
        """
        deadline = time.monotonic() + self._patience_s
        signed = self._save(contract, data, deadline)
        self._node.send(signed.raw)
        while time.monotonic() < deadline:
            receipt = self._receipt(signed)
            if receipt and self._profile.is_final(self._node, receipt.block_number, receipt.block_hash):
                return self._checked(receipt)
            time.sleep(_PAUSE_S)
        raise NodeUnavailable(
            "a transaction was not final in time",
            expected=f"within {self._patience_s:.0f} s",
            where=to_hex(signed.hash),
            hint="It may still be mined; repeating the request is safe.",
        )

    def _receipt(self, signed: Transaction) -> Receipt | None:
        """Return what became of the call; the worker may have signed it anew for a higher fee."""
        with self._engine.connect() as conn:
            tried = transactions.at_nonce(conn, signed.sender, signed.nonce)
        return next((receipt for tx in tried if (receipt := self._node.receipt(tx.hash))), None)

    def _save(self, contract: bytes, data: bytes, deadline: float) -> Transaction:
        while True:
            with self._engine.begin() as conn:
                if transactions.try_own(conn, self._signer.address):
                    sender = self._signer.address
                    nonce = transactions.next_nonce(conn, sender, self._node.nonce(sender))
                    prepared = prepare(self._node, self._profile, sender, contract, data, nonce=nonce)
                    signed = self._signer.sign_transaction(prepared)
                    made_at = int(self._clock())
                    saved = Transaction(signed.hash, sender, nonce, contract, signed.raw, "signed", made_at)
                    transactions.save(conn, saved)
                    return saved
            if time.monotonic() > deadline:
                raise NodeUnavailable("the anchoring account is busy", hint="Try again in a moment.")
            time.sleep(_PAUSE_S)

    def _checked(self, receipt: Receipt) -> Receipt:
        if not receipt.succeeded:
            raise ChainRefused("Reverted", {"transaction": to_hex(receipt.transaction)})
        return receipt
