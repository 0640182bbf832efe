"""Records for tests: valid, small, and different by their number."""

from dataclasses import replace

from chainsvc.record import Record

DAY = "2026-03-01T00:00:00+08:00"


def donation(ledger: str, number: int, fen: int = 10_000) -> Record:
    """A donation of that many fen."""
    body = {
        "number": f"JZ{number}",
        "date": "2026-03-01",
        "campaign": "乡村儿童营养午餐",
        "donor": {"name": "某爱心人士", "uscc": None, "anonymous": True},
        "method": "银行转账",
        "currency": "CNY",
        "amount": fen,
        "goods": None,
        "designated": False,
        "purpose": None,
        "receipt_number": f"32062600{number:06d}",
        "remark": None,
    }
    return Record("charity.donation.v1", ledger, f"JZ{number}", 0, None, fen, 0, DAY, body)


def corrected(record: Record, previous: bytes, fen: int) -> Record:
    """The next revision of a donation, of another amount."""
    change = fen - record.body["amount"]
    return replace(
        record,
        revision=record.revision + 1,
        previous=previous.hex(),
        credit=max(change, 0),
        debit=max(-change, 0),
        body={**record.body, "amount": fen},
    )


def disbursement(ledger: str, number: int, fen: int) -> Record:
    """A disbursement of that many fen."""
    body = {
        "number": f"BF{number}",
        "date": "2026-03-02",
        "campaign": "乡村儿童营养午餐",
        "recipient": {"name": "某小学", "uscc": None},
        "purpose": "物资采购",
        "amount": fen,
        "beneficiaries": 10,
        "donations": None,
        "remark": None,
    }
    return Record("charity.disbursement.v1", ledger, f"BF{number}", 0, None, 0, fen, DAY, body)


def payment(ledger: str, number: int, fen: int) -> Record:
    """A monthly subsidy payment of that many fen."""
    body = {
        "number": f"2026-09-{number:04d}",
        "programme": "重度残疾人护理补贴",
        "month": "2026-09",
        "region": "320602",
        "person": {"name": "某人", "citizen_number": "32060219870805110X"},
        "category": "一级",
        "amount": fen,
        "account": "6228485805021745185",
        "channel": "一卡通",
        "approved_on": None,
        "paid_on": None,
        "remark": None,
    }
    return Record("subsidy.payment.v1", ledger, f"2026-09-{number:04d}", 0, None, 0, fen, DAY, body)


def revocation(ledger: str, number: int, target: bytes, seq: int) -> Record:
    """The reason why an entry of the same ledger is revoked."""
    body = {
        "target": {"ledger": ledger, "seq": seq, "commitment": target.hex()},
        "status": "revoked",
        "reason": "登记有误",
    }
    return Record("status.cause.v1", ledger, f"CX{number}", 0, None, 0, 0, DAY, body)
