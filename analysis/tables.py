"""Reading a table of rows out of a CSV, XLSX or JSON file that somebody sent, within limits, as plain text."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from math import isfinite
from typing import Any, NoReturn

from analysis.csv_files import WINDOWS, CsvRows, csv_rows, decoded
from analysis.xlsx_files import xlsx_rows
from core.errors import RuleBroken
from core.forms import tidy, tidy_line

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 2_000
MOST_COLUMNS = 50
KINDS = ("csv", "xlsx", "json")
BEYOND = "beyond the columns"


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one cell, and what to write there instead. In row 0 it is the column that is wrong."""

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"Row {self.row}, {self.column}: {self.message}" if self.row else f"{self.column} {self.message}"


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    """Each with the number under which its sender finds it: the line of the sheet, or its place in the list."""
    wrong: list[Wrong] = field(default_factory=list)
    """Cells that say nothing which can be taken, or belong to no column: while there are any, nothing may be taken."""
    note: str = ""
    """What whoever sent it should know of how it was read."""
    read_as: str = ""
    """How the file was taken to be written, such as UTF-8, with commas between the columns."""
    is_guessed: bool = False
    """Whether its encoding could only be guessed."""


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
    table = {"csv": _csv, "xlsx": _xlsx, "json": _json}[kind](content, most_rows)
    if len(table.columns) > MOST_COLUMNS:
        raise RuleBroken(f"The file has more than {MOST_COLUMNS} columns.")
    if not table.rows and not table.wrong:
        raise RuleBroken("There are no rows in this file under the names of the columns.")
    if len(table.rows) > most_rows:
        raise RuleBroken(f"The file has more than {most_rows:,} rows. Send it in parts.")
    return table


def _csv(content: bytes, most_rows: int) -> Table:
    found = csv_rows(content, most_rows + 2)
    table = _table(found.rows, f"Put a text with {found.between} in it between quotation marks.")
    notes = [f"The file is not in UTF-8. It was read as {WINDOWS}: check accents and pound signs."]
    return replace(
        table,
        note=" ".join((notes if found.encoding == WINDOWS else []) + _perhaps_swallowed(found)),
        is_guessed=found.encoding == WINDOWS,
        read_as=f"{found.encoding}, with {found.between} between the columns",
    )


def _perhaps_swallowed(found: CsvRows) -> list[str]:
    """Two quotation marks at the wrong places make one text of several rows, which no reader can tell from a letter."""
    rows = [
        str(number) for number, cells in found.rows if any("\n" in cell and found.separator in cell for cell in cells)
    ]
    if not rows:
        return []
    which = ", ".join(rows[:10]) + (f" and {len(rows) - 10} more" if len(rows) > 10 else "")
    return [
        f"Check row{'s' if len(rows) > 1 else ''} {which}: a text there runs over several lines and holds "
        f"{found.between}. Where that was meant to be several rows, a quotation mark stands at the wrong place."
    ]


def _xlsx(content: bytes, most_rows: int) -> Table:
    found = xlsx_rows(content, most_rows + 2)
    table = _table(found.rows, "Name its column in the first row, or empty the cell.", found.wrong)
    return replace(table, note=found.note)


def _table(
    rows: Sequence[tuple[int, Sequence[Any]]], surplus: str, wrong: Sequence[tuple[int, int, str]] = ()
) -> Table:
    """The first row that is not empty names the columns. ``surplus`` is what to do with a cell under none."""
    if not rows:
        return Table([], [])
    head, names = rows[0][0], [_name(_text(cell)) for cell in rows[0][1]]
    for at_row, _, message in wrong:
        if at_row <= head:
            raise RuleBroken(message)
    _check_named_once(names)
    kept, misread = [], []
    for number, row in rows[1:]:
        cells = [_text(cell) for cell in row]
        kept.append((number, dict(zip(names, cells, strict=False))))
        for cell in (cell for at, cell in enumerate(cells) if cell and not _at(names, at)):
            misread.append(Wrong(number, BEYOND, f"“{cell[:60]}” stands under no column. {surplus}"))
    misread += [Wrong(at_row, _at(names, across - 1) or BEYOND, message) for at_row, across, message in wrong]
    columns = [name for name in names if name]
    return Table(columns, kept, sorted(misread, key=lambda one: one.row))


def _at(names: Sequence[str], place: int) -> str:
    return names[place] if place < len(names) else ""


def _check_named_once(names: Sequence[str]) -> None:
    for name, times in Counter(name for name in names if name).items():
        if times > 1:
            raise RuleBroken(f"{times} columns are called “{name}”. Give each a name of its own, or take one out.")


def _json(content: bytes, most_rows: int) -> Table:
    try:
        text, encoding = decoded(content, guess=False)
        said = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_no_number)
    except (ValueError, RecursionError, RuleBroken):
        raise RuleBroken("This is not JSON in UTF-8.") from None
    if not _is_list(said) or not all(isinstance(row, _Pairs) for row in said):
        raise RuleBroken("The file has to be one list of objects, each with the columns as names.")
    rows, misread = [], []
    for number, row in enumerate(said[: most_rows + 1], 1):
        names = [_name(name) for name, _ in row]
        for name in (name for name, times in Counter(names).items() if times > 1):
            misread.append(Wrong(number, name, "stands in it twice."))
        cells = {}
        for name, (_, value) in zip(names, row, strict=True):
            is_plain = all(_is_plain(each) for each in (value if _is_list(value) else [value]))
            cells[name] = _text(value) if is_plain else ""
            if not is_plain:
                misread.append(Wrong(number, name, "write a text or a number there, or a list of them."))
        rows.append((number, cells))
    columns = list(dict.fromkeys(name for _, row in rows for name in row))
    return Table(columns, rows, misread, read_as=encoding)


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with names that stand in it twice."""


def _no_number(written: str) -> NoReturn:
    raise ValueError(f"{written} is no number.")


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, _Pairs)


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return value is None or isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _name(column: str) -> str:
    return tidy_line(column).lower().replace(" ", "_")[:60]


def _text(value: Any) -> str:
    """A cell as it would be typed: days as 2026-03-01, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if _is_list(value):
        return "; ".join(_text(each) for each in value)
    return tidy(str(value))
