"""Answers out as a spreadsheet, and back: all of a sheet or none of it, and nobody's newer words overwritten."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from openpyxl import load_workbook

from core.errors import RuleBroken
from core.forms import tidy, tidy_line
from decisions import rules
from decisions.rules import Verdict
from decisions.worksheet import ToAnswer

COLUMNS = ("id", "people", "said", "verdict", "reasons", "version", "assigned_to")
NEEDED = ("id", "verdict", "reasons", "version")
MOST_ROWS = 5_000
MOST_UNPACKED = 20 * 1024 * 1024
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would calculate."""


@dataclass(frozen=True)
class Change:
    """What one row of a sheet would change."""

    key: str
    verdict: str
    reasons: str
    version: int

    @property
    def chosen(self) -> Verdict | None:
        return Verdict(self.verdict) if self.verdict else None


@dataclass(frozen=True)
class Mistake:
    """Why one row cannot be taken. The first row under the names is row 2."""

    row: int
    what: str


@dataclass(frozen=True)
class Checked:
    changes: list[Change]
    mistakes: list[Mistake]
    unchanged: int


def cells(rows: Iterable[ToAnswer]) -> list[list[str | int]]:
    """The sheet with its names on top."""
    table: list[list[str | int]] = [list(COLUMNS)]
    for row in rows:
        table.append([row.key, row.behind, row.about, row.verdict, row.reasons, row.version, row.assigned_to])
    return table


def as_xlsx(rows: Iterable[ToAnswer]) -> bytes:
    """Every text is written as text, so that none is calculated."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Answers")
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet.set_column(0, 0, 26, wrapped)
        sheet.set_column(2, 2, 60, wrapped)
        sheet.set_column(3, 3, 16, wrapped)
        sheet.set_column(4, 4, 80, wrapped)
        sheet.freeze_panes(1, 0)
        table = cells(rows)
        for down, line in enumerate(table):
            for across, cell in enumerate(line):
                if isinstance(cell, int):
                    sheet.write_number(down, across, cell)
                else:
                    sheet.write_string(down, across, cell)
        verdicts = {"validate": "list", "source": [str(verdict) for verdict in Verdict]}
        sheet.data_validation(1, 3, max(1, len(table) - 1), 3, verdicts)
    return file.getvalue()


def as_csv(rows: Iterable[ToAnswer]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([[guarded(str(cell)) for cell in line] for line in cells(rows)])
    return file.getvalue()


def guarded(cell: str) -> str:
    """As text, whatever it begins with."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def read(name: str, content: bytes) -> list[dict[str, str]]:
    """The rows of a sheet by the names on top. Raises RuleBroken where it is none that we can read."""
    try:
        table = _xlsx(content) if name.lower().endswith(".xlsx") else _csv(content)
    except (UnicodeDecodeError, csv.Error, zipfile.BadZipFile, KeyError, ValueError, OSError) as unreadable:
        raise RuleBroken(
            "This file cannot be read. Save it as .xlsx or as .csv (UTF-8).", field="sheet"
        ) from unreadable
    names = [tidy_line(cell).lower() for cell in table[0]] if table else []
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise RuleBroken(f"The first row has to name the columns. Missing: {', '.join(missing)}.", field="sheet")
    if len(table) > MOST_ROWS + 1:
        raise RuleBroken(f"A sheet can have {MOST_ROWS:,} rows at most.", field="sheet")
    return [dict(zip(names, line, strict=False)) for line in table[1:]]


def _csv(content: bytes) -> list[list[str]]:
    text = content.decode("utf-8-sig")
    first = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    return [[unguarded(cell) for cell in line] for line in lines]


def _xlsx(content: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
            raise RuleBroken("This spreadsheet is too large.", field="sheet")
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheet: Any = book.worksheets[0]
    lines = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=50, values_only=True)
    return [["" if cell is None else str(cell) for cell in line] for line in lines]


def check(sheet: Sequence[dict[str, str]], rows: Sequence[ToAnswer]) -> Checked:
    """What a sheet would change, and what is wrong with it, row by row."""
    known, seen = {row.key: row for row in rows}, set()
    changes, mistakes, unchanged = [], [], 0
    for number, line in enumerate(sheet, start=2):
        if not any(cell.strip() for cell in line.values()):
            continue
        key = tidy_line(line.get("id"))
        try:
            if key in seen:
                raise RuleBroken("This point stands in the sheet twice.")
            seen.add(key)
            change = _change(line, known.get(key))
        except RuleBroken as wrong:
            mistakes.append(Mistake(number, wrong.message))
            continue
        if change is None:
            unchanged += 1
        else:
            changes.append(change)
    return Checked(changes, mistakes, unchanged)


def _change(line: dict[str, str], row: ToAnswer | None) -> Change | None:
    if row is None:
        raise RuleBroken("There is no such point or comment to answer. Leave the id as it came.")
    verdict, reasons = _verdict(line.get("verdict", "")), tidy(line.get("reasons"))
    if (str(verdict or ""), reasons) == (row.verdict, row.reasons):
        return None
    version = tidy_line(line.get("version")).removesuffix(".0")
    if not version.isdecimal():
        raise RuleBroken("Leave the version as it came: it tells whether a colleague has been there meanwhile.")
    if version != str(row.version):
        by = row.written_by or "A colleague"
        raise RuleBroken(f"{by} has changed this answer since the sheet was taken. Take a new one, or change it there.")
    if verdict is not None or reasons:
        rules.check_answer(verdict, reasons)
    return Change(row.key, str(verdict or ""), reasons, row.version)


def _verdict(cell: str) -> Verdict | None:
    said = "_".join(tidy_line(cell).lower().replace("_", " ").split())
    if not said:
        return None
    if said not in set(Verdict):
        listed = ", ".join(str(verdict) for verdict in Verdict)
        raise RuleBroken(f"The verdict is one of: {listed}.")
    return Verdict(said)


def packed(changes: Iterable[Change]) -> str:
    """Changes as the page carries them from the preview to the confirmation."""
    return json.dumps([vars(change) for change in changes])


def unpacked(given: str | None) -> list[dict[str, str]]:
    """As the rows of a sheet, to be checked again: raises RuleBroken for what our page did not write."""
    try:
        listed = json.loads(given or "")
        return [
            {
                "id": str(c["key"]),
                "verdict": str(c["verdict"]),
                "reasons": str(c["reasons"]),
                "version": str(c["version"]),
            }
            for c in listed
        ]
    except (ValueError, TypeError, KeyError) as unreadable:
        raise RuleBroken("Bring the spreadsheet again.", field="sheet") from unreadable
