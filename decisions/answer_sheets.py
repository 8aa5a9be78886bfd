"""Answers out as a spreadsheet, and back: all of a sheet or none of it, and nobody's newer words overwritten."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import xlsxwriter

from analysis.tables import BEYOND, Table, read_table
from core.errors import RuleBroken
from core.forms import tidy, tidy_line
from decisions import rules
from decisions.rules import Verdict
from decisions.worksheet import ToAnswer

COLUMNS = ("id", "people", "said", "verdict", "reasons", "version", "assigned_to")
NEEDED = ("id", "verdict", "reasons", "version")
MOST_ROWS = 5_000
_CALCULATED = re.compile(r"'*[=+@\t\r-]")
"""How a cell begins that a spreadsheet would calculate, or that was kept from it by a quote."""


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
    return f"'{cell}" if _CALCULATED.match(cell) else cell


def unguarded(cell: str) -> str:
    """What was guarded, whatever it was: one quote less than it came with."""
    return cell[1:] if cell.startswith("'") and _CALCULATED.match(cell) else cell


def read(name: str, content: bytes) -> Table:
    """A sheet that comes back. Raises RuleBroken where it is none."""
    table = read_table(name, content, kinds=("csv", "xlsx"), most_rows=MOST_ROWS, field="sheet")
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise RuleBroken(f"The first row has to name the columns. Missing: {', '.join(missing)}.", field="sheet")
    if not name.lower().endswith(".csv"):
        return table
    if table.is_guessed:
        raise RuleBroken("This file is not in UTF-8. Save it as .xlsx, or as .csv in UTF-8.", field="sheet")
    rows = [(number, {name: unguarded(cell) for name, cell in line.items()}) for number, line in table.rows]
    return replace(table, rows=rows)


def check(sheet: Table, rows: Sequence[ToAnswer]) -> Checked:
    """What a sheet would change, and what is wrong with it, row by row."""
    known, seen = {row.key: row for row in rows}, set()
    changes, unchanged = [], 0
    mistakes = [Mistake(one.row, f"{one.column}: {one.message}") for one in sheet.wrong]
    misread = {one.row for one in sheet.wrong if one.column != BEYOND}
    for number, line in sheet.rows:
        key = tidy_line(line.get("id"))
        if number in misread:
            continue
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
    return Checked(changes, sorted(mistakes, key=lambda one: one.row), unchanged)


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
