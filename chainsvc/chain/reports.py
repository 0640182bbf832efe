"""What happened in blocks, by what several nodes report: where they differ, the receipts' root decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainsvc.chain.agreement import Fault, agreed, usual
from chainsvc.chain.common_blocks import CommonBlocks
from chainsvc.chain.facts import Log, Receipt
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.member import Member
from chainsvc.chain.panel import Panel
from chainsvc.chain.proven import Sealed, proven_receipts
from chainsvc.errors import BlockGone, NodesDisagree, NodeUnavailable

_Event: TypeAlias = tuple[bytes, tuple[bytes, ...], bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which logs.

    Attributes:
        addresses: Of the contracts, 20 bytes each.
        topics: By position; None takes any.
        first: First block number.
    """

    addresses: tuple[bytes, ...]
    topics: tuple[bytes | None, ...]
    first: int

    def takes(self, log: Log) -> bool:
        """Whether a log is one of these."""
        pairs = zip(self.topics, log.topics, strict=False)
        long_enough = len(log.topics) >= len([topic for topic in self.topics if topic is not None])
        return log.address in self.addresses and long_enough and all(one in (None, other) for one, other in pairs)


class Reports:
    """Receipts and logs of a panel's nodes."""

    def __init__(self, panel: Panel, blocks: CommonBlocks) -> None:
        """Ask this panel, whose blocks these are."""
        self._panel = panel
        self._blocks = blocks

    def receipt(self, transaction: bytes) -> Receipt | None:
        """Return the receipt that a quorum gives; where some give another one, what is proven counts.

        A proven one counts when so many give it that one of them does not err. None while it is mined for too few.
        """
        answers = self._panel.ask(lambda node: node.receipt(transaction))
        self._panel.require(answers)
        if len({receipt for receipt in answers.values() if receipt is not None}) > 1:
            answers = {member: receipt for member, receipt in answers.items() if self._holds(member, receipt)}
        found = agreed(answers, self._panel.quorum)
        if found is not None:
            return found.value
        given = {member: receipt for member, receipt in answers.items() if receipt is not None}
        sure = agreed(given, self._sure)
        return sure.value if sure is not None and self._stands(sure.value) else None

    @property
    def _sure(self) -> int:
        """So many nodes that, with no more erring than a quorum bears, one of them is right."""
        return len(self._panel.members) - self._panel.quorum + 1

    def _stands(self, receipt: Receipt) -> bool:
        """Whether a quorum has the receipt's block."""
        return self._blocks.count(receipt.block_number, receipt.block_hash).having >= self._panel.quorum

    def _holds(self, member: Member, receipt: Receipt | None) -> bool:
        """Whether a receipt's block has one of this content; who gave one that its block has not is named."""
        if receipt is None:
            return True
        try:
            sealed = self._blocks.at_hash(receipt.block_hash)
            proven = self._panel.first(lambda node: proven_receipts(node, sealed))
        except (BlockGone, NodeUnavailable):
            return False  # a branch that is gone: nobody can say
        if receipt.block_number == sealed.block.number and _content(receipt) in map(_content, proven):
            return True
        member.blame(Fault.WRONG, f"its receipt of {receipt.transaction.hex()} is not in block {sealed.block.number}")
        return False

    def logs(self, wanted: Wanted, end: Sealed) -> tuple[Log, ...]:
        """Return logs up to a block: those that all give; where they differ, who is disproved is named and not heard.

        Raises:
            NodesDisagree: All are disproved.
        """

        def ask(node: HttpNode) -> tuple[Log, ...]:
            _require(node, end)  # a node that is only coming to this block has fewer logs
            found = tuple(node.logs(wanted.addresses, wanted.topics, wanted.first, end.block.number))
            _require(node, end)
            return found

        answers = self._panel.ask(ask)
        self._panel.require(answers)
        while (number := _first_difference(answers.values())) is not None:
            right = self._events(wanted, number)
            for member, logs in list(answers.items()):
                if _events_of(logs, number) != right:
                    member.blame(Fault.WRONG, f"its logs of block {number} are not those of the block's receipts")
                    del answers[member]
        if not answers:
            raise NodesDisagree("no node gives the logs that the block's receipts have")
        return usual(answers).value

    def _events(self, wanted: Wanted, number: int) -> list[_Event]:
        sealed = self._blocks.number(number)
        receipts = self._panel.first(lambda node: proven_receipts(node, sealed))
        return [_event(log) for receipt in receipts for log in receipt.logs if wanted.takes(log)]


def _require(node: HttpNode, sealed: Sealed) -> None:
    if not node.has_block(sealed.block.number, sealed.block.hash):
        raise BlockGone("the node has another block there", where=node.url)


def _first_difference(answers: Iterable[Sequence[Log]]) -> int | None:
    """Return the first block of which not all say the same."""
    all_logs = list(answers)
    numbers = sorted({log.block_number for logs in all_logs for log in logs})
    return next((n for n in numbers if len({tuple(_events_of(logs, n)) for logs in all_logs}) > 1), None)


def _events_of(logs: Iterable[Log], number: int) -> list[_Event]:
    return [_event(log) for log in logs if log.block_number == number]


def _event(log: Log) -> _Event:
    return log.address, log.topics, log.data


def _content(receipt: Receipt) -> tuple[bool, tuple[_Event, ...]]:
    return receipt.succeeded, tuple(map(_event, receipt.logs))
