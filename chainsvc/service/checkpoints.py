"""Checkpoints: small signed notes that name a final block, the offline trust root."""

from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.node import Node
from chainsvc.checkpoint import Checkpoint
from chainsvc.errors import NetworkMismatch, NotFound
from chainsvc.journal import checkpoints
from chainsvc.journal.checkpoints import StoredCheckpoint
from chainsvc.network import Network
from chainsvc.note import Signer


class Checkpoints:
    """Signs and keeps checkpoints."""

    def __init__(
        self,
        engine: Engine,
        network: Network,
        node: Node,
        profile: Profile,
        signers: Callable[[], Sequence[Signer]],
        clock: Callable[[], float],
    ) -> None:
        """Sign with the keys of the day: the operator's, and while it is replaced the one before too."""
        self._engine = engine
        self._network = network
        self._node = node
        self._profile = profile
        self._signers = signers
        self._clock = clock

    def make(self) -> str:
        """Sign the newest final block and keep the note; one that was made for it before is returned.

        Raises:
            NodeUnavailable: The node does not answer.
            NetworkMismatch: The node is on another chain, whose blocks must not be signed for this network.
            Conflict: The chain was rewritten below a published checkpoint.
            ConfigurationRefused: A key can't be opened any more.
        """
        genesis = self._node.genesis()
        if genesis != self._network.genesis:
            expected, got = self._network.genesis.hex(), genesis.hex()
            raise NetworkMismatch("the node is on another chain", expected=expected, got=got, where=self._node.url)
        block = self._profile.final_block(self._node)
        found = Checkpoint(self._network.network_id, block.number, block.hash)
        note = found.sign(self._signers()).to_bytes().decode()
        with self._engine.begin() as conn:
            kept = checkpoints.save(conn, StoredCheckpoint(block.number, block.hash, note, int(self._clock())))
        return kept.note

    def latest(self) -> str:
        """Return the newest note.

        Raises:
            NotFound: None was made yet.
        """
        with self._engine.connect() as conn:
            kept = checkpoints.latest(conn)
        if kept is None:
            raise NotFound("no checkpoint was made yet", hint="Make one with 'chainsvc checkpoint'.")
        return kept.note
