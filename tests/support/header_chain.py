"""A chain of headers as a node serves it: enough of the node's promise for rules of finality."""

from collections.abc import Callable, Sequence

from chainsvc.chain.facts import Block
from chainsvc.chain.node import At
from chainsvc.errors import BlockGone
from chainsvc.proof.header import Header


class HeaderChain:
    """Serves headers by number and hash; ``sealers`` tells who may seal after a block."""

    url = "http://headers.example"

    def __init__(self, headers: Sequence[bytes], sealers: Callable[[int], tuple[bytes, ...]]) -> None:
        self.headers = list(headers)
        self._sealers = sealers
        self.finalized: int | None = None
        self.read = 0

    def head(self) -> Block:
        return self.block("latest")

    def block(self, at: At) -> Block:
        header = Header.parse(self._find(at))
        return Block(header.number, header.hash, header.parent, header.timestamp, header.state_root)

    def has_block(self, number: int, block_hash: bytes) -> bool:
        return number < len(self.headers) and self.block(number).hash == block_hash

    def header(self, at: At) -> bytes:
        self.read += 1
        return self._find(at)

    def clique_signers(self, number: int) -> tuple[bytes, ...]:
        return self._sealers(number)

    def _find(self, at: At) -> bytes:
        if at == "latest":
            return self.headers[-1]
        if at == "finalized" and self.finalized is not None:
            return self.headers[self.finalized]
        for number, header in enumerate(self.headers):
            if at in (number, Header.parse(header).hash):
                return header
        raise BlockGone("the chain has no such block", got=str(at))
