"""Validators of the vectors, and headers that they seal as QBFT and as clique do."""

from collections.abc import Sequence
from typing import Any, Protocol

import rlp
from coincurve import PrivateKey

from chainsvc.proof.keccak import keccak256
from vector_parts.constants import derived
from vector_parts.sample import TIME
from vector_parts.state import NUMBER, QBFT

NO_UNCLES = bytes.fromhex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of secp256k1's group."""

VANITY = b"vectors".ljust(32, b"\0")
_NONCE, _ZERO = bytes(8), bytes(32)


def _address(key: PrivateKey) -> bytes:
    return keccak256(key.public_key.format(compressed=False)[1:])[12:]


_MADE = [PrivateKey(derived(f"validator key/{number}")) for number in range(6)]
KEYS = {_address(key): key for key in _MADE}

VALIDATORS = tuple(sorted(KEYS)[:4])
"""Four validators, ascending."""

FIVE = tuple(sorted(KEYS)[:5])
"""They and a fifth."""

STRANGER = sorted(KEYS)[5]
"""A validator of nobody."""


def seal(digest: bytes, who: bytes) -> bytes:
    """Return the seal of 65 bytes."""
    return KEYS[who].sign_recoverable(digest, hasher=None)


def high_s(made: bytes) -> bytes:
    """Return the seal's other form: the same signer, s in the upper half."""
    s = ORDER - int.from_bytes(made[32:64])
    return made[:32] + s.to_bytes(32) + bytes([made[64] ^ 1])


class State(Protocol):
    """What a header is over."""

    @property
    def root(self) -> bytes:
        """State root."""

    @property
    def number(self) -> int:
        """Block number."""

    @property
    def time(self) -> int:
        """Unix seconds."""


def committed(state: State, sealed_by: Sequence[bytes], **changes: Any) -> bytes:
    """Return a QBFT header over a state, with the committed seals of these.

    Args:
        state: Gives number, time and state root.
        sealed_by: Whose seals, in order.
        changes: ``validators`` in the list, ``round``, ``difficulty``, ``miner``, ``uncles``, or ``seals`` in place of
            those of ``sealed_by``.
    """
    listed = changes.get("validators", VALIDATORS)
    miner, difficulty = changes.get("miner", listed[0]), changes.get("difficulty", 1)
    before = [derived("parent"), changes.get("uncles", NO_UNCLES), miner, state.root, _ZERO, _ZERO, bytes(256)]
    before += [difficulty, state.number, 30_000_000, 0, state.time]
    parts = [VANITY, list(listed), [], changes.get("round", 0)]
    unsealed = keccak256(rlp.encode([*before, rlp.encode([*parts, []]), QBFT, _NONCE]))
    seals = changes.get("seals", [seal(unsealed, who) for who in sealed_by])
    encoded: bytes = rlp.encode([*before, rlp.encode([*parts, seals]), QBFT, _NONCE])
    return encoded


def clique(number: int, parent: bytes, root: bytes, sealer: bytes, **changes: Any) -> bytes:
    """Return a clique header.

    Args:
        number: Its number.
        parent: Hash of the block before.
        root: State root.
        sealer: Who seals it.
        changes: ``sealers``, ``time``, ``miner``, ``nonce``, ``difficulty``, ``mix``, ``listed``.
    """
    sealers = changes.get("sealers", VALIDATORS)
    turn = 2 if sealers[number % len(sealers)] == sealer else 1
    before = [parent, NO_UNCLES, changes.get("miner", bytes(20)), root, _ZERO, _ZERO, bytes(256)]
    time = changes.get("time", TIME + 4000 + number - NUMBER)
    before += [changes.get("difficulty", turn), number, 30_000_000, 0, time]
    behind = [changes.get("mix", _ZERO), changes.get("nonce", _NONCE), 0]
    extra = VANITY + b"".join(changes.get("listed", ()))
    made = seal(keccak256(rlp.encode([*before, extra, *behind])), sealer)
    encoded: bytes = rlp.encode([*before, extra + made, *behind])
    return encoded


def in_turn(number: int, sealers: Sequence[bytes] = VALIDATORS) -> bytes:
    """Return whose turn it is."""
    return sealers[number % len(sealers)]


def run(root: bytes, after: int, **last: Any) -> list[bytes]:
    """Return a header and those of so many blocks after it, each sealed in turn; ``last`` changes the last one."""
    made, parent = list[bytes](), derived("parent")
    for number in range(NUMBER, NUMBER + after + 1):
        changes = dict(last) if number == NUMBER + after else {}
        sealer = changes.pop("sealer", in_turn(number))
        made.append(clique(number, changes.pop("parent", parent), root, sealer, **changes))
        parent = keccak256(made[-1])
    return made
