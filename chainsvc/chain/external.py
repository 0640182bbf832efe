"""Accounts whose keys are somewhere else: that one signs, and its answer is checked before anything is sent.

ECDSA gives two signatures for one: chains take the lower ``s`` only (EIP-2), and the sender is recovered from a bit
that hardware does not tell. Both are settled here: ``s`` is lowered, and of the two senders that a signature can mean
the account must be one.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from coincurve import PublicKey

from chainsvc.chain.signer import SignedTransaction
from chainsvc.errors import SignerUnavailable
from chainsvc.proof import rlp
from chainsvc.proof.keccak import keccak256

_TYPE = b"\x02"  # EIP-1559
_NUMBERS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")  # its order
_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141  # of secp256k1, SEC 2 section 2.4.1
_WORD = 32
_PUBLIC_BYTES = 64


class AccountKey(Protocol):
    """Who holds an account's key."""

    @property
    def public(self) -> bytes:
        """The public key, ``x ‖ y``, 64 bytes."""

    def sign(self, payload: bytes) -> bytes:
        """Return ``r ‖ s`` for the Keccak-256 hash of the payload; what follows is not looked at.

        Raises:
            SignerUnavailable: It does not sign.
        """


class ExternalSigner:
    """Signs with a key that is not in this process."""

    def __init__(self, key: AccountKey) -> None:
        """Sign with this key."""
        self._key = key
        self._address = keccak256(key.public)[-20:]

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        return self._address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a transaction with all its members.

        Raises:
            SignerUnavailable: The holder does not sign, or signs with another key.
        """
        fields = _fields(transaction)
        payload = _TYPE + rlp.encode(fields)
        r, s, parity = recoverable(self._key.public, keccak256(payload), self._key.sign(payload))
        raw = _TYPE + rlp.encode([*fields, _number(parity), _number(r), _number(s)])
        return SignedTransaction(raw, keccak256(raw))

    def __repr__(self) -> str:
        """Show the address only."""
        return f"{type(self).__name__}({self._address.hex()})"


def recoverable(public: bytes, digest: bytes, signature: bytes) -> tuple[int, int, int]:
    """Return ``r``, the lower ``s``, and the parity by which the public key (64 bytes) is recovered.

    Raises:
        SignerUnavailable: The signature is not by that key.
    """
    r, s = int.from_bytes(signature[:_WORD]), int.from_bytes(signature[_WORD : 2 * _WORD])
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise _wrong("no signature of secp256k1")
    s = min(s, _ORDER - s)
    whole = r.to_bytes(_WORD) + s.to_bytes(_WORD)
    for parity in (0, 1):
        if _recovered(whole + bytes([parity]), digest) == public:
            return r, s, parity
    raise _wrong("a signature by another key")


def _recovered(signature: bytes, digest: bytes) -> bytes | None:
    try:
        point = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError:  # this r and parity are no point
        return None
    return point.format(compressed=False)[-_PUBLIC_BYTES:]


def _wrong(got: str) -> SignerUnavailable:
    return SignerUnavailable(
        "the signer's answer is refused, nothing was sent",
        expected="a signature by the account's own key",
        got=got,
        hint="Is the account's name the one of this key?",
    )


def _fields(transaction: Mapping[str, Any]) -> list[rlp.Item]:
    data = bytes.fromhex(transaction["data"].removeprefix("0x"))
    numbers: list[rlp.Item] = [_number(transaction[name]) for name in _NUMBERS]
    return [*numbers, transaction.get("to", b""), _number(transaction["value"]), data, []]


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)
