"""The chain as an audit reads it: window by window, all at one block."""

from collections.abc import Mapping
from dataclasses import dataclass

from chainsvc.errors import ChainsvcError, ConfigurationRefused, NodeUnavailable
from chainsvc.network import Network
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.verify.sources import Block, Code, Place, Slot, Source

WINDOW = 1000
"""Slots read together."""

_CODE, _STATE = "code", "state"


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger's figures; slot, high to low: nextSeq u64 | nextBatch u64 | credit u64 | debit u64."""

    entries: int
    batches: int
    credit: int
    debit: int

    @classmethod
    def unpack(cls, word: bytes) -> "LedgerState":
        """Read the 32-byte slot."""
        return cls(*(int.from_bytes(word[i : i + 8]) for i in range(0, 32, 8)))


class AuditedChain:
    """One ledger's storage at one block.

    The first refusal of the node ends the comparison: ``unread`` then says why, and every later read gives nothing.
    """

    def __init__(self, network: Network, source: Source | None, at: int | None) -> None:
        """Take a node; a checkpoint has no proofs for a whole ledger."""
        self._network = network
        self._source = source
        self._at = at
        self._heads: dict[int, bytes] = {}
        self._contract = self._ledger_id = b""
        self.block: Block | None = None
        self.trust: str | None = None
        self.unread: str | None = "no node was given" if source is None else None
        if source is not None and source.uses_proof:
            raise ConfigurationRefused("an audit needs a node", expected="a node's address", got="a checkpoint")

    def open(self, contract: bytes, ledger_id: bytes) -> tuple[bytes, LedgerState] | None:
        """Pin the block; return the contract's code hash and the ledger's figures, None when unread."""
        self._contract, self._ledger_id = contract, ledger_id
        places: dict[str, Place] = {
            _CODE: Code(contract),
            _STATE: Slot(contract, mapping_slot(ledger_id, self._network.slots.state)),
        }
        found = self._read(places)
        return (found[_CODE], LedgerState.unpack(found[_STATE])) if found else None

    def head(self, index: int, batches: int) -> bytes | None:
        """Return the contract's head of a batch; reads a window ahead, up to ``batches``."""
        if index not in self._heads:
            last = max(min(index + WINDOW, batches), index + 1)
            self._heads = self._window(index, last, self._network.slots.heads)
        return self._heads.get(index)

    def words(self, first: int, after: int) -> dict[int, bytes]:
        """Return the contract's status words of the entries ``first`` to ``after - 1``, empty when unread."""
        return self._window(first, after, self._network.slots.words)

    def _window(self, first: int, after: int, mapping: int) -> dict[int, bytes]:
        def slot(number: int) -> Place:
            return Slot(self._contract, nested_slot(self._ledger_id, number, mapping))

        found = self._read({str(number): slot(number) for number in range(first, after)})
        return {int(name): word for name, word in found.items()}

    def _read(self, places: Mapping[str, Place]) -> dict[str, bytes]:
        if self.unread is not None or self._source is None:
            return {}
        at = self._at if self.block is None else self.block.number
        try:
            snapshot = self._source.read(self._network, places, at=at, proof=None)
            if self.block is not None and snapshot.block.hash != self.block.hash:
                raise NodeUnavailable("the block changed during the audit", expected=self.block.hash.hex())
            values = {name: snapshot.value(name) for name in places}
        except ChainsvcError as error:
            self.unread = str(error)
            return {}
        self.block, self.trust = snapshot.block, snapshot.trust
        return values
