"""The alarm when something final is taken back: no engine should let that happen, and nobody may overlook it.

It says both block hashes, the one that was final and the one that stands in its place, and is over when what was taken
back is final again.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from chainsvc import metrics
from chainsvc.chain.node import Node
from chainsvc.errors import BlockGone, NodeUnavailable, NotFound
from chainsvc.journal import batches, marks
from chainsvc.journal.batches import Anchor, BatchKey, StoredBatch
from chainsvc.journal.marks import Mark, MarkKey, Word
from chainsvc.logs import get_logger

log = get_logger(__name__)


class Alarm:
    """What was final and is not at present."""

    def __init__(self, node: Node) -> None:
        """Begin in peace."""
        self._node = node
        self._batches: set[BatchKey] = set()
        self._marks: set[MarkKey] = set()
        self._blocks: dict[tuple[int, bytes], str] = {}

    @property
    def trouble(self) -> str | None:
        """What was taken back, in words, until it is final again."""
        if not self._blocks:
            return None
        return f"final was taken back and is sent again: {'; '.join(self._blocks.values())}"

    def sound(self, taken: Iterable[StoredBatch], changes: Iterable[Mark]) -> None:
        """Tell of batches and changes of standing that are final in the journal, and no longer on the chain."""
        for batch in taken:
            self._batches.add(BatchKey(batch.ledger_id, batch.k))
            self._tell(batch.anchor)
        for mark in changes:
            self._marks.add(mark.key)
            self._tell(mark.word)

    def look(self, conn: Connection) -> None:
        """End the alarm for what is final again, or was another's and is not on the chain any more."""
        self._batches -= {key for key in self._batches if not _is_open(batches.get(conn, *key).state)}
        self._marks -= {key for key in self._marks if not _is_open(_state_of(conn, key))}
        if self._blocks and not self._batches and not self._marks:
            log.info("final_again", blocks=len(self._blocks))
            self._blocks.clear()

    def _tell(self, facts: Anchor | Word | None) -> None:
        if facts is None or (facts.block, facts.block_hash) in self._blocks:
            return
        was, now = facts.block_hash.hex(), self._present(facts.block)
        self._blocks[facts.block, facts.block_hash] = f"block {facts.block} was {was} and is {now}"
        metrics.FINALS_TAKEN_BACK.inc()
        log.critical("final_taken_back", block=facts.block, was=was, now=now)

    def _present(self, number: int) -> str:
        try:
            return self._node.block(number).hash.hex()
        except (BlockGone, NodeUnavailable):
            return "none"


def _state_of(conn: Connection, key: MarkKey) -> str | None:
    try:
        return marks.get(conn, *key).state
    except NotFound:  # another's, which was forgotten with its block
        return None


def _is_open(state: str | None) -> bool:
    return state not in ("final", "refused", None)
