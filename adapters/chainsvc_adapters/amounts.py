"""Amounts: yuan as written become fen, exactly.

Money never meets float arithmetic: a number from a workbook is taken at the 15 significant digits that
the spreadsheet program itself keeps, as a decimal.
"""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Context, Decimal

from chainsvc_adapters.cells import EXCEL_DIGITS, CellRefused, is_number
from chainsvc_adapters.feeds.sheet import Cell

MAX_FEN = 2**53 - 1
"""Largest amount in fen that a record may have."""

_AMOUNT = re.compile(r"[¥]?(?P<yuan>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<cents>[0-9]{1,2}))?元?")
_EXACT = Context(prec=EXCEL_DIGITS, rounding=ROUND_HALF_EVEN)


def amount(cell: Cell) -> int:
    """Read an amount in yuan, return fen exactly.

    Thousands separators, full-width digits, ``¥`` before and ``元`` after it are understood.

    Raises:
        CellRefused: Empty, negative, more than two decimals, another text, or more than 2^53-1 fen.
    """
    if is_number(cell):
        fen = _fen_of_number(cell)
    else:
        fen = _fen_of_text(unicodedata.normalize("NFKC", cell) if isinstance(cell, str) else str(cell))
    if fen > MAX_FEN:
        raise CellRefused("the amount is too large (金额过大)", expected=f"at most {MAX_FEN} fen", got=str(cell))
    return fen


def _fen_of_text(text: str) -> int:
    match = _AMOUNT.fullmatch(re.sub(r"\s", "", text))
    if match is None:
        expected = "yuan with at most two decimals, not negative, like 1,234.56"
        raise CellRefused("not an amount (金额无法识别)", expected=expected, got=text[:40])
    return int(match["yuan"].replace(",", "")) * 100 + int((match["cents"] or "").ljust(2, "0"))


def _fen_of_number(number: float) -> int:
    """Take the decimal that the spreadsheet program shows: 0.1 + 0.2 is stored as 0.30000000000000004."""
    fen = _EXACT.create_decimal(repr(number)).scaleb(2)
    if not fen.is_finite() or fen < 0 or fen != fen.to_integral_value():
        expected = "yuan with at most two decimals, not negative"
        raise CellRefused("not an amount (金额无法识别)", expected=expected, got=str(number))
    if fen >= Decimal(10**EXCEL_DIGITS):
        fault = "a number this large has lost its fen (数值过大,分位已丢失)"
        raise CellRefused(fault, got=str(number), hint="Format the column as text.")
    return int(fen)
