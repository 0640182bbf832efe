"""A block header with all its fields, as the checks of engines need them."""

from typing import NamedTuple, Self

from chainsvc.errors import HeaderRefused, MalformedInput
from chainsvc.proof import rlp
from chainsvc.proof.header import MAX_BYTES, Header

EMPTY_UNCLES = bytes.fromhex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
"""Keccak-256 of the empty list's RLP: ``sha3Uncles`` of a block without uncles."""

MALFORMED = "malformed-header"
"""The rule that a header is one at all."""

EXTRA = 12
"""Place of extraData among the fields."""

_UNCLES, _MINER, _DIFFICULTY, _GAS_LIMIT, _GAS_USED, _MIX, _NONCE, _BASE_FEE = 1, 2, 7, 9, 10, 13, 14, 15


class HeaderFields(NamedTuple):
    """One header.

    Attributes:
        header: What every verifier needs of it, its block hash among it.
        items: All fields, in order.
        difficulty: An integer.
        gas_limit: Gas that the block may use.
        gas_used: Gas that it used.
    """

    header: Header
    items: tuple[bytes, ...]
    difficulty: int
    gas_limit: int
    gas_used: int

    @classmethod
    def parse(cls, data: bytes, where: str, fields: int | None = None) -> Self:
        """Read the RLP of a header.

        Args:
            data: The bytes.
            where: Their place in a file.
            fields: How many fields the chain's headers have; None takes 15 and more.

        Raises:
            HeaderRefused: ``malformed-header``: not canonical RLP, or not the fields of a header.
        """
        try:
            header = Header.parse(data, where)
            items = tuple(rlp.strings(rlp.decode(data, max_bytes=MAX_BYTES, where=where), where))
            if len(items) > _BASE_FEE:
                rlp.unsigned(items[_BASE_FEE], where)
            numbers = [rlp.unsigned(items[place], where) for place in (_DIFFICULTY, _GAS_LIMIT, _GAS_USED)]
        except MalformedInput as error:
            raise HeaderRefused(
                MALFORMED, error.message, expected=error.expected, got=error.got, where=error.where
            ) from error
        if fields not in (None, len(items)):
            raise HeaderRefused(MALFORMED, "another number of fields", expected=fields, got=len(items), where=where)
        return cls(header, items, *numbers)

    @property
    def uncles(self) -> bytes:
        """Hash of the list of uncles."""
        return self.items[_UNCLES]

    @property
    def miner(self) -> bytes:
        """The address in field 2, whatever the engine means by it."""
        return self.items[_MINER]

    @property
    def extra(self) -> bytes:
        """Free bytes by name, which engines put their seals into."""
        return self.items[EXTRA]

    @property
    def mix(self) -> bytes:
        """mixHash, 32 bytes."""
        return self.items[_MIX]

    @property
    def nonce(self) -> bytes:
        """The nonce, 8 bytes."""
        return self.items[_NONCE]

    def with_extra(self, extra: bytes) -> bytes:
        """Return the RLP of the header with other extraData: what seals are made over."""
        return rlp.encode([*self.items[:EXTRA], extra, *self.items[EXTRA + 1 :]])
