"""When a clique block is final: enough different sealers sealed the blocks after it.

Clique itself never finalizes: the heavier chain wins. By policy block B is final when, in one valid chain, the blocks
after B were sealed by at least ``T = N - floor((N-1)/3)`` different ones of the N sealers, never fewer than
``floor(N/2)+1``. Two branches that both get there have floor((N-1)/3)+1 sealers or more in common, so that fewer
cheats can't make two final blocks. Honest sealers may leave a branch for a heavier one, so that this stays a policy:
a verdict names T and who was found.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from chainsvc.errors import HeaderRefused
from chainsvc.proof.seals.clique import CliqueHeader, Rules, check, window
from chainsvc.proof.seals.sealed import Sealed


class SealedBy(NamedTuple):
    """Who sealed a block.

    Attributes:
        sealer: 20 bytes.
        sealers: The set that it was sealed in, ascending.
    """

    sealer: bytes
    sealers: tuple[bytes, ...]


class Count(NamedTuple):
    """How far a block is from being final.

    Attributes:
        needed: Different sealers that the blocks after it must have.
        found: Those that they have, ascending.
        sealers: The set that they were counted in, the larger one where it changed.
    """

    needed: int
    found: tuple[bytes, ...]
    sealers: tuple[bytes, ...]

    @property
    def final(self) -> bool:
        """Whether it is final."""
        return len(self.found) >= self.needed


def threshold(sealers: int) -> int:
    """Return how many different ones of so many sealers the blocks after a final one must have."""
    return max(sealers - (sealers - 1) // 3, window(sealers))


def count(sealers: Sequence[bytes], after: Iterable[SealedBy]) -> Count:
    """Count the sealers of the blocks after a block, oldest first, until it is final.

    Args:
        sealers: The set that may seal the next block after it.
        after: Who sealed those blocks.
    """
    largest, found = tuple(sealers), set[bytes]()
    for block in after:
        largest = max(largest, block.sealers, key=len)
        found.add(block.sealer)
        if len(found) >= threshold(len(largest)):
            break
    return Count(threshold(len(largest)), tuple(sorted(found)), largest)


def check_run(
    headers: Sequence[bytes], sealers_of: Callable[[int], tuple[bytes, ...]], rules: Rules, where: str = "header"
) -> Sealed:
    """Check a block and those after it against trusted sets, and return who stands behind it.

    Votes are not looked at: the sets are given. All headers are checked, those beyond the one that makes it final too.

    Args:
        headers: RLP of the block's header, then of each one after it.
        sealers_of: Who may seal the block of a number, ascending.
        rules: Of the network.
        where: Place of the headers in their file.

    Raises:
        HeaderRefused: A rule of :func:`chainsvc.proof.seals.clique.check`, or ``below-quorum``: not final yet.
    """
    block = parent = CliqueHeader.parse(headers[0], where)
    recent = {block.number: check(block, None, sealers_of(block.number), {}, rules)}
    after = []
    for data in headers[1:]:
        header, sealers = CliqueHeader.parse(data, where), sealers_of(parent.number + 1)
        recent[header.number] = check(header, parent, sealers, recent, rules)
        after.append(SealedBy(recent[header.number], sealers))
        parent = header
    found = count(sealers_of(block.number + 1), after)
    if not found.final:
        message = "not final: the blocks after it have too few different validators"
        raise HeaderRefused("below-quorum", message, expected=found.needed, got=len(found.found), where=where)
    return Sealed(block.number, block.hash, found.needed, found.found, found.sealers)


def blocks_above_final(newest_first: Iterable[SealedBy]) -> int | None:
    """Return how many blocks at the top of a chain stand above its newest final one.

    Args:
        newest_first: Who sealed the head, the block before it, and so on; read only as far as needed.

    Returns:
        None when those blocks do not have enough different sealers.
    """
    largest, found = 0, set[bytes]()
    for above, block in enumerate(newest_first, 1):
        largest = max(largest, len(block.sealers))
        found.add(block.sealer)
        if len(found) >= threshold(largest):
            return above
    return None
