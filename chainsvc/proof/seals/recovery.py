"""Whose signature a seal is: recovery of the address from a secp256k1 signature."""

from coincurve import PublicKey

from chainsvc.errors import HeaderRefused
from chainsvc.proof.keccak import keccak256

SEAL_BYTES = 65
"""Length of a seal: r, s, and a recovery id of 0 or 1."""

_RECOVERY_IDS = (0, 1)
_ADDRESS = slice(12, 32)


def signer_of(digest: bytes, seal: bytes, where: str) -> bytes:
    """Return the 20-byte address whose key signed the 32-byte digest.

    A seal with a high s is taken, as engines take it: it is the same signer's, and no check here relies on the
    bytes of a seal being the only ones.

    Raises:
        HeaderRefused: ``bad-seal``: another length, another recovery id than 0 or 1, or nothing can be recovered.
    """
    if len(seal) != SEAL_BYTES or seal[-1] not in _RECOVERY_IDS:
        raise HeaderRefused(
            "bad-seal", "not a seal", expected="65 bytes, the last one 0 or 1", got=seal.hex()[-140:], where=where
        )
    try:
        key = PublicKey.from_signature_and_message(seal, digest, hasher=None)
    except ValueError as error:
        raise HeaderRefused("bad-seal", "no key can be recovered from it", got=seal.hex(), where=where) from error
    return keccak256(key.format(compressed=False)[1:])[_ADDRESS]
