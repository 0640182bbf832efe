"""Records to measure with: real schemas, invented people, all different."""

from collections.abc import Sequence
from typing import TypeVar

from chainsvc.record import Record

T = TypeVar("T")

DONATION_PAIRS = 22
"""Pairs of a donation: eight of the envelope, fourteen of the body."""

CAUSE_PAIRS = 13
"""Pairs of a cause of a change of standing, the shortest record that there is."""

_DAY = "2026-03-01T00:00:00+08:00"


def donations(ledger: str, count: int, first: int = 0) -> list[Record]:
    """Return donations with numbers from ``first`` on."""
    return [_donation(ledger, number) for number in range(first, first + count)]


def causes(ledger: str, count: int) -> list[Record]:
    """Return causes of changes of standing, of entries that need not be there."""
    return [_cause(ledger, number) for number in range(count)]


def chunks(records: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut records, or what was made of them, into chunks."""
    return [records[start : start + size] for start in range(0, len(records), size)]


def _donation(ledger: str, number: int) -> Record:
    fen = 100 * (1 + number % 9_999)
    body = {
        "number": f"JZ202603{number:08d}",
        "date": "2026-03-01",
        "campaign": "乡村儿童营养午餐",
        "donor": {"name": f"爱心人士{number:06d}", "uscc": None, "anonymous": True},
        "method": "银行转账",
        "currency": "CNY",
        "amount": fen,
        "goods": None,
        "designated": False,
        "purpose": None,
        "receipt_number": f"32062600{number:08d}",
        "remark": None,
    }
    return Record("charity.donation.v1", ledger, f"JZ202603{number:08d}", 0, None, fen, 0, _DAY, body)


def _cause(ledger: str, number: int) -> Record:
    target = {"ledger": ledger, "seq": number, "commitment": f"{number:064x}"}
    body = {"target": target, "status": "revoked", "reason": "捐赠协议已依法撤销"}
    return Record("status.cause.v1", ledger, f"CX-{number:06d}", 0, None, 0, 0, _DAY, body)
