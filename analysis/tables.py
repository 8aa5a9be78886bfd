"""Reading a table of rows out of a CSV, XLSX or JSON file that somebody sent, within limits, as plain text."""

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import RuleBroken
from core.forms import tidy, tidy_line

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 2_000
MOST_COLUMNS = 50
_MOST_UNPACKED = 50 * 1024 * 1024
_MOST_PARTS = 500
KINDS = ("csv", "xlsx", "json")
_NOT_UTF8 = re.compile(rb"\s*<\?xml[^>]*encoding\s*=\s*['\"](?!utf-8['\"])", re.IGNORECASE)
_TWO_BYTES_EACH = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    """Each with the number under which its sender finds it: the line of the sheet, or its place in the list."""
    note: str = ""
    """What whoever sent it should know of how it was read."""


def read_table(
    name: str, content: bytes, *, kinds: Sequence[str] = KINDS, most_rows: int = MOST_ROWS, field: str = "file"
) -> Table:
    """By the ending of the file's name. Raises RuleBroken, about ``field``, with what to send instead."""
    try:
        return _read(name.rpartition(".")[2].lower(), content, kinds, most_rows)
    except RuleBroken as error:
        raise RuleBroken(error.message, field=field) from error


def _read(kind: str, content: bytes, kinds: Sequence[str], most_rows: int) -> Table:
    if kind not in kinds:
        endings = " or ".join((", ".join(f".{each}" for each in kinds[:-1]), f".{kinds[-1]}"))
        raise RuleBroken(f"Send a file whose name ends in {endings}.")
    if len(content) > MOST_BYTES:
        raise RuleBroken("The file is larger than 5 MB. Send it in parts.")
    if kind == "json":
        table = _json(content)
    else:
        table = _csv(content, most_rows) if kind == "csv" else _xlsx(content, most_rows)
    if not table.rows:
        raise RuleBroken("There are no rows in this file under the names of the columns.")
    if len(table.rows) > most_rows:
        raise RuleBroken(f"The file has more than {most_rows:,} rows. Send it in parts.")
    return table


def _csv(content: bytes, most_rows: int) -> Table:
    note = ""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
        note = "The file is not in UTF-8. It was read as Windows text (cp1252): check accents and pound signs."
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = []
    try:
        for row in csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=separator):
            rows.append(row[: MOST_COLUMNS + 1])
            if len(rows) > most_rows + 1_000:
                break
    except csv.Error as error:
        raise RuleBroken(f"Row {len(rows) + 1} of the file cannot be read ({error}).") from None
    return _table(rows, note)


def _xlsx(content: bytes, most_rows: int) -> Table:
    _check_unpacks(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        rows = [
            list(row) for row in sheet.iter_rows(max_row=most_rows + 1_000, max_col=MOST_COLUMNS + 1, values_only=True)
        ]
    except _UNREADABLE:
        raise RuleBroken("This is not a sheet that can be read. Save it anew as .xlsx, or as .csv.") from None
    more = f"Only the first sheet, {book.sheetnames[0]}, was read." if len(book.sheetnames) > 1 else ""
    return _table(rows, more)


_UNREADABLE = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, LookupError, ValueError, TypeError, SyntaxError,
    AttributeError, ArithmeticError, OSError,
)  # fmt: skip
"""What openpyxl is known to raise at a sheet that no spreadsheet has saved."""


def _check_unpacks(content: bytes) -> None:
    """A small file can unpack to a very large one, and its XML can do so again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
                raise RuleBroken("This sheet unpacks to far more than it should. Save its rows as .csv.")
            for part in parts:
                _check_part(packed.read(part))
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError, OSError):
        raise RuleBroken("This is not a sheet that can be read, or it has a password.") from None


def _check_part(part: bytes) -> None:
    """Nothing that unfolds as it is read, and nothing in an encoding in which that could hide."""
    if b"<!DOCTYPE" in part or part.startswith(_TWO_BYTES_EACH) or _NOT_UTF8.match(part[:1_000]):
        raise RuleBroken("This sheet is not as a spreadsheet saves it. Save it as .csv.")


def _json(content: bytes) -> Table:
    try:
        said = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise RuleBroken("This is not JSON in UTF-8.") from None
    if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
        raise RuleBroken("The file has to be one list of objects, each with the columns as names.")
    for number, row in enumerate(said, 1):
        for name, value in row.items():
            if not all(isinstance(each, _PLAIN) for each in (value if isinstance(value, list) else [value])):
                raise RuleBroken(f"Row {number}, {name[:60]}: write a text or a number there, or a list of them.")
    columns = list(dict.fromkeys(name for row in said for name in row))[: MOST_COLUMNS + 1]
    rows = [(number, {_name(name): _text(value) for name, value in row.items()}) for number, row in enumerate(said, 1)]
    return Table([_name(column) for column in columns], rows)


_PLAIN = (str, int, float, type(None))


def _table(rows: list[list[Any]], note: str) -> Table:
    """The first row that is not empty names the columns; empty rows are passed over."""
    numbered = [(number, [_text(cell) for cell in row]) for number, row in enumerate(rows, 1)]
    full = [(number, row) for number, row in numbered if any(row)]
    if not full:
        return Table([], [], note)
    columns = [_name(cell) for cell in full[0][1]]
    while columns and not columns[-1]:
        columns.pop()
    return Table(columns, [(number, dict(zip(columns, row, strict=False))) for number, row in full[1:]], note)


def _name(column: str) -> str:
    return tidy_line(column).lower().replace(" ", "_")[:60]


def _text(value: Any) -> str:
    """A cell as it would be typed: days as 2026-03-01, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return "; ".join(_text(each) for each in value)
    return tidy(str(value))
