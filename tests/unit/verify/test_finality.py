"""The newest final block of a node whose blocks the ones after them make final."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.sealed_chain import VALIDATORS, SealedChain

from chainsvc.errors import MalformedInput, NotFound, NotReady
from chainsvc.network import SEALERS, Validators
from chainsvc.proof import rlp
from chainsvc.proof.header import Header
from chainsvc.verify.finality import LOOKED_BACK, PART, newest_sealed

NAMES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
TAIL = ("extraData", "mixHash", "nonce", "baseFeePerGas")


def members_of(header: bytes) -> dict[str, str]:
    """Return a header as ``eth_getBlockByNumber`` answers it."""
    fields = rlp.strings(rlp.decode(header, max_bytes=4096, where=""), "")
    found = {name: f"0x{field.hex()}" for name, field in zip((*NAMES, *NUMBERS, *TAIL), fields, strict=True)}
    found |= {name: hex(int.from_bytes(fields[7 + place])) for place, name in enumerate(NUMBERS)}
    return {**found, "baseFeePerGas": hex(int.from_bytes(fields[15])), "hash": f"0x{Header.parse(header).hash.hex()}"}


class Reader:
    """Answers for blocks, and remembers which were asked for."""

    def __init__(self, chain: SealedChain) -> None:
        self.chain, self.asked = chain, list[int]()

    def __call__(self, numbers: Sequence[int]) -> list[Any]:
        self.asked += numbers
        return [members_of(self.chain.blocks[number].header) for number in numbers]


def _chain(blocks: int, sealing: tuple[bytes, ...] = VALIDATORS) -> SealedChain:
    chain = SealedChain(finality=SEALERS)
    chain.sealing = sealing
    for _ in range(blocks):
        chain.seal()
    return chain


def test_newest_final_block_has_enough_different_sealers_after_it() -> None:
    chain = _chain(20)
    reader = Reader(chain)
    assert newest_sealed(chain.network, 20, reader, "node") == 17
    assert reader.asked == list(range(20, 0, -1))


def test_chain_on_too_few_validators_has_no_final_block() -> None:
    chain = _chain(2 * PART, sealing=VALIDATORS[:2])
    with pytest.raises(NotReady, match="too few different validators") as caught:
        newest_sealed(chain.network, 2 * PART, Reader(chain), "node")
    assert caught.value.expected == f"more of the validators in the last {LOOKED_BACK} blocks"


def test_larger_set_counts_where_it_has_just_changed() -> None:
    chain = _chain(20)
    pinned = (Validators(0, VALIDATORS), Validators(19, tuple(sorted((*VALIDATORS, bytes(20))))))
    assert newest_sealed(replace(chain.network, validators=pinned), 20, Reader(chain), "node") == 16


def test_blocks_that_nobody_is_pinned_for_are_not_judged() -> None:
    chain = _chain(20)
    network = replace(chain.network, validators=(Validators(20, VALIDATORS),))
    with pytest.raises(NotFound, match="pins no validators"):
        newest_sealed(network, 20, Reader(chain), "node")


@pytest.mark.parametrize("change", [{"hash": "0x" + "00" * 32}, {"number": None}, {"extraData": "0xzz"}])
def test_answer_that_is_no_block_is_refused(change: dict[str, Any]) -> None:
    chain = _chain(5)

    def read(numbers: Sequence[int]) -> list[Any]:
        return [{**members_of(chain.blocks[number].header), **change} for number in numbers]

    with pytest.raises(MalformedInput):
        newest_sealed(chain.network, 5, read, "node")


def test_block_by_nobody_who_is_pinned_is_refused_with_the_address() -> None:
    chain = _chain(5)
    network = replace(chain.network, validators=(Validators(0, VALIDATORS[:3]),))
    with pytest.raises(MalformedInput, match="none of the pinned validators") as caught:
        newest_sealed(network, 5, Reader(chain), "node")
    assert caught.value.got == VALIDATORS[3].hex()
