"""Committed seals of QBFT headers (GoQuorum, Hyperledger Besu with validators in the header).

extraData is the RLP of ``[vanity, validators, vote, round, seals]``. Each seal signs Keccak-256 of the header with the
list of seals emptied. The block hash leaves round and seals out, and each node keeps a selection of seals of its own,
so that headers of one block differ in bytes from node to node.

GoQuorum itself asks for more than a third of seals only and never compares the list in the header with its set: both
are done here, as Besu does. Networks that keep their validators in a contract have no list in the header and are not
supported.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chainsvc.errors import HeaderRefused, MalformedInput
from chainsvc.proof import rlp
from chainsvc.proof.header import BFT_MIX_HASH, MAX_BYTES
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.seals.fields import EMPTY_UNCLES, HeaderFields
from chainsvc.proof.seals.recovery import signer_of
from chainsvc.proof.seals.sealed import Sealed

_PARTS = 5
_VANITY, _ADDRESS, _ROUND = 32, 20, 4  # bytes
_VOTES = (b"\xff", b"")  # add, remove


class _Extra(NamedTuple):
    parts: list[rlp.Item]
    validators: list[bytes]
    seals: list[bytes]


def quorum(validators: int) -> int:
    """Return how many of so many validators must seal: two thirds, rounded up."""
    return -(-2 * validators // 3)


def check(
    data: bytes,
    validators: Sequence[bytes],
    *,
    claimed: bytes | None = None,
    fields: int | None = None,
    where: str = "header",
) -> Sealed:
    """Check one header, in the order of the rules' names below, and return who stands behind it.

    Args:
        data: RLP of the header.
        validators: The trusted set for this block, ascending; 20 bytes each.
        claimed: The hash that the block is announced under, or None where it is only computed.
        fields: How many fields the chain's headers have; None takes 15 and more.
        where: Place of the header in its file.

    Raises:
        HeaderRefused: ``malformed-header``, ``wrong-mix-hash``, ``malformed-extra``, ``hash-mismatch``,
            ``wrong-difficulty``, ``wrong-uncles``, ``validators-not-trusted``, ``proposer-not-validator``,
            ``no-seals``, ``bad-seal``, ``seal-by-non-validator``, ``duplicate-signer`` or ``below-quorum``.
    """
    header = HeaderFields.parse(data, where, fields)
    if header.mix != BFT_MIX_HASH:
        raise HeaderRefused(
            "wrong-mix-hash", "not a QBFT header", expected=BFT_MIX_HASH.hex(), got=header.mix.hex(), where=where
        )
    extra = _extra(header, where)
    if claimed not in (None, header.header.hash):
        expected, got = claimed and claimed.hex(), header.header.hash.hex()
        raise HeaderRefused("hash-mismatch", "the header has another hash", expected=expected, got=got, where=where)
    _check_form(header, extra, validators, where)
    found = _signers(header, extra, validators, where)
    needed = quorum(len(validators))
    if len(found) < needed:
        message = "too few validators sealed it"
        raise HeaderRefused("below-quorum", message, expected=needed, got=len(found), where=where)
    return Sealed(header.header.number, header.header.hash, needed, tuple(sorted(found)), tuple(validators))


def validators_in(data: bytes, where: str = "header") -> tuple[bytes, ...]:
    """Return the validators that a header lists: whom its block's proposer took for the set, no more.

    Raises:
        HeaderRefused: ``malformed-header`` or ``malformed-extra``.
    """
    return tuple(_extra(HeaderFields.parse(data, where), where).validators)


def _check_form(header: HeaderFields, extra: _Extra, validators: Sequence[bytes], where: str) -> None:
    if header.difficulty != 1:
        raise HeaderRefused("wrong-difficulty", "not as QBFT has it", expected=1, got=header.difficulty, where=where)
    if header.uncles != EMPTY_UNCLES:
        raise HeaderRefused("wrong-uncles", "a QBFT block has no uncles", got=header.uncles.hex(), where=where)
    if extra.validators != list(validators):
        expected, got = _hexes(validators), _hexes(extra.validators)
        message = "the header lists other validators than are trusted for it"
        raise HeaderRefused("validators-not-trusted", message, expected=expected, got=got, where=where)
    if header.miner not in validators:
        message = "its proposer is no validator"
        raise HeaderRefused("proposer-not-validator", message, got=header.miner.hex(), where=where)


def _signers(header: HeaderFields, extra: _Extra, validators: Sequence[bytes], where: str) -> set[bytes]:
    if not extra.seals:
        raise HeaderRefused("no-seals", "nobody sealed it", expected=quorum(len(validators)), got=0, where=where)
    digest = keccak256(header.with_extra(rlp.encode([*extra.parts[:-1], []])))
    signers = [signer_of(digest, seal, where) for seal in extra.seals]
    for signer in signers:
        if signer not in validators:
            message = "a seal by somebody who is no validator, or over something else"
            raise HeaderRefused("seal-by-non-validator", message, got=signer.hex(), where=where)
    if len(set(signers)) != len(signers):
        raise HeaderRefused("duplicate-signer", "a validator's seal stands twice", got=_hexes(signers), where=where)
    return set(signers)


def _extra(header: HeaderFields, where: str) -> _Extra:
    try:
        return _read_extra(rlp.decode(header.extra, max_bytes=MAX_BYTES, where=where), where)
    except MalformedInput as error:
        raise HeaderRefused(
            "malformed-extra", error.message, expected=error.expected, got=error.got, where=error.where
        ) from error


def _read_extra(parts: rlp.Item, where: str) -> _Extra:
    if isinstance(parts, bytes) or len(parts) != _PARTS:
        raise MalformedInput("extraData is no list of five", where=where)
    vanity, validators, vote, round_, seals = parts
    if not isinstance(vanity, bytes) or len(vanity) != _VANITY or not isinstance(round_, bytes):
        raise MalformedInput("no vanity of 32 bytes, or no round, in extraData", where=where)
    rlp.unsigned(round_, where, max_bytes=_ROUND)
    _check_vote(rlp.strings(vote, where), where)
    return _Extra(parts, _addresses(validators, where), rlp.strings(seals, where))


def _check_vote(vote: list[bytes], where: str) -> None:
    if vote and (len(vote) != len(_VOTES) or len(vote[0]) != _ADDRESS or vote[1] not in _VOTES):
        raise MalformedInput("not a vote", expected="nothing, or address and ff or nothing", where=where)


def _addresses(item: rlp.Item, where: str) -> list[bytes]:
    found = rlp.strings(item, where)
    if any(len(address) != _ADDRESS for address in found):
        raise MalformedInput("not an address", expected=f"{_ADDRESS} bytes", where=where)
    return found


def _hexes(addresses: Sequence[bytes]) -> str:
    return ", ".join(address.hex() for address in addresses)[:400] or "nobody"
