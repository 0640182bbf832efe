"""What the contract computes: a ledger's head at each batch, an entry's status word at each change.

::

    head_k = S(04 ‖ head_{k-1} ‖ ledgerId ‖ k u64 ‖ first u64 ‖ count u32 ‖ root32 ‖ credit u64 ‖ debit u64
               ‖ actor20 ‖ block.number u64 ‖ block.timestamp u64)                 head_{-1} = 32 zero bytes
    word_j = S(05 ‖ word_{j-1} ‖ ledgerId ‖ seq u64 ‖ status u8 ‖ causeLedgerId ‖ causeSeq u64
               ‖ actor20 ‖ number u64 ‖ timestamp u64)[0:31] ‖ status u8           word_{-1} = 0 = current
"""

from enum import IntEnum

from chainsvc.crypto.suites import sha256

ZERO = bytes(32)
"""The head before the first batch, and the word of an entry whose standing never changed."""

_HEAD_TAG = b"\x04"
_WORD_TAG = b"\x05"


class Status(IntEnum):
    """Standing of an entry; the last byte of its status word."""

    CURRENT = 0
    SUPERSEDED = 1
    REVOKED = 2
    SUSPENDED = 3
    DISSOLVED = 4
    ANNULLED = 5
    VOID = 6

    @property
    def label(self) -> str:
        """The word in the API, the command line and verdicts."""
        return self.name.lower()


def head(
    previous: bytes,
    ledger_id: bytes,
    index: int,
    first: int,
    count: int,
    root: bytes,
    credit: int,
    debit: int,
    actor: bytes,
    block: int,
    time: int,
) -> bytes:
    """Return the head after batch ``index``, 32 bytes.

    Args:
        previous: Head before it, 32 bytes.
        ledger_id: 32 bytes.
        index: Batch number ``k``, u64.
        first: Seq of its first entry, u64.
        count: Its entries, u32.
        root: Hash of the sum tree's root, 32 bytes.
        credit: Sum of the batch in fen, u64.
        debit: Sum of the batch in fen, u64.
        actor: Account that anchored it, 20 bytes.
        block: Block number, u64.
        time: Block time in Unix seconds, u64.
    """
    return sha256(
        _HEAD_TAG
        + previous
        + ledger_id
        + index.to_bytes(8)
        + first.to_bytes(8)
        + count.to_bytes(4)
        + root
        + credit.to_bytes(8)
        + debit.to_bytes(8)
        + actor
        + block.to_bytes(8)
        + time.to_bytes(8)
    )


def status_word(
    previous: bytes,
    ledger_id: bytes,
    seq: int,
    status: int,
    cause_ledger_id: bytes,
    cause_seq: int,
    actor: bytes,
    block: int,
    time: int,
) -> bytes:
    """Return the status word after one change of standing, 32 bytes; its last byte is the status.

    Args:
        previous: Word before it, 32 bytes.
        ledger_id: Ledger of the entry, 32 bytes.
        seq: The entry, u64.
        status: New standing, see :class:`Status`.
        cause_ledger_id: Ledger of the entry that is the cause, 32 bytes.
        cause_seq: That entry, u64.
        actor: Account that changed it, 20 bytes.
        block: Block number, u64.
        time: Block time in Unix seconds, u64.
    """
    digest = sha256(
        _WORD_TAG
        + previous
        + ledger_id
        + seq.to_bytes(8)
        + bytes([status])
        + cause_ledger_id
        + cause_seq.to_bytes(8)
        + actor
        + block.to_bytes(8)
        + time.to_bytes(8)
    )
    return digest[:31] + bytes([status])
