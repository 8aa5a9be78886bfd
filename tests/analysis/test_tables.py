"""A table is read as whoever saved it meant it, or the cell is named that cannot be: nothing of it is lost unseen."""

import csv
import io
import json
import time

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tables import BEYOND, read_table
from core.errors import RuleBroken
from core.forms import tidy
from tests.analysis.hostile_sheets import SHEET, a_sheet


def a_csv(text, encoding="utf-8"):
    return read_table("a.csv", text.encode(encoding))


def an_xlsx(*rows, more=None):
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    if more:
        more(book.active)
    book.save(file)
    return read_table("a.xlsx", file.getvalue())


def cells(table):
    return [list(row.values()) for _, row in table.rows]


def told(table):
    return [str(one) for one in table.wrong]


def test_a_comma_in_a_text_without_quotation_marks_is_an_error_of_its_row_and_cuts_nothing_off():
    table = a_csv("how,text\nletter,We support the rule, but only if fees are dropped\nletter,Sound\n")
    assert told(table) == [
        f"Row 2, {BEYOND}: “but only if fees are dropped” stands under no column. "
        "Put a text with commas in it between quotation marks."
    ]
    assert a_csv("how,text\nletter,Sound,,\n").wrong == [], "nothing is lost of what is empty"


def test_a_cell_of_a_sheet_under_no_column_is_an_error_of_its_row_however_far_out():
    table = an_xlsx(
        ["how", "text", None, "more"], ["letter", "Sound", "under none"], [*["letter"] * 4, *[""] * 90, "x"]
    )
    assert [(one.row, one.column) for one in table.wrong] == [(2, BEYOND), (3, BEYOND), (3, BEYOND)]
    assert table.columns == ["how", "text", "more"]


@pytest.mark.parametrize(
    "text",
    [
        'how,text\nletter,Sound\nletter,"We support it\nletter,One\nletter,Two\n',
        'how,text\nletter,Sound\nletter,"We support it\nletter,One\nletter,"Two, and three"\n',
        'how,text\nletter,Sound\nletter,"We "support" it"\nletter,One\n',
    ],
)
def test_a_quotation_mark_that_is_not_closed_swallows_no_row(text):
    with pytest.raises(RuleBroken, match="Row 3, which begins on line 3 of the file, cannot be read: a quotation mark"):
        a_csv(text)


def test_a_text_that_may_have_swallowed_a_row_is_pointed_at_before_it_is_taken():
    swallowed = (
        'text,kind\n"We support,business\nsecond",charity\n"One line, with a comma",public\n"Two\nlines",public\n'
    )
    assert a_csv(swallowed).note.startswith("Check row 2: a text there runs over several lines and holds commas.")
    assert a_csv('text,kind\n"One line, with a comma",public\n"Two\nlines",public\n').note == ""


def test_the_row_is_named_in_which_a_quotation_mark_was_opened_and_not_where_the_file_ends():
    text = 'how,text\nletter,"On\nthree\nlines"\nletter,"' + "never closed\n" * 20_000
    with pytest.raises(RuleBroken, match=r"Row 3, which begins on line 5 .* far too long. Perhaps a quotation mark"):
        a_csv(text)


@given(st.lists(st.lists(st.text(st.sampled_from("a'\",;\n\t é£") | st.characters()), min_size=2, max_size=2)))
def test_whatever_is_written_as_csv_is_read_as_it_was(rows):
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["how", "text"], ["letter", "first"], *rows])
    try:
        content = written.getvalue().encode()
    except UnicodeEncodeError:
        return
    if b"\x00" in content:
        return
    table = read_table("a.csv", content)
    assert table.wrong == []
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assert cells(table)[1:] == [[tidy(cell) for cell in row] for row in kept]


@pytest.mark.parametrize("name", ["csv", "xlsx", "json"])
def test_two_columns_of_one_name_are_refused(name):
    if name == "json":
        table = read_table("a.json", b'[{"how": "letter", "text": "a", "Text ": "b"}]')
        assert told(table) == ["Row 1, text: stands in it twice."]
        return
    with pytest.raises(RuleBroken, match="2 columns are called “text”"):
        a_csv("how,text,Text\nletter,a,b\n") if name == "csv" else an_xlsx(
            ["how", "text", "Text"], ["letter", "a", "b"]
        )


def test_values_of_json_that_are_no_text_are_named_in_every_row():
    rows = [{"text": {"a": 1}}, {"text": True}, {"text": "Sound", "points": [["a"], "b"]}, {"text": "Sound", "n": 1.5}]
    table = read_table("a.json", json.dumps(rows).encode())
    assert [(one.row, one.column) for one in table.wrong] == [(1, "text"), (2, "text"), (3, "points")]
    assert "write a text or a number there" in told(table)[0]
    assert table.rows[3][1]["n"] == "1.5"
    deep = read_table("a.json", b'[{"text": ' + b"[" * 900 + b"]" * 900 + b"}]")
    assert [(one.row, one.column) for one in deep.wrong] == [(1, "text")]


def test_a_formula_that_was_never_worked_out_is_no_empty_cell():
    row = ["letter", "Sound", '=IF(A2="letter","personal_data","")']
    table = an_xlsx(["how", "text", "withheld_because"], row, ["letter", "Sound"], [None, "=1+1"])
    assert [(one.row, one.column) for one in table.wrong] == [(2, "withheld_because"), (4, "text")]
    assert "Row 2, withheld_because: C2 holds a formula that was never worked out" in told(table)[0]


def test_a_formula_is_read_as_what_it_came_to_and_may_come_to_nothing():
    worked_out = (
        b'<row r="1"><c t="inlineStr"><is><t>how</t></is></c><c t="inlineStr"><is><t>text</t></is></c></row>'
        b'<row r="2"><c t="str"><f>"let"&amp;"ter"</f><v>letter</v></c><c t="str"><f>""</f><v></v></c></row>'
    )
    sheet = a_sheet(
        (SHEET, lambda part: part[: part.index(b"<sheetData>") + 11] + worked_out + b"</sheetData></worksheet>")
    )
    table = read_table("a.xlsx", sheet)
    assert (table.wrong, cells(table)) == ([], [["letter", ""]])


def test_an_error_of_a_sheet_is_no_text():
    def spoil(sheet):
        sheet["B2"].value, sheet["B2"].data_type = "#REF!", "e"

    table = an_xlsx(["how", "text"], ["letter", "gone"], more=spoil)
    assert told(table) == ["Row 2, text: B2 holds the error #REF!. Write there what it should say."]
    with pytest.raises(RuleBroken, match="A1 holds the error #N/A"):
        an_xlsx(["how", "text"], ["letter", "a"], more=lambda sheet: setattr(sheet["A1"], "value", "#N/A"))


def test_days_are_read_as_days_however_their_cell_shows_them():
    def show(sheet):
        sheet["A2"].number_format = "d mmm"

    assert cells(an_xlsx(["received_on"], [46082], more=show)) == [["2026-03-01"]]
    assert cells(an_xlsx(["received_on"], [46082])) == [["46082"]]


def test_rows_after_a_long_gap_are_read_too_and_an_empty_million_takes_no_time():
    def far(sheet):
        sheet["A9000"] = "letter"

    assert [number for number, _ in an_xlsx(["how"], ["letter"], more=far).rows] == [2, 9000]
    assert [number for number, _ in a_csv("how\nletter\n" + "\n" * 9_000 + "letter\n").rows] == [2, 9003]
    began = time.monotonic()
    assert len(an_xlsx(["how"], ["letter"], more=lambda sheet: sheet.cell(1_048_576, 1, "letter")).rows) == 2
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_is_in_unicode_is_read_as_such(encoding):
    table = a_csv("how;text\nletter;Für £5, «naïve» 中\n", encoding)
    assert cells(table) == [["letter", "Für £5, «naïve» 中"]]
    assert table.note == ""
    assert table.read_as == f"{'UTF-16' if encoding == 'utf-16' else 'UTF-8'}, with semicolons between the columns"


def test_what_is_not_in_unicode_is_taken_for_windows_text_and_its_sender_told():
    table = a_csv("how\ttext\nletter\tIt costs £5 a café\n", "cp1252")
    assert cells(table) == [["letter", "It costs £5 a café"]]
    assert "read as Windows text (cp1252)" in table.note
    assert "with tabs between" in table.read_as


@pytest.mark.parametrize(
    "content",
    [
        "how,text\nletter,café\n".encode("utf-16-le"),
        "how,text\nletter,café\n".encode("utf-32"),
        b"\xff\xfeh\x00o",
        "how,text\nletter,très café à Genève, déjà reçu\n".encode("mac_roman"),
        "how,text\nletter,Привет\n".encode("koi8-r") + b"\x81",
        b"how,text\nletter,\xe9\x07\n",
    ],
)
def test_an_encoding_that_cannot_be_told_is_refused_and_not_guessed(content):
    with pytest.raises(RuleBroken, match="cannot be told in which encoding"):
        read_table("a.csv", content)


def test_more_columns_than_anybody_needs_are_refused():
    with pytest.raises(RuleBroken, match="more than 50 columns"):
        a_csv(",".join(f"c{n}" for n in range(51)) + "\nletter\n")
