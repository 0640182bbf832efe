"""Marriage registrations, divorces and reissued certificates of one export.

Ledger keys, the most particular first: office and year (``南通市崇川区民政局 2026``), the office, the year.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from chainsvc_adapters.adapter import TableAdapter
from chainsvc_adapters.cells import choice, citizen_number, optional, text
from chainsvc_adapters.columns import Column
from chainsvc_adapters.days import date
from chainsvc_adapters.drafts import Draft, at_midnight

_SCHEMAS = {
    "结婚登记": "marriage.registration.v1",
    "离婚登记": "marriage.divorce.v1",
    "补领结婚证": "marriage.reissue.v1",
    "补领离婚证": "marriage.reissue.v1",
}
_ELSEWHERE: Mapping[str, Mapping[str, Any]] = {
    "marriage.divorce.v1": {"registration": {"ledger": None, "seq": None, "commitment": None}},
}
"""An export names the marriage by its certificate number, within the same ledger."""


def _registration(row: Mapping[str, Any]) -> Sequence[Draft]:
    schema = row["type"]
    body = {
        "certificate": {"number": row["number"], "previous": row["previous"]},
        "date": row["date"],
        "office": {"name": row["office"], "region": row["region"]},
        "husband": {"name": row["husband"], "citizen_number": row["husband_number"]},
        "wife": {"name": row["wife"], "citizen_number": row["wife_number"]},
        "nationality": row["nationality"],
        "remark": row["remark"],
        **_ELSEWHERE.get(schema, {}),
    }
    year = row["date"][:4]
    keys = (f"{row['office']} {year}", row["office"], year)
    return [Draft(keys, schema, row["number"], at_midnight(row["date"]), body)]


def _party(key: str, word: str) -> tuple[Column, Column]:
    body = f"/body/{key}"
    return (
        Column(key, (f"{word}姓名",), text, (f"{body}/name",)),
        Column(
            f"{key}_number",
            (f"{word}身份证号", f"{word}身份证号码", f"{word}公民身份号码", f"{word}身份证件号"),
            citizen_number,
            (f"{body}/citizen_number",),
            citizen=True,
        ),
    )


REGISTRATIONS = TableAdapter(
    name="marriage-registrations",
    title="婚姻登记",
    columns=(
        Column("number", ("证字号", "婚姻登记证字号"), text, ("/reference", "/body/certificate/number")),
        Column("type", ("业务类型", "登记类型"), choice(_SCHEMAS), ("/schema",)),
        Column("date", ("登记日期",), date, ("/issued_at", "/body/date")),
        Column("office", ("登记机关",), text, ("/body/office/name",)),
        Column(
            "region",
            ("登记机关行政区划代码", "行政区划代码"),
            optional(text),
            ("/body/office/region",),
            must=False,
        ),
        *_party("husband", "男方"),
        *_party("wife", "女方"),
        Column("nationality", ("国籍",), text, ("/body/nationality",)),
        Column("previous", ("原证字号",), optional(text), ("/body/certificate/previous",)),
        Column("remark", ("备注",), optional(text), ("/body/remark",), must=False),
    ),
    ledger_column="office",
    amount_column=None,
    make=_registration,
)
"""One record a row, reference 证字号. Annulments and judgments name a decision: this form has no column for it."""
