"""The rows of a CSV file as whoever saved it meant them: its encoding, what stands between its cells, its quotes."""

import csv
import io
import re
from dataclasses import dataclass
from itertools import count

from core.errors import RuleBroken

UTF_8, UTF_16, WINDOWS = "UTF-8", "UTF-16", "Windows text (cp1252)"
_BETWEEN = {",": "commas", ";": "semicolons", "\t": "tabs"}
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_NOT_SAID = "It cannot be told in which encoding this file is. Save it as CSV in UTF-8, or as .xlsx."


@dataclass(frozen=True)
class CsvRows:
    rows: list[tuple[int, list[str]]]
    """Those that hold something, each with its number in the file."""
    encoding: str
    separator: str

    @property
    def between(self) -> str:
        return _BETWEEN[self.separator]


def csv_rows(content: bytes, most_rows: int) -> CsvRows:
    """At most so many rows. Raises RuleBroken for what would read as something else than was written."""
    text, encoding = decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_BETWEEN, key=first.count)
    # Strictly, as otherwise one quotation mark that is not closed swallows the rows after it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    for number in count(1):
        begins = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise RuleBroken(_unreadable(number, begins, error)) from None
        if any(cell.strip() for cell in row):
            rows.append((number, row))
        if len(rows) == most_rows:
            break
    return CsvRows(rows, encoding, separator)


def _unreadable(row: int, line: int, error: csv.Error) -> str:
    why = "a quotation mark in it is never closed, or stands alone within a text, where it is written twice"
    if "limit" in str(error):
        why = "one of its cells is far too long. Perhaps a quotation mark in it is never closed"
    return f"Row {row}, which begins on line {line} of the file, cannot be read: {why}."


def decoded(content: bytes, *, guess: bool = True) -> tuple[str, str]:
    """The text, and the encoding it was read as. ``guess`` takes what is not Unicode for the text of older Windows."""
    said = UTF_16 if content.startswith((b"\xff\xfe", b"\xfe\xff")) else UTF_8
    try:
        text = content.decode("utf-16" if said == UTF_16 else "utf-8-sig")
    except UnicodeDecodeError:
        if said == UTF_16 or not guess:
            raise RuleBroken(_NOT_SAID) from None
        return _as_windows(content), WINDOWS
    if "\x00" in text:  # two bytes a letter, and no mark that says so
        raise RuleBroken(_NOT_SAID)
    return text, said


def _as_windows(content: bytes) -> str:
    """A wrong guess shows in characters that nobody types."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise RuleBroken(_NOT_SAID) from None
    if _NO_TEXT.search(text):
        raise RuleBroken(_NOT_SAID)
    return text
