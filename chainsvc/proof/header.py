"""Block headers: their hash, and the state root that every proof hangs on.

The hash of most chains is Keccak-256 of the header's RLP (Yellow Paper, section 4.4). QBFT chains (GoQuorum, Besu)
mark themselves by a fixed ``mixHash``: their hash leaves round and committed seals out, since each node keeps its own
selection of seals. IBFT and IBFT 2.0 bear the same mark but hash by other rules, so that none of their blocks is met.
Either way the hash covers every field used here, so which of the two rules a chain follows can't be used to deceive:
it is read from the header alone.

Not checked here: seals, difficulty, the parent. A header is as good as the hash it is compared with.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from chainsvc.errors import MalformedInput
from chainsvc.proof import rlp
from chainsvc.proof.keccak import keccak256

MAX_BYTES = 32_768
"""Largest header in bytes; 300 QBFT validators with their seals stay below."""

MIN_FIELDS = 15
"""Fields of the first headers; London and later forks append more (EIP-1559, EIP-4895, …)."""

MAX_FIELDS = 64
"""More than any fork has; a bound, not a rule of a chain."""

BFT_MIX_HASH = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
"""``mixHash`` of QBFT headers, and of IBFT before it (EIP-650)."""

_FIXED = {0: 32, 1: 32, 2: 20, 3: 32, 4: 32, 5: 32, 6: 256, 13: 32, 14: 8}
_PARENT, _STATE_ROOT, _NUMBER, _TIMESTAMP, _EXTRA, _MIX = 0, 3, 8, 11, 12, 13
_EXTRA_PARTS = 5


@dataclass(frozen=True, slots=True)
class Header:
    """What a verifier needs of a block header.

    Attributes:
        hash: Block hash, 32 bytes.
        parent: Hash of the block before, 32 bytes.
        state_root: Root of the account trie after this block, 32 bytes.
        number: Block number.
        timestamp: Block time in Unix seconds.
    """

    hash: bytes
    parent: bytes
    state_root: bytes
    number: int
    timestamp: int

    @classmethod
    def parse(cls, data: bytes, where: str = "/proof/header") -> Self:
        """Read the RLP of a header with 15 or more fields.

        Raises:
            MalformedInput: Not canonical RLP, too few fields, or a field of the wrong length.
        """
        return cls(*_parsed(data, where))


@lru_cache(maxsize=64)  # files of one checkpoint share one header
def _parsed(data: bytes, where: str) -> tuple[bytes, bytes, bytes, int, int]:
    fields = rlp.strings(rlp.decode(data, max_bytes=MAX_BYTES, where=where), where)
    if not MIN_FIELDS <= len(fields) <= MAX_FIELDS:
        raise MalformedInput(
            "not a block header", expected=f"{MIN_FIELDS} to {MAX_FIELDS} fields", got=len(fields), where=where
        )
    for index, length in _FIXED.items():
        if len(fields[index]) != length:
            raise MalformedInput(
                f"field {index} of the header has the wrong length",
                expected=f"{length} bytes",
                got=f"{len(fields[index])} bytes",
                where=where,
            )
    number, timestamp = (rlp.unsigned(fields[index], where) for index in (_NUMBER, _TIMESTAMP))
    return _block_hash(data, fields), fields[_PARENT], fields[_STATE_ROOT], number, timestamp


def _block_hash(data: bytes, fields: list[bytes]) -> bytes:
    if fields[_MIX] != BFT_MIX_HASH:
        return keccak256(data)
    try:
        extra = rlp.decode(fields[_EXTRA], max_bytes=MAX_BYTES, where="extraData")
    except MalformedInput:
        return keccak256(data)  # as the engines do when extraData does not decode
    if isinstance(extra, bytes) or len(extra) != _EXTRA_PARTS:
        return keccak256(data)
    unsealed: rlp.Item = [*extra[:3], b"", []]  # vanity, validators, vote, round 0, no seals
    return keccak256(rlp.encode([*fields[:_EXTRA], rlp.encode(unsealed), *fields[_EXTRA + 1 :]]))
