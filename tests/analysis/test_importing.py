"""Many submissions come in at once: each row that is wrong is named, and it is all of them or none."""

import csv
import io
import json
import time
import zipfile
from io import BytesIO

import openpyxl
import pytest

from accounts.rules import Capacity, Role
from analysis.importing import COLUMNS, ImportRefused, import_rows, prepare
from analysis.models import Submission
from analysis.submission_queries import submissions_of
from analysis.submission_rules import How, Withheld
from analysis.tables import read_table
from core.db import db, transaction
from core.errors import RuleBroken
from tests.analysis.hostile_sheets import HOSTILE
from tests.analysis.making import a_point
from tests.conftest import both_databases
from tests.factories import NOON, a_member_of_staff, a_regulation, how_many, settle_the_record, the_record

HEAD = ["how", "capacity", "organisation", "received_on", "regulation", "text"]


def a_row(regulation, *, text="It helps us.", how="letter", capacity="charity", organisation="", received="2026-03-01"):
    return [how, capacity, organisation, received, regulation.citation.official, text]


def a_csv(*rows, head=HEAD, separator=",", encoding="utf-8"):
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator).writerows([head, *rows])
    return written.getvalue().encode(encoding)


def a_sheet(*rows, head=HEAD):
    book = openpyxl.Workbook()
    for row in (head, *rows):
        book.active.append(row)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def bring_in(name, content, by=None, **given):
    with transaction():
        done = import_rows(table=read_table(name, content), by=by, now=NOON, **given)
    settle_the_record()
    return done


@both_databases
def test_rows_of_a_sheet_become_submissions_with_a_line_each(app):
    regulation, analyst = a_regulation(), a_member_of_staff(Role.ANALYST)
    rows = [
        a_row(regulation, organisation="Example Aid"),
        a_row(regulation, how="Workshop", capacity="trade body", received=NOON.date(), text="It costs too much."),
    ]
    done = bring_in("sent.xlsx", a_sheet(*rows), analyst)
    assert (len(done.ready), len(done.known)) == (2, 0)
    assert [(row.how, row.capacity, row.text) for row in submissions_of(regulation.id)] == [
        (How.LETTER, Capacity.CHARITY, "It helps us."),
        (How.WORKSHOP, Capacity.TRADE_BODY, "It costs too much."),
    ]
    assert len(the_record("submission")) == 2


@both_databases
def test_the_same_file_sent_twice_adds_nothing(app):
    regulation = a_regulation()
    content = a_csv(a_row(regulation), a_row(regulation, text="Another"), a_row(regulation))
    first, second = bring_in("sent.csv", content), bring_in("sent.csv", content)
    assert (len(first.ready), first.known) == (2, [4])
    assert (len(second.ready), second.known) == (0, [2, 3, 4])
    assert how_many(Submission) == 2


def test_numbers_of_their_own_tell_apart_what_is_alike(regulation):
    rows = [[*a_row(regulation), n] for n in (1, 2)]
    assert len(bring_in("sent.csv", a_csv(*rows, head=[*HEAD, "number"])).ready) == 2


def test_what_is_wrong_is_named_by_row_and_column_with_what_to_write_and_nothing_comes_in(regulation):
    content = a_csv(
        a_row(regulation),
        a_row(regulation, how="fax"),
        a_row(regulation, capacity="", received="1 March"),
        a_row(regulation, text=""),
        ["letter", "charity", "", "2026-03-01", "SI 1066/1", "Hm"],
    )
    with pytest.raises(ImportRefused) as refused:
        bring_in("sent.csv", content)
    assert [str(wrong) for wrong in refused.value.wrong] == [
        "Row 3, how: “fax” is not known. Write one of: email, letter, phone, workshop, petition, paper.",
        "Row 4, capacity: is empty. Write one of: public, business, trade_body, charity, public_body, regulator.",
        "Row 4, received_on: “1 March” is no day. Write one such as 2026-03-01.",
        "Row 5, text: What it says. Needed, unless a file says it.",
        "Row 6, regulation: “SI 1066/1” is not listed here. Write its number, such as SI 1992/2792.",
    ]
    assert how_many(Submission) == 0


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            {"received_on": "2027-03-01"},
            "Row 2, received_on: Enter the day on which it came: this one is still to come.",
        ),
        ({"how": "petition"}, "Row 2, signatures: Enter how many people signed"),
        ({"signatures": "many"}, "Row 2, signatures: “many” is no number."),
        ({"signatures": "12"}, "Row 2, signatures: Only a petition"),
        ({"withheld_because": "secret"}, "Row 2, withheld_because: “secret” is not known."),
        ({"withheld_because": "waiting"}, "Row 2, withheld_because: “waiting” is not known."),
        ({"points": "It costs too much"}, "Row 2, points: “It costs too much” is no point of it."),
        ({"capacity": "public", "organisation": "Jo"}, "Row 2, organisation: Members of the public are not named."),
        ({"regulation": "", "theme": "nowhere"}, "Row 2, regulation: There is no theme “nowhere”."),
        ({"regulation": ""}, "Row 2, regulation: is empty, and so is theme."),
    ],
)
def test_every_kind_of_wrong_cell_is_told(regulation, columns, told):
    row = dict(zip(HEAD, a_row(regulation), strict=True)) | columns
    table = read_table("sent.csv", a_csv([row.get(name, "") for name in COLUMNS], head=list(COLUMNS)))
    (wrong,) = prepare(table, now=NOON).wrong
    assert str(wrong).startswith(told)


def test_all_that_is_wrong_with_a_row_is_told_at_once_also_what_only_the_rules_know(regulation):
    row = {
        "how": "letter", "capacity": "public", "organisation": "Jo", "received_on": "2027-03-01",
        "regulation": regulation.slug, "text": "", "signatures": "12", "withheld_because": "secret", "points": "It",
    }  # fmt: skip
    table = read_table("a.csv", a_csv([*row.values(), "and more"], head=[*row]))
    prepared = prepare(table, now=NOON)
    assert [one.column for one in prepared.wrong] == [
        "beyond the columns", "received_on", "signatures", "withheld_because", "points", "organisation", "text",
    ]  # fmt: skip
    assert prepared.ready == []


def test_a_cell_that_could_not_be_read_keeps_all_rows_out_and_is_told_once(regulation):
    sheet = a_sheet(a_row(regulation, text="Another"), a_row(regulation, capacity='=IF(TRUE,"charity","")'))
    with pytest.raises(ImportRefused) as refused:
        bring_in("sent.xlsx", sheet)
    (wrong,) = refused.value.wrong
    assert str(wrong).startswith("Row 3, capacity: B3 holds a formula that was never worked out.")
    withheld = [*a_row(regulation), '=IF(TRUE,"personal_data","")']
    with pytest.raises(ImportRefused, match="1 things have"):
        bring_in("sent.xlsx", a_sheet(withheld, head=[*HEAD, "withheld_because"]))
    assert how_many(Submission) == 0


@pytest.mark.parametrize("written", ["46082", "46082.5"])
def test_a_spreadsheets_number_for_a_day_is_told_with_the_day_it_may_mean(regulation, written):
    (wrong,) = prepare(read_table("a.csv", a_csv(a_row(regulation, received=written))), now=NOON).wrong
    assert str(wrong) == (
        f"Row 2, received_on: “{written}” is no day. A spreadsheet may mean 2026-03-01 by it: format its column as "
        "dates, or write 2026-03-01."
    )


def test_columns_that_are_missing_or_unknown_are_named_before_any_row(regulation):
    told = [str(wrong) for wrong in prepare(read_table("a.csv", b"how,from\nletter,me\n"), now=NOON).wrong]
    assert told[0].startswith("Column “from” is not known here. Use these names: how, capacity,")
    assert [one.split("” is missing")[0] for one in told[1:]] == [
        f"Column “{name}" for name in ("capacity", "received_on", "text", "regulation")
    ]


def test_rows_that_name_neither_are_about_what_the_sender_said(regulation):
    head = [name for name in HEAD if name != "regulation"]
    content = a_csv(["letter", "charity", "", "01/03/2026", "It helps."], head=head)
    bring_in("a.csv", content, regulation=regulation)
    bring_in("a.csv", content, theme=regulation.theme)
    assert [row.slug for row in submissions_of(regulation.id)] == [regulation.slug, None]


def test_points_petitions_and_what_is_withheld_come_along(regulation, analyst):
    point = a_point(regulation, analyst, title="It costs shops too much")
    said = {
        "how": "petition", "capacity": "public", "received_on": "2026-03-01", "regulation": regulation.slug,
        "text": "Scrap it.", "points": ["it costs shops TOO much"], "signatures": 12_000,
        "withheld_because": "author_asked",
    }  # fmt: skip
    bring_in("a.json", json.dumps([said]).encode())
    (row,) = submissions_of(regulation.id)
    assert (row.signatures, row.withheld) == (12_000, Withheld.AUTHOR_ASKED)
    assert how_many(Submission) == 1
    assert point.title


def test_a_file_of_an_older_spreadsheet_is_read_and_its_sender_told(regulation):
    content = a_csv(a_row(regulation, text="It costs £5 a café"), separator=";", encoding="cp1252")
    table = read_table("a.csv", content)
    assert "cp1252" in table.note
    assert table.rows[0][1]["text"] == "It costs £5 a café"
    assert read_table("a.csv", "\ufeffhow\nletter\n".encode()).columns == ["how"]


def test_rows_keep_the_number_their_sheet_gives_them():
    table = read_table("a.csv", b"how,text\n\nletter,one\n,\nletter,two\n")
    assert [number for number, _ in table.rows] == [3, 5]


def a_zip(**parts):
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.pdf", b"%PDF", "ends in .csv"),
        ("a", b"how", "ends in .csv"),
        ("a.csv", b"", "no rows"),
        ("a.csv", b"how\n", "no rows"),
        ("a.csv", b"how\n" + b"letter\n" * 2_001, "more than 2,000 rows"),
        ("a.csv", b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        ("a.xlsx", b"not a sheet", "not a sheet"),
        ("a.xlsx", a_zip(a="b"), "not a sheet"),
        ("a.xlsx", a_zip(**{f"part{n}": b"\x00" * 1024 * 1024 for n in range(51)}), "unpacks to far more"),
        ("a.xlsx", a_zip(**{f"part{n}": b"" for n in range(501)}), "unpacks to far more"),
        ("a.xlsx", a_zip(a='<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "not as a spreadsheet"),
        ("a.json", b"{}", "one list of objects"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b"\xff\xfe", "not JSON"),
        ("a.json", b'[{"text": NaN}]', "not JSON"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_send_instead(name, content, told):
    with pytest.raises(RuleBroken, match=told):
        read_table(name, content)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_sheet_that_no_spreadsheet_saved_is_refused_in_words(analyst, signed_in, name):
    began = time.monotonic()
    sent = {"file": (BytesIO(HOSTILE[name]), "a.xlsx"), "theme": ""}
    answer = signed_in(analyst).post("/staff/submissions/import", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert time.monotonic() - began < 5


def test_the_command_enters_all_rows_or_tells_what_is_wrong(app, regulation, tmp_path):
    file, run = tmp_path / "sent.csv", app.test_cli_runner()
    file.write_bytes(a_csv(a_row(regulation), a_row(regulation, how="fax")))
    slug = regulation.slug
    refused = run.invoke(args=["import", "submissions", str(file), "--regulation", slug])
    assert refused.exit_code == 1
    assert "Row 3, how: “fax” is not known." in refused.output
    assert how_many(Submission) == 0
    file.write_bytes(a_csv(a_row(db.session.merge(regulation)), a_row(regulation, text="Another")))
    dry = run.invoke(args=["import", "submissions", str(file), "--dry-run"])
    assert "2 would be entered" in dry.output
    assert how_many(Submission) == 0
    done = run.invoke(args=["import", "submissions", str(file)])
    assert (done.exit_code, "2 are entered, 0 were known." in done.output) == (0, True), done.output
    assert {line["actor"] for line in the_record("submission")} == {"The operator"}


def upload(desk, content, name="sent.csv", **given):
    data = {"file": (BytesIO(content), name), "theme": "", **given}
    return desk.post("/staff/submissions/import", data=data, content_type="multipart/form-data")


@pytest.fixture
def desk(analyst, signed_in):
    return signed_in(analyst)


def kept_in(page):
    return page.text.split('name="kept"')[1].split('value="')[1].split('"')[0]


def test_import_submissions_shows_what_would_be_entered_and_then_enters_it(desk, regulation):
    page = upload(desk, a_csv(a_row(regulation), a_row(regulation, text="<b>Bold</b>")))
    assert page.status_code == 200
    assert "&lt;b&gt;Bold" in page.text
    assert how_many(Submission) == 0
    said = {"kept": kept_in(page), "theme": ""}
    done = desk.post("/staff/submissions/import", data=said)
    assert (done.status_code, done.location) == (303, "/staff/submissions?imported=2&known=0")
    assert "2 submissions are in the record" in desk.get(done.location).text
    assert {line["actor"] for line in the_record("submission")} == {"Analysis Office"}
    again = desk.post("/staff/submissions/import", data=said)
    assert again.status_code == 422
    assert "Choose it again" in again.text


def test_the_preview_says_in_which_encoding_the_file_was_taken_to_be(desk, regulation):
    for encoding, told in (("utf-8", "read as UTF-8, with commas"), ("utf-16", "UTF-16"), ("cp1252", "Windows text")):
        assert told in upload(desk, a_csv(a_row(regulation, text="It costs £5"), encoding=encoding)).text


def test_a_file_with_a_wrong_row_can_be_chosen_again_and_not_entered(desk, regulation):
    page = upload(desk, a_csv(a_row(regulation), a_row(regulation, how="fax")))
    assert "Row 3, how: “fax” is not known." in page.text
    assert kept_in(page) == ""
    assert "Check the file" in page.text
    assert how_many(Submission) == 0


@pytest.mark.parametrize("kept", ["../../secret-key", "0" * 64 + ".csv", "x"])
def test_only_what_was_uploaded_can_be_entered(desk, kept):
    answer = desk.post("/staff/submissions/import", data={"kept": kept, "theme": ""})
    assert answer.status_code == 422
    assert how_many(Submission) == 0


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_table_to_fill_in_has_the_columns_and_can_be_read_back(desk, kind):
    answer = desk.get(f"/staff/submissions/import/template.{kind}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="submissions.{kind}"'
    assert read_table(f"a.{kind}", answer.data).columns == list(COLUMNS)


def test_the_page_explains_every_column_and_is_for_analysts_and_officials(desk, signed_in):
    page = desk.get("/staff/submissions/import").text
    for name in COLUMNS:
        assert f"<code>{name}</code>" in page
    for role in (Role.MODERATOR, Role.ADMINISTRATOR):
        client = signed_in(a_member_of_staff(role))
        for end in ("", "/template.csv", "/template.xlsx"):
            assert client.get(f"/staff/submissions/import{end}").status_code == 403
