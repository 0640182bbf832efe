"""Clique (EIP-225, go-ethereum): one seal a block, and what makes header n right on top of header n-1.

extraData is 32 bytes of vanity, in checkpoint blocks the sealers ascending, and a seal of 65 bytes. The seal signs
Keccak-256 of the header with the seal cut off; the block hash covers the seal too. ``miner`` is never the sealer: it
is zero, or the candidate of a vote. A seal is malleable, so that a block is known by its hash alone.

Headers are those of the London fork, 16 fields: clique ended before the next one.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from chainsvc.errors import HeaderRefused
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.seals.fields import EMPTY_UNCLES, HeaderFields
from chainsvc.proof.seals.recovery import SEAL_BYTES, signer_of

FIELDS = 16
"""Fields of a London header."""

IN_TURN, OUT_OF_TURN = 2, 1
"""Difficulty of a block by the sealer whose turn it is, and by another."""

ADD, REMOVE = b"\xff" * 8, bytes(8)
"""Nonces of votes."""

NOBODY = bytes(20)
"""``miner`` of a block without a vote."""

_VANITY, _ADDRESS = 32, 20
_NO_MIX = bytes(32)


class Rules(NamedTuple):
    """What a network's genesis sets.

    Attributes:
        period: Least seconds between two blocks.
        epoch: Every so many blocks one lists the sealers and drops open votes. None where it is not known: then a
            block that lists sealers is taken for such a one.
    """

    period: int
    epoch: int | None


class CliqueHeader(NamedTuple):
    """One header, its extraData taken apart.

    Attributes:
        fields: All of it.
        where: Its place in a file.
    """

    fields: HeaderFields
    where: str

    @classmethod
    def parse(cls, data: bytes, where: str = "header") -> Self:
        """Read the RLP.

        Raises:
            HeaderRefused: ``malformed-header``: not canonical RLP, or not the 16 fields of a header.
        """
        return cls(HeaderFields.parse(data, where, FIELDS), where)

    @property
    def number(self) -> int:
        """Block number."""
        return self.fields.header.number

    @property
    def hash(self) -> bytes:
        """Block hash, 32 bytes."""
        return self.fields.header.hash

    @property
    def time(self) -> int:
        """Unix seconds."""
        return self.fields.header.timestamp

    @property
    def listed(self) -> bytes:
        """What stands between vanity and seal: the sealers of a checkpoint block, 20 bytes each."""
        return self.fields.extra[_VANITY:-SEAL_BYTES]

    def sealer(self) -> bytes:
        """Return who sealed it, 20 bytes.

        Raises:
            HeaderRefused: ``missing-vanity``, ``missing-seal`` or ``bad-seal``.
        """
        _check_length(self)
        extra = self.fields.extra
        digest = keccak256(self.fields.with_extra(extra[:-SEAL_BYTES]))
        return signer_of(digest, extra[-SEAL_BYTES:], self.where)

    def refused(self, rule: str, message: str, *, expected: object = None, got: object = None) -> HeaderRefused:
        """Return the refusal of this header by that rule."""
        where = f"{self.where}, block {self.number}"
        return HeaderRefused(rule, message, expected=expected, got=got, where=where)


def window(sealers: int) -> int:
    """Return in how many blocks in a row of so many sealers each may seal once: more than half."""
    return sealers // 2 + 1


def check(
    header: CliqueHeader,
    parent: CliqueHeader | None,
    sealers: Sequence[bytes],
    recent: Mapping[int, bytes],
    rules: Rules,
    claimed: bytes | None = None,
) -> bytes:
    """Check one header on top of another, in the order of the rules' names below, and return who sealed it.

    Args:
        header: The header.
        parent: The one before; None for a block that is not judged by what came before.
        sealers: Who may seal this block, ascending; 20 bytes each.
        recent: Who sealed the blocks before, by number, as far as known.
        rules: Of the network.
        claimed: The hash that the block is announced under, or None where it is only computed.

    Raises:
        HeaderRefused: ``not-next``, ``hash-mismatch``, ``wrong-parent``, ``bad-nonce``, ``vote-in-checkpoint``,
            ``missing-vanity``, ``missing-seal``, ``extra-signers``, ``checkpoint-signers-mismatch``, ``bad-mix``,
            ``uncles``, ``bad-difficulty``, ``bad-timestamp``, ``gas-used``, ``bad-seal``, ``unauthorized-signer``,
            ``recently-signed`` or ``wrong-difficulty``.
    """
    if parent is not None and header.number != parent.number + 1:
        raise header.refused("not-next", "not the next block", expected=parent.number + 1, got=header.number)
    if claimed not in (None, header.hash):
        expected = claimed and claimed.hex()
        raise header.refused("hash-mismatch", "the header has another hash", expected=expected, got=header.hash.hex())
    if parent is not None and header.fields.header.parent != parent.hash:
        expected, got = parent.hash.hex(), header.fields.header.parent.hex()
        raise header.refused("wrong-parent", "it follows another block", expected=expected, got=got)
    _check_extra(header, sealers, rules)
    _check_form(header, parent, rules)
    return _check_seal(header, sealers, recent)


def _check_extra(header: CliqueHeader, sealers: Sequence[bytes], rules: Rules) -> None:
    nonce, candidate = header.fields.nonce, header.fields.miner
    if nonce not in (ADD, REMOVE):
        raise header.refused("bad-nonce", "no vote", expected="8 bytes, all 00 or all ff", got=nonce.hex())
    listing = _lists_sealers(header, rules)
    if listing and (candidate, nonce) != (NOBODY, REMOVE):
        raise header.refused("vote-in-checkpoint", "a checkpoint block has no vote", got=candidate.hex())
    _check_length(header)
    if not listing and header.listed:
        raise header.refused("extra-signers", "only checkpoint blocks list sealers", got=f"{len(header.listed)} bytes")
    if listing and header.listed != b"".join(sealers):
        expected, got = b" ".join(sealers).hex(), header.listed.hex()
        message = "the checkpoint block lists other sealers"
        raise header.refused("checkpoint-signers-mismatch", message, expected=expected, got=got)


def _lists_sealers(header: CliqueHeader, rules: Rules) -> bool:
    if rules.epoch is None:
        return bool(header.listed)
    return header.number % rules.epoch == 0


def _check_length(header: CliqueHeader) -> None:
    length = len(header.fields.extra)
    if length < _VANITY:
        raise header.refused("missing-vanity", "extraData is too short", expected=f"{_VANITY} bytes", got=length)
    if length < _VANITY + SEAL_BYTES:
        expected = f"{_VANITY + SEAL_BYTES} bytes"
        raise header.refused("missing-seal", "extraData has no seal", expected=expected, got=length)


def _check_form(header: CliqueHeader, parent: CliqueHeader | None, rules: Rules) -> None:
    fields = header.fields
    if fields.mix != _NO_MIX:
        raise header.refused("bad-mix", "mixHash is not zero", got=fields.mix.hex())
    if fields.uncles != EMPTY_UNCLES:
        raise header.refused("uncles", "a clique block has no uncles", got=fields.uncles.hex())
    if fields.difficulty not in (IN_TURN, OUT_OF_TURN):
        raise header.refused("bad-difficulty", "no difficulty of clique", expected="1 or 2", got=fields.difficulty)
    if parent is not None and header.time < parent.time + rules.period:
        expected = f"{parent.time + rules.period} or later"
        raise header.refused("bad-timestamp", "too early", expected=expected, got=header.time)
    if fields.gas_used > fields.gas_limit:
        raise header.refused("gas-used", "more gas than its limit", expected=fields.gas_limit, got=fields.gas_used)


def _check_seal(header: CliqueHeader, sealers: Sequence[bytes], recent: Mapping[int, bytes]) -> bytes:
    sealer = header.sealer()
    if sealer not in sealers:
        raise header.refused("unauthorized-signer", "sealed by none of the sealers", got=sealer.hex())
    before = range(header.number - window(len(sealers)) + 1, header.number)
    if sealer in (recent.get(number) for number in before):
        expected = f"another one than sealed blocks {before.start} to {before.stop - 1}"
        raise header.refused("recently-signed", "the same sealer too soon", expected=expected, got=sealer.hex())
    turn = IN_TURN if sealers[header.number % len(sealers)] == sealer else OUT_OF_TURN
    if header.fields.difficulty != turn:
        message = "not the difficulty of the sealer's turn"
        raise header.refused("wrong-difficulty", message, expected=turn, got=header.fields.difficulty)
    return sealer
