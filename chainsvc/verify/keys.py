"""Signing keys as Institutions keeps them: one slot each, judged at one time.

Slot, high to low: uscc bytes18 | alg u8 | purpose u8 | from u32 | until u32 (0 open) | compromisedFrom u32 (0 none).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from chainsvc.verify.verdict import Finding, failed, not_checked, passed

SUBMISSION, RECEIPT = 1, 2
"""Purposes of a key; 3 is checkpoint."""

_PURPOSES = {SUBMISSION: "submission", RECEIPT: "receipt"}
_USCC_BYTES = 18


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """One key slot, unpacked; times in Unix seconds."""

    uscc: str
    alg: int
    purpose: int
    since: int
    until: int
    compromised_from: int

    @classmethod
    @lru_cache(maxsize=256)
    def unpack(cls, word: bytes) -> Self | None:
        """Read the 32-byte slot; None when no key was ever registered there."""
        if not any(word):
            return None
        uscc = word[:_USCC_BYTES].decode("ascii", "replace")
        alg, purpose = word[_USCC_BYTES], word[_USCC_BYTES + 1]
        return cls(uscc, alg, purpose, *(int.from_bytes(word[i : i + 4]) for i in range(_USCC_BYTES + 2, len(word), 4)))


def judge(word: bytes, *, alg: int, purpose: int, time: int, uscc: str | None = None, slack: int = 0) -> Finding:
    """Judge a key at one time; compromised keys leave it open, since nobody can tell who signed.

    Args:
        word: Slot of the key.
        alg: Algorithm of the signature.
        purpose: What the key must be for.
        time: When it must have been valid, in Unix seconds.
        uscc: Whose it must be, or None for any organization's.
        slack: By how much ``time`` may differ from the chain's, when another clock told it. The key must be valid at
            some moment of that span, and reported compromised at none.
    """
    key = RegisteredKey.unpack(word)
    name = _PURPOSES[purpose]
    if key is None:
        return failed(f"the {name} key was never registered", expected="a key of Institutions", got="an empty slot")
    if uscc is not None and key.uscc != uscc:
        return failed(f"the {name} key is another organization's", expected=uscc, got=key.uscc)
    if (key.alg, key.purpose) != (alg, purpose):
        return failed(
            f"the key is not a {name} key",
            expected=f"algorithm {alg}, purpose {purpose}",
            got=f"algorithm {key.alg}, purpose {key.purpose}",
        )
    if time + slack < key.since or (key.until and time - slack >= key.until):
        window = f"{key.since} to {key.until or 'open'}"
        return failed(f"the {name} key was not valid then", expected=f"a time within {window}", got=time)
    if key.compromised_from and time + slack >= key.compromised_from:
        reason = f"the {name} key is reported compromised: whoever had it may have signed"
        return not_checked(reason, expected=f"before {key.compromised_from}", got=time)
    return passed(f"signed by a registered {name} key, valid then")
