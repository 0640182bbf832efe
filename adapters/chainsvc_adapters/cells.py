"""One cell becomes one value, or is refused with a reason a clerk understands. All functions are pure.

Amounts and days have modules of their own.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TypeGuard, TypeVar

from chainsvc.errors import InputRefused
from chainsvc.schemas.formats import citizen_number_fault
from chainsvc_adapters.feeds.sheet import Cell

T = TypeVar("T")

EXCEL_DIGITS = 15
"""Significant digits that spreadsheet programs keep (IEEE 754 double, as Excel's specification states)."""

_COUNT = re.compile(r"(?P<count>[0-9]{1,10})(?:人|名|人次|户)?")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{1,2}")
_CUT_CARD = re.compile(r"[0-9]{15}0000")
_FORCED_TEXT = re.compile(r'="(?P<text>[^"]*)"')
_GUARDED = re.compile(r"'(?=[=+\-@]|[0-9]{10})")


class CellRefused(InputRefused):
    """A cell that can't be read as what its column holds."""

    code = "cell-refused"


def clean(cell: Cell) -> tuple[Cell, str | None]:
    """Return the cell as meant, and a note where its characters were changed to NFC.

    Taken off: blanks around it, the ``="…"`` and the leading apostrophe that force a spreadsheet
    program to keep text.
    """
    if not isinstance(cell, str):
        return cell, None
    text = cell.strip()
    text = text[1:] if _GUARDED.match(text) else text
    if match := _FORCED_TEXT.fullmatch(text):
        text = match["text"].strip()
    composed = unicodedata.normalize("NFC", text)
    return composed, None if composed == text else _change(text, composed)


def _change(before: str, after: str) -> str:
    """Name the code points that went and came; in a text that holds both already, only their order changed."""
    went, came = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    return f"NFC: {_points(went) or 'marks'} became {_points(came) or 'what the text has elsewhere'}"


def _points(characters: list[str]) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in characters)


def is_blank(cell: Cell) -> bool:
    """Whether there is nothing in a cleaned cell."""
    return cell == ""


def optional(read: Callable[[Cell], T]) -> Callable[[Cell], T | None]:
    """Make a reader that gives None for an empty cell."""
    return lambda cell: None if is_blank(cell) else read(cell)


def text(cell: Cell) -> str:
    """Read a text; a whole number of at most 15 digits counts as its digits.

    Raises:
        CellRefused: Empty, longer than a number keeps, or a date.
    """
    if is_blank(cell):
        raise CellRefused("empty (不能为空)", expected="a text")
    if isinstance(cell, str):
        return cell
    if is_number(cell):
        if not abs(cell) < 10**EXCEL_DIGITS:  # also what is no number at all
            raise _damaged()
        if cell == int(cell):
            return str(int(cell))
    raise CellRefused("not a text (应为文本)", expected="a text", got=str(cell))


def digits(cell: Cell) -> str:
    """Return a text, or a whole number's digits, with full-width characters made plain.

    Raises:
        CellRefused: Not a whole number, or longer than a number keeps.
    """
    if is_number(cell):
        return text(cell)
    return unicodedata.normalize("NFKC", cell) if isinstance(cell, str) else str(cell)


def count(cell: Cell) -> int:
    """Read a number of people, ``127``, ``127.0`` of a workbook, or ``127人``.

    Raises:
        CellRefused: Anything else.
    """
    match = _COUNT.fullmatch(digits(cell)) if not isinstance(cell, bool) else None
    if match is None:
        raise CellRefused("not a number of people (人数无法识别)", expected="a whole number", got=str(cell)[:40])
    return int(match["count"])


def choice(options: Mapping[str, T]) -> Callable[[Cell], T]:
    """Make a reader that takes one of the texts and gives what stands for it."""

    def read(cell: Cell) -> T:
        written = text(cell)
        if written not in options:
            expected = "one of " + "、".join(options)
            raise CellRefused("not an allowed value (取值不在允许范围)", expected=expected, got=written[:40])
        return options[written]

    return read


def citizen_number(cell: Cell) -> str:
    """Read a citizen number; a small x becomes the capital one.

    Raises:
        CellRefused: Empty, damaged by a spreadsheet program, which keeps 15 of the 18 digits, or with a
            wrong birth date or check character. The reason never repeats the number.
    """
    written = unicodedata.normalize("NFKC", text(cell)).replace(" ", "").upper()
    if is_damaged(written):
        raise _damaged()
    if fault := citizen_number_fault(written):
        raise CellRefused(fault, expected="like 11010519491231002X", got=f"a text of {len(written)} characters")
    return written


def account(cell: Cell) -> str:
    """Read a bank account without its blanks.

    Raises:
        CellRefused: Empty, or damaged by a spreadsheet program.
    """
    written = unicodedata.normalize("NFKC", text(cell)).replace(" ", "")
    if _SCIENTIFIC.fullmatch(written) or (_CUT_CARD.fullmatch(written) and not _is_card(written)):
        raise _damaged()
    return written


def _is_card(number: str) -> bool:
    """Check digit of a bank card: ISO/IEC 7812-1 annex B (Luhn)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0


def is_damaged(cell: Cell) -> bool:
    """Whether a cell held a citizen number that a spreadsheet program cut to 15 digits.

    Certain for a number above 15 digits and for scientific notation; for 18 digits that end in 000
    it is certain when the check character is wrong.
    """
    if is_number(cell):
        return not abs(cell) < 10**EXCEL_DIGITS
    if not isinstance(cell, str):
        return False
    return bool(_SCIENTIFIC.fullmatch(cell)) or (may_be_damaged(cell) and citizen_number_fault(cell) is not None)


def may_be_damaged(cell: Cell) -> bool:
    """Whether a cell has 18 digits that end in 000, as one in a thousand true citizen numbers has too."""
    return isinstance(cell, str) and len(cell) == 18 and cell.isdecimal() and cell.endswith("000")  # noqa: PLR2004


def _damaged() -> CellRefused:
    return CellRefused(
        "a number of more than 15 digits was damaged by the spreadsheet program (长数字被表格软件截断)",
        expected="all digits as text",
        hint="Format the column as text, export it again from the business system.",
    )


def is_number(cell: Cell) -> TypeGuard[float]:
    """Whether a workbook holds the cell as a number."""
    return isinstance(cell, int | float) and not isinstance(cell, bool)
