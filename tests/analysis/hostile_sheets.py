"""Sheets that no spreadsheet has saved."""

import io
import re
import zipfile

from openpyxl import Workbook

UNFOLDING = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, (b"&%c;" % (97 + n)) * 30) for n in range(7))
    + b"]><workbook>&h;</workbook>"
)
WORKBOOK, SHEET, STYLES = "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"


def _parts():
    book, file = Workbook(), io.BytesIO()
    book.active.append(["id", "verdict", "reasons", "version"])
    book.active.append(["point-1", "accept", "Because.", 0])
    book.save(file)
    with zipfile.ZipFile(file) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def a_sheet(change=None, **parts):
    """``parts`` by name, or None for one that is left out; ``change`` is a part, and what to do with it."""
    written, sound = io.BytesIO(), _parts()
    if change:
        sound[change[0]] = change[1](sound[change[0]])
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in (sound | parts).items():
            if content is not None:
                packed.writestr(name, content)
    return written.getvalue()


def _of_other_bytes(encoding):
    text = UNFOLDING.decode().replace("?>", f' encoding="{encoding}"?>', 1)
    return text.encode(encoding)


def _rows(cells):
    return lambda part: re.sub(rb"<sheetData>.*</sheetData>", b"<sheetData>%s</sheetData>" % cells, part, flags=re.S)


HOSTILE = {
    "unfolding": a_sheet(**{WORKBOOK: UNFOLDING}),
    "unfolding late": a_sheet(**{WORKBOOK: b"<?xml version='1.0'?><!--" + b"x" * 5_000 + b"-->" + UNFOLDING[21:]}),
    "unfolding in UTF-16": a_sheet(**{WORKBOOK: _of_other_bytes("UTF-16")}),
    "unfolding in UTF-7": a_sheet(**{WORKBOOK: _of_other_bytes("UTF-7")}),
    "unfolding strings": a_sheet(**{"xl/sharedStrings.xml": UNFOLDING}),
    "broken off": a_sheet(**{SHEET: b"<worksheet><sheetData><row"}),
    "no sheet": a_sheet(**{SHEET: None}),
    "no workbook": a_sheet(**{WORKBOOK: None}),
    "another workbook": a_sheet(**{WORKBOOK: b"<a/>"}),
    "no list of sheets": a_sheet(
        (WORKBOOK, lambda part: re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", part, flags=re.S))
    ),
    "a cell nowhere": a_sheet((SHEET, lambda part: part.replace(b'r="A1"', b'r="!!"'))),
    "a row nowhere": a_sheet((SHEET, lambda part: part.replace(b'<row r="1"', b'<row r="x"'))),
    "broken styles": a_sheet(**{STYLES: b"<x>"}),
    "no such day": a_sheet((SHEET, _rows(b'<row r="1"><c r="A1" t="d"><v>zz</v></c></row>'))),
    "no such text": a_sheet((SHEET, _rows(b'<row r="1"><c r="A1" t="s"><v>99999</v></c></row>'))),
    "no number": a_sheet((SHEET, _rows(b'<row r="1"><c r="A1" t="n"><v>zz</v></c></row>'))),
    "far too large": a_sheet(**{"xl/media/a.bin": b"\x00" * (51 * 1024 * 1024)}),
    "no zip": b"PK\x03\x04 and so on",
    "cut off": a_sheet()[:900],
    "spoilt": a_sheet()[:200] + b"\x00" * 40 + a_sheet()[240:],
}
