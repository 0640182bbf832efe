"""Monthly payment rolls, such as those of the two disability subsidies.

Ledger key: programme and month, ``重度残疾人护理补贴 2026-09``; then the programme alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from chainsvc_adapters.adapter import TableAdapter
from chainsvc_adapters.amounts import amount
from chainsvc_adapters.cells import account, citizen_number, optional, text
from chainsvc_adapters.columns import Column
from chainsvc_adapters.days import date, month
from chainsvc_adapters.drafts import Draft, at_midnight


def _payment(row: Mapping[str, Any]) -> Sequence[Draft]:
    body = {
        "number": row["number"],
        "programme": row["programme"],
        "month": row["month"],
        "region": row["region"],
        "person": {"name": row["name"], "citizen_number": row["citizen_number"]},
        "category": row["category"],
        "amount": row["amount"],
        "account": row["account"],
        "channel": row["channel"],
        "approved_on": row["approved_on"],
        "paid_on": row["paid_on"],
        "remark": row["remark"],
    }
    keys = (f"{row['programme']} {row['month']}", row["programme"])
    # A roll names the month it pays for, not always the day: then its first day stands for it.
    day = row["paid_on"] or f"{row['month']}-01"
    return [Draft(keys, "subsidy.payment.v1", f"{row['month']}-{row['number']}", at_midnight(day), body)]


PAYMENTS = TableAdapter(
    name="subsidy-payments",
    title="补贴发放花名册",
    columns=(
        Column("number", ("序号", "编号"), text, ("/reference", "/body/number")),
        Column("name", ("姓名", "补贴对象", "补贴对象姓名"), text, ("/body/person/name",)),
        Column(
            "citizen_number",
            ("身份证号", "身份证号码", "公民身份号码"),
            citizen_number,
            ("/body/person/citizen_number",),
            citizen=True,
        ),
        Column("category", ("残疾等级", "类别", "等级", "补贴类别"), optional(text), ("/body/category",), must=False),
        Column("programme", ("补贴项目", "补贴种类"), text, ("/body/programme",)),
        Column("month", ("补贴月份", "发放月份"), month, ("/issued_at", "/body/month")),
        Column("region", ("行政区划代码",), optional(text), ("/body/region",), must=False),
        Column("amount", ("补贴金额(元)", "金额(元)", "补贴金额", "发放金额(元)"), amount, ("/debit", "/body/amount")),
        Column("account", ("银行账号", "银行卡号", "账号"), optional(account), ("/body/account",)),
        Column("channel", ("发放方式", "发放渠道"), optional(text), ("/body/channel",), must=False),
        Column("approved_on", ("审批日期",), optional(date), ("/body/approved_on",), must=False),
        Column("paid_on", ("发放日期",), optional(date), ("/body/paid_on",), must=False),
        Column("remark", ("备注",), optional(text), ("/body/remark",), must=False),
    ),
    ledger_column="programme",
    amount_column="amount",
    make=_payment,
)
"""One record a row, reference ``<month>-<序号>`` in the ledger of its programme and month."""
