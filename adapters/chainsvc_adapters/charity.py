"""Charity exports: donations, and disbursements with their beneficiary receipts. Ledger key: the campaign."""

from collections.abc import Mapping, Sequence
from typing import Any

from chainsvc_adapters.adapter import TableAdapter
from chainsvc_adapters.amounts import amount
from chainsvc_adapters.cells import choice, count, optional, text
from chainsvc_adapters.columns import Column
from chainsvc_adapters.days import date
from chainsvc_adapters.drafts import Draft, at_midnight

_YES_NO = choice({"是": True, "否": False})
_DESIGNATED = choice({"限定": True, "非限定": False, "是": True, "否": False})
_CURRENCY = choice({"人民币": "CNY", "CNY": "CNY", "RMB": "CNY"})


def _donation(row: Mapping[str, Any]) -> Sequence[Draft]:
    body = {
        "number": row["number"],
        "date": row["date"],
        "campaign": row["campaign"],
        "donor": {"name": row["donor"], "uscc": row["donor_uscc"], "anonymous": row["anonymous"]},
        "method": row["method"],
        "currency": row["currency"],
        "amount": row["amount"],
        "goods": row["goods"],
        "designated": row["designated"],
        "purpose": row["purpose"],
        "receipt_number": row["receipt_number"],
        "remark": row["remark"],
    }
    return [Draft((row["campaign"],), "charity.donation.v1", row["number"], at_midnight(row["date"]), body)]


DONATIONS = TableAdapter(
    name="charity-donations",
    title="捐赠明细",
    columns=(
        Column("number", ("捐赠编号",), text, ("/reference", "/body/number")),
        Column("date", ("捐赠日期",), date, ("/issued_at", "/body/date")),
        Column("donor", ("捐赠人", "捐赠人名称", "捐赠方"), text, ("/body/donor/name",)),
        Column(
            "donor_uscc",
            ("捐赠人统一社会信用代码", "统一社会信用代码"),
            optional(text),
            ("/body/donor/uscc",),
            must=False,
        ),
        Column("anonymous", ("是否匿名",), _YES_NO, ("/body/donor/anonymous",)),
        Column("campaign", ("项目名称", "慈善项目", "募捐项目"), text, ("/body/campaign",)),
        Column("method", ("捐赠方式",), text, ("/body/method",)),
        Column("amount", ("金额(元)", "捐赠金额(元)", "金额", "捐赠金额"), amount, ("/credit", "/body/amount")),
        Column("currency", ("币种",), _CURRENCY, ("/body/currency",)),
        Column("goods", ("物资名称", "物资说明"), optional(text), ("/body/goods",), must=False),
        Column("designated", ("是否限定用途",), _DESIGNATED, ("/body/designated",)),
        Column("purpose", ("限定用途", "限定用途说明"), optional(text), ("/body/purpose",), must=False),
        Column("receipt_number", ("捐赠票据号", "票据号"), optional(text), ("/body/receipt_number",)),
        Column("remark", ("备注",), optional(text), ("/body/remark",), must=False),
    ),
    ledger_column="campaign",
    amount_column="amount",
    make=_donation,
)
"""Donations: one record a row, reference 捐赠编号."""


def _disbursement(row: Mapping[str, Any]) -> Sequence[Draft]:
    body = {
        "number": row["number"],
        "date": row["date"],
        "campaign": row["campaign"],
        "recipient": {"name": row["recipient"], "uscc": row["recipient_uscc"]},
        "purpose": row["purpose"],
        "amount": row["amount"],
        "beneficiaries": row["beneficiaries"],
        "donations": None,
        "remark": row["remark"],
    }
    draft = Draft((row["campaign"],), "charity.disbursement.v1", row["number"], at_midnight(row["date"]), body)
    return [draft] if row["received"] is None else [draft, _beneficiary_receipt(row)]


def _beneficiary_receipt(row: Mapping[str, Any]) -> Draft:
    number = f"{row['number']}-QS"
    body = {
        "number": number,
        "date": row["received"],
        "campaign": row["campaign"],
        "disbursement": row["number"],
        "signer": row["signer"],
        "beneficiaries": row["beneficiaries"],
        "remark": None,
    }
    return Draft((row["campaign"],), "charity.beneficiary-receipt.v1", number, at_midnight(row["received"]), body)


DISBURSEMENTS = TableAdapter(
    name="charity-disbursements",
    title="项目拨付明细",
    columns=(
        Column("number", ("拨付编号",), text, ("/reference", "/body/number", "/body/disbursement")),
        Column("date", ("拨付日期",), date, ("/issued_at", "/body/date")),
        Column("campaign", ("项目名称", "慈善项目", "募捐项目"), text, ("/body/campaign",)),
        Column("recipient", ("受益方", "受助方", "受益人"), text, ("/body/recipient/name",)),
        Column(
            "recipient_uscc",
            ("受益方统一社会信用代码", "统一社会信用代码"),
            optional(text),
            ("/body/recipient/uscc",),
            must=False,
        ),
        Column("purpose", ("用途", "资金用途"), text, ("/body/purpose",)),
        Column("amount", ("金额(元)", "拨付金额(元)", "金额", "拨付金额"), amount, ("/debit", "/body/amount")),
        Column("beneficiaries", ("受益人数", "受益人次"), optional(count), ("/body/beneficiaries",), must=False),
        Column("received", ("签收日期",), optional(date)),
        Column("signer", ("签收人",), optional(text), ("/body/signer",), must=False),
        Column("remark", ("备注",), optional(text), ("/body/remark",), must=False),
    ),
    ledger_column="campaign",
    amount_column="amount",
    make=_disbursement,
)
"""Disbursements, reference 拨付编号; a row with 签收日期 also gives a beneficiary receipt, reference ``<编号>-QS``."""
