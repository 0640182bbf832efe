"""The answer of every check of seals, in the words of no engine."""

from typing import NamedTuple


class Sealed(NamedTuple):
    """A block that a quorum of the validators stands behind.

    Attributes:
        number: Block number.
        hash: Block hash, 32 bytes.
        needed: Validators that had to be found.
        found: Validators that were found, ascending; 20 bytes each.
        validators: The set that was counted in, ascending.
    """

    number: int
    hash: bytes
    needed: int
    found: tuple[bytes, ...]
    validators: tuple[bytes, ...]


class Conflict(NamedTuple):
    """Two blocks of one height that a quorum each stands behind: some validators broke the engine's promise.

    Attributes:
        number: The height.
        hashes: Both block hashes.
        twice: Validators that stand behind both, ascending; empty where the sets have nobody in common.
    """

    number: int
    hashes: tuple[bytes, bytes]
    twice: tuple[bytes, ...]


def conflict_of(a: Sealed, b: Sealed) -> Conflict | None:
    """Return the conflict of two sealed blocks, or None when there is none."""
    if a.number != b.number or a.hash == b.hash:
        return None
    return Conflict(a.number, (a.hash, b.hash), tuple(sorted({*a.found} & {*b.found})))
