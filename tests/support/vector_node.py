"""The chain states and checkpoints of tests/vectors/evidence/verdicts.json as sources of the verifier."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainsvc.checkpoint import Checkpoint
from chainsvc.errors import NotReady
from chainsvc.evidence import Proof
from chainsvc.network import Network
from chainsvc.verify import CheckpointSource
from chainsvc.verify.node import NodeSnapshot
from chainsvc.verify.sources import Block, BlockHash, Code, Place, Source
from chainsvc.verify.wording import OWN_NODE

VERDICTS = json.loads((Path(__file__).parent.parent / "vectors" / "evidence" / "verdicts.json").read_bytes())


@dataclass
class VectorNode:
    """A node that answers from one chain state of verdicts.json."""

    state: dict[str, Any]
    uses_proof = False
    leaves_open = OWN_NODE

    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None
    ) -> NodeSnapshot:
        del network, proof
        number = self.state["block"]["number"]
        if at not in (None, number):
            raise NotReady("no such block", expected=number, got=at)
        found = {name: self.value(place) for name, place in places.items()}
        block = Block(number, bytes.fromhex(self.state["block"]["hash"]), self.state["block"]["time"])
        return NodeSnapshot(block, "vectors", {name: bytes.fromhex(value) for name, value in found.items() if value})

    def value(self, place: Place) -> str | None:
        if isinstance(place, BlockHash):
            block = self.state["block"]
            return str(block["hash"]) if place.number == block["number"] else None
        if isinstance(place, Code):
            return str(self.state["codeHashes"].get(place.address.hex(), "00" * 32))
        return str(self.state["slots"].get(place.address.hex(), {}).get(place.key.hex(), "00" * 32))


def source_of(chain: str | None, checkpoint: str | None) -> Source | None:
    """Return the source of that name; None for none."""
    if checkpoint is not None:
        return CheckpointSource(Checkpoint.parse(VERDICTS["checkpoints"][checkpoint].encode()))
    return None if chain is None else VectorNode(VERDICTS["chains"][chain])
