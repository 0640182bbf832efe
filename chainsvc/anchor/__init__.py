"""Anchoring: accepted entries reach the chain, in an order that survives a crash after every step.

====  ==========  ==================================================  =======================================
step  part        durable before the next                             a crash before it leaves
====  ==========  ==================================================  =======================================
1     seal        seq, root and sums of a batch (one commit)          entries accepted
2     save        the signed transaction, its batches "submitted"     batches sealed
3     broadcast   nothing; the transaction may be on chain            saved bytes, sent again
4     confirm     head, block and time of each batch (one commit)     a transaction that is looked up again
5     recheck     what vanished is "submitted" again                  the same check by the next run
====  ==========  ==================================================  =======================================

Every step may be repeated; recovery is the same code as the normal path.

Several workers share a journal: an account and the ledgers that go with it are leased (``holding``, ``sharing``), so
that one worker at a time does steps 1 to 4 for them. One worker of all does step 5, and follows accounts that nobody
holds.
"""

from dataclasses import dataclass

from chainsvc.anchor.confirming import Confirmer
from chainsvc.anchor.holding import Hold
from chainsvc.anchor.sealing import Sealer
from chainsvc.anchor.sending import Sender
from chainsvc.anchor.sharing import Share
from chainsvc.anchor.watching import Watcher

__all__ = ["Anchorer", "Confirmer", "Hold", "Progress", "Sealer", "Sender", "Share", "Watcher"]


@dataclass(frozen=True, slots=True)
class Progress:
    """What one round did.

    Attributes:
        sealed: New batches.
        sent: New transactions.
        confirmed: Transactions that came to an end.
        lost: Transactions that vanished and are sent again.
        seen: Events of others taken in.
    """

    sealed: int = 0
    sent: int = 0
    confirmed: int = 0
    lost: int = 0
    seen: int = 0

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.sealed or self.sent or self.confirmed or self.lost or self.seen)


@dataclass(frozen=True, slots=True)
class Anchorer:
    """All steps of anchoring for one account, one after the other.

    Attributes:
        hold: The account's lease; nothing is done without it.
        watch: The lease on what one worker does for all.
        share: The account's ledgers.
        sealer: Step 1.
        sender: Steps 2 and 3.
        confirmer: Step 4.
        watcher: Step 5, and what others did.
    """

    hold: Hold
    watch: Hold
    share: Share
    sealer: Sealer
    sender: Sender
    confirmer: Confirmer
    watcher: Watcher

    @property
    def trouble(self) -> str | None:
        """What is not as it should be, in words; None when all goes."""
        parts = (self.sealer.trouble, self.sender.trouble, self.confirmer.trouble, self.watcher.trouble)
        return "; ".join(part for part in parts if part) or None

    def keep(self, trouble: str | None = None) -> bool:
        """Take or renew the leases, where that is due; False while another worker holds the account.

        Args:
            trouble: What is wrong besides :attr:`trouble`, for other processes to read.

        Raises:
            DatabaseUnavailable: Call again soon: they may run out meanwhile.
        """
        if not self.hold.keep(trouble or self.trouble):
            return False
        self.watch.keep()
        return True

    def release(self) -> None:
        """Let other workers take over at once."""
        self.watch.release()
        self.hold.release()

    def seal(self) -> int:
        """Seal what is due; needs no node.

        Raises:
            LeaseLost: Another worker has taken over.
        """
        if not self.keep():
            return 0
        self.share.look()
        return self.sealer.seal_due()

    def advance(self) -> Progress:
        """Do one round of everything that needs the node.

        Raises:
            LeaseLost: Another worker has taken over.
            NodeUnavailable: Call again later.
            NetworkMismatch: The node is on another chain; nothing must go on.
        """
        if not self.keep():
            return Progress()
        lost = self.watcher.recheck()
        while self.confirmer.underpriced:
            self.sender.underpriced.add(self.confirmer.underpriced.pop())
        self.sender.broadcast()
        confirmed = self.confirmer.confirm()
        if confirmed:
            self.watcher.look_again()
        sent = self.sender.send()
        while self.sealer.came_back:
            self.watcher.start_over(self.sealer.came_back.pop())
        while self.sender.behind:
            self.watcher.start_over(self.sender.behind.pop())
        return Progress(sent=sent, confirmed=confirmed, lost=lost, seen=self.watcher.follow())
