"""Validators on paper: keys made from numbers, and headers that they seal as QBFT and clique do."""

from collections.abc import Sequence

from coincurve import PrivateKey

from chainsvc.crypto.suites import sha256
from chainsvc.proof import rlp
from chainsvc.proof.header import BFT_MIX_HASH
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.seals.clique import IN_TURN, NOBODY, OUT_OF_TURN, REMOVE
from chainsvc.proof.seals.fields import EMPTY_UNCLES

VANITY = b"paper".ljust(32, b"\0")
_NO_ROOT = bytes(32)


def _key(number: int) -> PrivateKey:
    return PrivateKey(sha256(b"paper validator %d" % number))


def address_of(key: PrivateKey) -> bytes:
    return keccak256(key.public_key.format(compressed=False)[1:])[12:]


KEYS = {address_of(key): key for key in map(_key, range(24))}
"""Keys by address."""

ADDRESSES = tuple(sorted(KEYS))
"""All addresses, ascending."""


def seal(digest: bytes, who: bytes) -> bytes:
    return KEYS[who].sign_recoverable(digest, hasher=None)


def _items(
    number: int, parent: bytes, time: int, root: bytes, *, miner: bytes, difficulty: int, mix: bytes, nonce: bytes
) -> tuple[list[rlp.Item], list[rlp.Item]]:
    """Return the fields before and behind extraData."""
    roots: list[rlp.Item] = [parent, EMPTY_UNCLES, miner, root, _NO_ROOT, _NO_ROOT, bytes(256)]
    numbers = [_integer(n) for n in (difficulty, number, 30_000_000, 0, time)]
    return [*roots, *numbers], [mix, nonce]


def _integer(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def clique_header(
    number: int,
    parent: bytes,
    time: int,
    root: bytes,
    *,
    sealer: bytes,
    sealers: Sequence[bytes],
    miner: bytes = NOBODY,
    nonce: bytes = REMOVE,
    listed: Sequence[bytes] = (),
) -> bytes:
    """Return the header of a block that this sealer sealed."""
    turn = IN_TURN if sealers and sealers[number % len(sealers)] == sealer else OUT_OF_TURN
    before, behind = _items(number, parent, time, root, miner=miner, difficulty=turn, mix=bytes(32), nonce=nonce)
    behind.append(b"")  # the base fee is 0
    extra = VANITY + b"".join(listed)
    unsealed = keccak256(rlp.encode([*before, extra, *behind]))
    return rlp.encode([*before, extra + seal(unsealed, sealer), *behind])


def qbft_header(
    number: int,
    parent: bytes,
    time: int,
    root: bytes,
    *,
    validators: Sequence[bytes],
    sealed_by: Sequence[bytes],
    round_: int = 0,
    later: Sequence[bytes] = (),
) -> bytes:
    """Return the header of a block with the committed seals of these."""
    miner = validators[number % len(validators)]
    before, behind = _items(number, parent, time, root, miner=miner, difficulty=1, mix=BFT_MIX_HASH, nonce=bytes(8))
    behind += later
    parts: list[rlp.Item] = [VANITY, list(validators), [], _integer(round_)]
    unsealed = keccak256(rlp.encode([*before, rlp.encode([*parts, []]), *behind]))
    extra = rlp.encode([*parts, [seal(unsealed, who) for who in sealed_by]])
    return rlp.encode([*before, extra, *behind])
