"""The rows of an XLSX file that a spreadsheet saved, and which of its cells say nothing that can be taken."""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from openpyxl import load_workbook
from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.utils.cell import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from core.errors import RuleBroken

_MOST_UNPACKED = 50 * 1024 * 1024
_MOST_PARTS = 500
_MOST_ACROSS = 200
_MOST_DOWN = 1_048_576
_NOT_UTF8 = re.compile(rb"\s*<\?xml[^>]*encoding\s*=\s*['\"](?!utf-8['\"])", re.IGNORECASE)
_TWO_BYTES_EACH = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_UNREADABLE = (
    InvalidFileException, TokenizerError, zipfile.BadZipFile, zlib.error, LookupError, ValueError, TypeError,
    SyntaxError, AttributeError, ArithmeticError, OSError,
)  # fmt: skip
"""What openpyxl is known to raise at a sheet that no spreadsheet has saved."""

_Cell = tuple[str, Any]
"""Its kind as openpyxl names it, and its value."""
_EMPTY: _Cell = ("n", None)


@dataclass(frozen=True)
class XlsxRows:
    rows: list[tuple[int, list[Any]]]
    """Those that hold something, each with its number in the sheet."""
    wrong: list[tuple[int, int, str]] = field(default_factory=list)
    """Row and column, both from 1, and what is wrong with the cell there."""
    note: str = ""


def xlsx_rows(content: bytes, most_rows: int) -> XlsxRows:
    """At most so many rows of the first sheet, as its spreadsheet worked them out."""
    has_formulas = _check_unpacks(content)
    try:
        names, cells = _cells(content, most_rows, worked_out=True)
        formulas = _cells(content, most_rows, worked_out=False)[1] if has_formulas else {}
    except _UNREADABLE:
        raise RuleBroken("This is not a sheet that can be read. Save it anew as .xlsx, or as .csv.") from None
    wrong = [
        (down, across, f"{get_column_letter(across)}{down} {why}")
        for down in sorted({*cells, *formulas})
        for across, cell in enumerate(zip_longest(cells.get(down, ()), formulas.get(down, ()), fillvalue=_EMPTY), 1)
        if (why := _why_wrong(*cell))
    ]
    note = f"Only the first sheet, {names[0]}, was read." if len(names) > 1 else ""
    return XlsxRows([(number, [value for _, value in row]) for number, row in cells.items()], wrong, note)


def _why_wrong(cell: _Cell, formula: _Cell) -> str:
    kind, value = cell
    if kind == "e":
        return f"holds the error {value}. Write there what it should say."
    if formula[0] == "f" and value is None and kind != "str":  # that is a formula which came to an empty text
        return "holds a formula that was never worked out. Save the file in a spreadsheet, or write what it comes to."
    return ""


def _cells(content: bytes, most_rows: int, *, worked_out: bool) -> tuple[list[str], dict[int, list[_Cell]]]:
    """The names of the sheets, and the cells of the first by the numbers of its rows."""
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=worked_out, keep_links=False)
    sheet: Worksheet = book.worksheets[0]
    rows: dict[int, list[_Cell]] = {}
    empty: Any = None
    for number, row in enumerate(sheet.iter_rows(max_row=_MOST_DOWN, max_col=_MOST_ACROSS), 1):
        if row is empty:  # the same one for all rows that the sheet leaves out, and there may be a million
            continue
        filled = next(
            (n for n in range(len(row), 0, -1) if row[n - 1].value is not None or row[n - 1].data_type == "str"), 0
        )
        if filled:
            rows[number] = [(cell.data_type, cell.value) for cell in row[:filled]]
        else:
            empty = row
        if len(rows) == most_rows:
            break
    return book.sheetnames, rows


def _check_unpacks(content: bytes) -> bool:
    """A small file can unpack to a very large one, and its XML can do so again. Returns whether any cell calculates."""
    has_formulas = False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
                raise RuleBroken("This sheet unpacks to far more than it should. Save its rows as .csv.")
            for part in parts:
                said = packed.read(part)
                _check_part(said)
                has_formulas = has_formulas or (part.filename.endswith(".xml") and bool(_FORMULA.search(said)))
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError, OSError):
        raise RuleBroken("This is not a sheet that can be read, or it has a password.") from None
    return has_formulas


def _check_part(part: bytes) -> None:
    """Nothing that unfolds as it is read, and nothing in an encoding in which that could hide."""
    if b"<!DOCTYPE" in part or part.startswith(_TWO_BYTES_EACH) or _NOT_UTF8.match(part[:1_000]):
        raise RuleBroken("This sheet is not as a spreadsheet saves it. Save it as .csv.")
