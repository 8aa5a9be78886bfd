"""Reading a table of rows out of a CSV, XLSX or JSON file that somebody sent, within limits, as plain text."""

import csv
import io
import json
import zipfile
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


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    """Each with the number under which its sender finds it: the line of the sheet, or its place in the list."""
    note: str = ""
    """What whoever sent it should know of how it was read."""


def read_table(name: str, content: bytes) -> Table:
    """By the ending of the file's name. Raises RuleBroken with what to send instead."""
    kind = name.rpartition(".")[2].lower()
    if kind not in KINDS:
        raise RuleBroken("Send a file whose name ends in .csv, .xlsx or .json.", field="file")
    if len(content) > MOST_BYTES:
        raise RuleBroken("The file is larger than 5 MB. Send it in parts.", field="file")
    table = {"csv": _csv, "xlsx": _xlsx, "json": _json}[kind](content)
    if not table.rows:
        raise RuleBroken("There are no rows in this file under the names of the columns.", field="file")
    if len(table.rows) > MOST_ROWS:
        raise RuleBroken(f"The file has more than {MOST_ROWS:,} rows. Send it in parts.", field="file")
    return table


def _csv(content: bytes) -> Table:
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
            if len(rows) > MOST_ROWS + 1_000:
                break
    except csv.Error as error:
        raise RuleBroken(f"Row {len(rows) + 1} of the file cannot be read ({error}).", field="file") from None
    return _table(rows, note)


def _xlsx(content: bytes) -> Table:
    _check_unpacks(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        rows = [
            list(row) for row in sheet.iter_rows(max_row=MOST_ROWS + 1_000, max_col=MOST_COLUMNS + 1, values_only=True)
        ]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError, TypeError, SyntaxError):
        raise RuleBroken("This is not a sheet that can be read. Save it anew as .xlsx, or as .csv.", "file") from None
    more = f"Only the first sheet, {book.sheetnames[0]}, was read." if len(book.sheetnames) > 1 else ""
    return _table(rows, more)


def _check_unpacks(content: bytes) -> None:
    """A small file can unpack to a very large one, and its XML can do so again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_UNPACKED:
                raise RuleBroken("This sheet unpacks to far more than it should. Save its rows as .csv.", field="file")
            for part in parts:
                if b"<!DOCTYPE" in packed.read(part)[:4096]:
                    raise RuleBroken("This sheet is not as a spreadsheet saves it. Save it as .csv.", field="file")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError):
        raise RuleBroken("This is not a sheet that can be read, or it has a password.", field="file") from None


def _json(content: bytes) -> Table:
    try:
        said = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise RuleBroken("This is not JSON in UTF-8.", field="file") from None
    if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
        raise RuleBroken("The file has to be one list of objects, each with the columns as names.", field="file")
    columns = list(dict.fromkeys(name for row in said for name in row))[: MOST_COLUMNS + 1]
    rows = [(number, {_name(name): _text(value) for name, value in row.items()}) for number, row in enumerate(said, 1)]
    return Table([_name(column) for column in columns], rows)


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
