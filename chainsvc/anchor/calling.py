"""Single calls by an anchoring account, such as opening a ledger: saved before they are sent, like every other.

They take one nonce in the journal, under the lock that the account's worker takes too; so they need no lease, and an
API process makes them while the worker is another one.
"""

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from chainsvc.anchor.sharing import MayAnchor
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.facts import Receipt, to_hex
from chainsvc.chain.node import Node
from chainsvc.chain.signer import Signer
from chainsvc.chain.transactions import prepare
from chainsvc.errors import ChainRefused, NodeUnavailable, Unavailable
from chainsvc.journal import transactions
from chainsvc.journal.transactions import Transaction

_PAUSE_S = 0.05


class Caller:
    """Sends one call and waits for its end."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        profile: Profile,
        signers: Sequence[Signer],
        may_act: MayAnchor,
        *,
        patience_s: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Call with these accounts, each for the organizations that it acts for."""
        self._engine = engine
        self._node = node
        self._profile = profile
        self._signers = signers
        self._may_act = may_act
        self._patience_s = patience_s
        self._clock = clock

    def call(self, uscc: str, contract: bytes, data: bytes) -> Receipt:
        """Call in an organization's name, and return the receipt once it is final.

        A crash after the commit leaves a saved transaction, which the worker sends and confirms; the caller then
        finds the call done.

        Raises:
            ChainRefused: It would revert, or did.
            NodeUnavailable: No answer, or not final in time; it may still be mined.
            Unavailable: This process has no account.
        """
        deadline = time.monotonic() + self._patience_s
        signed = self._save(self._signer(uscc), contract, data, deadline)
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

    def _signer(self, uscc: str) -> Signer:
        """Return an account that acts for the organization; any one, if none does: the contract says why not."""
        if not self._signers:
            raise Unavailable(
                "this process has no account that could act on chain",
                hint="Ask a service that anchors, or name the file of an account: CHAINSVC_ACCOUNT_KEY_FILE.",
            )
        acting = (signer for signer in self._signers if self._may_act(uscc, signer.address))
        return self._signers[0] if len(self._signers) == 1 else next(acting, self._signers[0])

    def _receipt(self, signed: Transaction) -> Receipt | None:
        """Return what became of the call; the worker may have signed it anew for a higher fee."""
        with self._engine.connect() as conn:
            tried = transactions.at_nonce(conn, signed.sender, signed.nonce)
        return next((receipt for tx in tried if (receipt := self._node.receipt(tx.hash))), None)

    def _save(self, signer: Signer, contract: bytes, data: bytes, deadline: float) -> Transaction:
        sender = signer.address
        while True:
            with self._engine.begin() as conn:
                if transactions.try_own(conn, sender):
                    nonce = transactions.next_nonce(conn, sender, self._node.nonce(sender))
                    prepared = prepare(self._node, self._profile, sender, contract, data, nonce=nonce)
                    signed = signer.sign_transaction(prepared)
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
