"""Records of the vectors: donations, disbursements and registrations, with nobody real in them."""

from typing import Any

from chainsvc.record import Record
from vector_parts.constants import OFFICE, UNIT

LUNCH = f"charity/{UNIT}/LUNCH-2026"
"""An unsigned ledger of suite 1."""

FLOOD = f"charity/{UNIT}/FLOOD-2026"
"""A signed ledger of suite 1."""

ELDERLY = f"charity/{UNIT}/ELDERLY-2026"
"""An unsigned ledger of suite 1, with odd records."""

REGISTER = f"marriage/{OFFICE}/2026"
"""An unsigned ledger of suite 2."""


def donation(number: int, amount: int, *, ledger: str = LUNCH, name: str = "某捐赠人") -> Record:
    """Return a donation of so many fen."""
    body: dict[str, Any] = {
        "number": f"D-{number:04}",
        "date": "2026-09-01",
        "campaign": "营养午餐",
        "donor": {"name": name, "uscc": None, "anonymous": False},
        "method": "银行转账",
        "currency": "CNY",
        "amount": amount,
        "goods": None,
        "designated": True,
        "purpose": "学生午餐",
        "receipt_number": f"R-{number:06}",
        "remark": None,
    }
    return _record("charity.donation.v1", ledger, f"D-{number:04}", body, credit=amount)


def disbursement(number: int, amount: int, donations: list[str] | None) -> Record:
    """Return a disbursement of so many fen; the donations that it spends are an array."""
    body: dict[str, Any] = {
        "number": f"P-{number:04}",
        "date": "2026-09-15",
        "campaign": "营养午餐",
        "recipient": {"name": "某小学", "uscc": None},
        "purpose": "学生午餐",
        "amount": amount,
        "beneficiaries": 120,
        "donations": donations,
        "remark": "",
    }
    return _record("charity.disbursement.v1", LUNCH, f"P-{number:04}", body, debit=amount)


def registration(number: int, husband: str, wife: str) -> Record:
    """Return a marriage registration; the citizen numbers are the examples printed in GB 11643-1999."""
    certificate = f"J330106-2026-{number:06}"
    body: dict[str, Any] = {
        "certificate": {"number": certificate, "previous": None},
        "date": "2026-09-09",
        "office": {"name": "某区民政局婚姻登记处", "region": "330106"},
        "husband": {"name": husband, "citizen_number": "440524188001010014"},
        "wife": {"name": wife, "citizen_number": "11010519491231002X"},
        "nationality": "中国",
        "remark": None,
    }
    return _record("marriage.registration.v1", REGISTER, certificate, body)


def _record(
    schema: str, ledger: str, reference: str, body: dict[str, Any], *, credit: int = 0, debit: int = 0
) -> Record:
    return Record(
        schema=schema,
        ledger=ledger,
        reference=reference,
        revision=0,
        previous=None,
        credit=credit,
        debit=debit,
        issued_at="2026-09-16T09:30:00+08:00",
        body=body,
    )
