"""Who sealed a block, and whether enough validators stand behind it: what makes a header trusted without any node.

Two kinds of engine are known. QBFT puts the validators' committed seals into the header itself
(:mod:`chainsvc.proof.seals.qbft`). Clique has one seal a block, and a block is final by policy when enough different
validators sealed the blocks after it (:mod:`chainsvc.proof.seals.clique`, :mod:`chainsvc.proof.seals.following`).

The validators are always the caller's, pinned or followed from a trusted block; the list in a header proves nothing.
Whatever is wrong with a header is :class:`chainsvc.errors.HeaderRefused`, which names the first rule that does not
hold. Not checked anywhere here: transactions and their execution, steps of the gas limit and of the base fee.
"""

from chainsvc.proof.seals.sealed import Conflict, Sealed, conflict_of

__all__ = ["Conflict", "Sealed", "conflict_of"]
