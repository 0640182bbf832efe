"""Which headers go into evidence."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest
from support.paper_evidence import ISSUER_KEY
from support.sealed_chain import SealedChain, sealed_scene

from chainsvc.chain.runs import MOST_AFTER, proof_header
from chainsvc.errors import BlockGone, NodeUnavailable
from chainsvc.network import AT_ONCE, SEALERS
from chainsvc.proof import rlp
from chainsvc.verify import verify

if TYPE_CHECKING:
    from chainsvc.chain.node import Node


@dataclass
class HeaderNode:
    """A node that hands out headers only."""

    headers: list[bytes]
    asked: list[int] = field(default_factory=list)
    url: str = "http://paper"

    def header(self, number: int) -> bytes:
        self.asked.append(number)
        if number >= len(self.headers):
            raise BlockGone("no such block")
        return self.headers[number]


def _asked(chain: SealedChain, number: int) -> tuple[list[bytes], HeaderNode]:
    node = HeaderNode([block.header for block in chain.blocks])
    made = proof_header(cast("Node", node), chain.network, number)
    return rlp.split(made, most=MOST_AFTER, where=""), node


def _chain(finality: str) -> SealedChain:
    chain = SealedChain(finality=finality)
    for _ in range(9):
        chain.seal()
    return chain


def test_as_many_headers_follow_as_make_the_block_final() -> None:
    chain = _chain(SEALERS)
    run, node = _asked(chain, 2)
    assert run == [block.header for block in chain.blocks[2:6]]
    assert node.asked == [2, 3, 4, 5]


def test_chain_that_has_not_come_so_far_gives_what_there_is() -> None:
    chain = _chain(SEALERS)
    assert _asked(chain, 8)[0] == [block.header for block in chain.blocks[8:]]


def test_block_that_is_final_at_once_stands_alone() -> None:
    chain = _chain(AT_ONCE)
    run, node = _asked(chain, 2)
    assert run == [chain.blocks[2].header]
    assert node.asked == [2]


def test_descriptor_without_validators_asks_for_no_other_header() -> None:
    chain = _chain(SEALERS)
    chain.pinned, network = (), replace(chain.network, validators=())
    node = HeaderNode([block.header for block in chain.blocks])
    assert proof_header(cast("Node", node), network, 2) == chain.blocks[2].header


def test_chain_that_changes_while_it_is_read_is_refused() -> None:
    chain, other = _chain(SEALERS), SealedChain(finality=SEALERS)
    other.register_key(ISSUER_KEY, "91350100M000100Y43", 1)
    for _ in range(9):
        other.seal()
    chain.blocks[4:] = other.blocks[4:]
    with pytest.raises(NodeUnavailable, match="changed while it was read"):
        _asked(chain, 2)


def test_headers_as_they_are_asked_for_make_evidence_valid() -> None:
    scene = sealed_scene(SEALERS)
    evidence = scene.proven()
    assert evidence.proof is not None
    number = len(scene.chain.blocks) - 4
    assert isinstance(scene.chain, SealedChain)
    header = b"".join(_asked(scene.chain, number)[0])
    proven = replace(evidence, proof=evidence.proof._replace(header=header))
    assert verify(proven.to_bytes(), scene.network, None).verdict == "valid"
