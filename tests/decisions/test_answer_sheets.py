"""Answers leave as a spreadsheet and come back as they were, whatever they begin with; hostile sheets are refused."""

import csv
import io
import threading
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import select

from accounts.rules import Role
from analysis.services import make_point
from analysis.tables import MOST_BYTES
from app import MAX_FORM_BYTES
from core import clock
from core.db import db, transaction
from core.forms import tidy
from decisions.answer_sheets import as_csv, as_xlsx, check, guarded, read, unguarded
from decisions.models import AnswerDraft, AnswerVersion
from decisions.rules import Verdict
from decisions.worksheet import ToAnswer, to_answer
from tests.analysis.hostile_sheets import HOSTILE, a_sheet
from tests.conftest import both_databases
from tests.decisions.conftest import LATER
from tests.decisions.test_answers import a_closed_regulation
from tests.factories import a_member_of_staff, how_many, its_session

TEXT = st.text(st.sampled_from("'=+-@\t\r\n ax,;\"") | st.characters(), max_size=12)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@given(TEXT)
@example("'=")
@example("''=")
@example("'")
def test_what_was_guarded_comes_back_as_it_was_and_is_never_calculated(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(FORMULAS)


@given(st.text(st.sampled_from("'=+-@ ax,;\"\n"), min_size=1, max_size=30).map(tidy))
@example("'=SUM(A1)")
@example("=SUM(A1)")
@example("''+1")
def test_an_answer_that_leaves_and_returns_unchanged_changes_nothing(reasons):
    row = a_row(reasons)
    for name, content in (("a.csv", as_csv([row]).encode("utf-8-sig")), ("a.xlsx", as_xlsx([row]))):
        checked = check(read(name, content), [row])
        assert (checked.changes, checked.mistakes, checked.unchanged) == ([], [], 1), name


def a_row(reasons):
    return ToAnswer(
        key="point-1", about="It is dear.", behind=3, needed=True, verdict="accept", reasons=reasons, version=4
    )


def test_a_mistake_names_the_row_of_the_sheet_also_after_an_empty_one():
    lines = io.StringIO()
    csv.writer(lines).writerows([["id", "verdict", "reasons", "version"], [], ["nowhere", "accept", "Because.", "0"]])
    (mistake,) = check(read("a.csv", lines.getvalue().encode()), []).mistakes
    assert mistake.row == 3


def test_a_sound_sheet_is_read():
    ((number, cells),) = read("a.xlsx", a_sheet()).rows
    assert (number, cells["id"], cells["verdict"], cells["version"]) == (2, "point-1", Verdict.ACCEPT, "0")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_sheet_that_no_spreadsheet_saved_is_refused_in_words(official, signed_in, name):
    slug, began = a_closed_regulation().slug, time.monotonic()
    sent = {"sheet": (io.BytesIO(HOSTILE[name]), "answers.xlsx")}
    answer = signed_in(official).post(f"/staff/regulations/{slug}/answers/upload", data=sent)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert time.monotonic() - began < 5


HEAD = ["id", "verdict", "reasons", "version"]


def a_csv(*lines, head=HEAD):
    written = io.StringIO()
    csv.writer(written).writerows([head, *lines])
    return written.getvalue().encode()


def test_reasons_with_a_comma_and_no_quotation_marks_are_a_mistake_of_their_row():
    content = b"id,verdict,reasons,version,assigned_to\npoint-1,accept,We agree, but only in part,4,\n"
    checked = check(read("a.csv", content), [a_row("Said before.")])
    assert [str(mistake.row) for mistake in checked.mistakes] == ["2"]
    assert "Leave the version as it came" in checked.mistakes[0].what
    (mistake,) = check(
        read("a.csv", a_csv(["point-1", "accept", "Said before.", "4", "more"])), [a_row("Said before.")]
    ).mistakes
    assert mistake.what.startswith("beyond the columns: “more” stands under no column")


def test_a_formula_that_was_never_worked_out_takes_no_answer_back():
    book, file = Workbook(), io.BytesIO()
    for line in (HEAD, ["point-1", None, '=CONCAT("a","b")', 4]):
        book.active.append(line)
    book.save(file)
    checked = check(read("a.xlsx", file.getvalue()), [a_row("Said before.")])
    assert [(mistake.row, mistake.what.partition(" holds")[0]) for mistake in checked.mistakes] == [(2, "reasons: C2")]
    assert checked.changes == []


@pytest.fixture
def upload(regulation, official, signed_in, after_the_close):
    slug, client = regulation.slug, signed_in(official)

    def post(content=None, as_=client, **sent):
        given = {"sheet": (io.BytesIO(content), "answers.csv")} if content is not None else {}
        return as_.post(f"/staff/regulations/{slug}/answers/upload", data=given | sent)

    return post


def the_sheet(regulation, reasons):
    return a_csv(*([row.key, "accept", reasons, row.version] for row in to_answer(regulation.id)))


def kept_in(page):
    return page.text.split('name="kept"')[1].split('value="')[1].split('"')[0]


def what_is_answered():
    db.session.rollback()
    return set(db.session.scalars(select(AnswerDraft.reasons)))


@pytest.fixture
def many_points(regulation, official):
    """Whose answers, of some 600 letters each, are more than any other form may hold."""
    with transaction():
        for number in range(900):
            make_point(regulation=regulation, title=f"Point {number}", summary="", by=official, now=LATER)
    return regulation


def test_a_thousand_answers_come_back_in_one_sheet(many_points, upload):
    content = the_sheet(many_points, "We have read this with care. " * 21)
    assert MAX_FORM_BYTES < len(content) < MOST_BYTES
    looked = upload(content)
    assert looked.status_code == 200
    assert "The first 200 are shown" in looked.text
    assert upload(kept=kept_in(looked)).status_code == 303
    assert len(what_is_answered()) == 1
    assert how_many(AnswerDraft) == len(to_answer(many_points.id)) > 900


def test_a_sheet_that_is_far_too_large_is_refused(upload):
    assert upload(b"x" * (MOST_BYTES + 1)).status_code == 422
    assert upload(b"x" * (MOST_BYTES + 1024 * 1024)).status_code == 413


def test_a_sheet_waits_on_the_server_for_whoever_sent_it_and_not_in_their_page(regulation, upload, second, signed_in):
    looked = upload(the_sheet(regulation, "We have read this with care."))
    kept = kept_in(looked)
    assert len(looked.text.split('name="kept"')[1].split(">")[0]) < 200
    refused = upload(as_=signed_in(second), kept=kept)
    assert (refused.status_code, "Choose it again" in refused.text) == (422, True)
    assert "We have read this with care." not in what_is_answered()
    assert upload(kept=kept).status_code == 303
    assert what_is_answered() == {"We have read this with care."}
    again = upload(kept=kept)
    assert (again.status_code, "Choose it again" in again.text) == (422, True)


def test_a_sheet_from_somewhere_else_is_not_looked_at(app, regulation, upload):
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert upload(the_sheet(regulation, "Forged and never meant.")).status_code == 400
        large = upload(b"x" * (MAX_FORM_BYTES + 1))
        assert (large.status_code, "Bring a spreadsheet" in large.text) == (400, True), "its own form says so"
        assert upload(kept="0" * 64 + ".csv").status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_nothing_chosen_and_nothing_kept_is_said_in_words(upload):
    for sent in ({}, {"kept": "../../secret-key"}):
        refused = upload(**sent)
        assert refused.status_code == 422
        assert "There is a problem" in refused.text


@both_databases
def test_a_sheet_confirmed_twice_at_once_is_saved_once(app):
    with clock.pretending(LATER):
        closed, official = a_closed_regulation(), a_member_of_staff(Role.OFFICIAL)
        slug, session = closed.slug, its_session(official)
        content = the_sheet(closed, "We have read this with care.")

        def send(**data):
            client = app.test_client()
            with client.session_transaction("/account/sign-in") as own:
                own.update(session)
            return client.post(f"/staff/regulations/{slug}/answers/upload", data=data)

        kept = kept_in(send(sheet=(io.BytesIO(content), "answers.csv")))
        db.session.remove()
        gate, statuses = threading.Barrier(2), []

    def confirm():
        with clock.pretending(LATER):
            gate.wait()
            statuses.append(send(kept=kept).status_code)

    threads = [threading.Thread(target=confirm) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 303 in statuses
    assert set(statuses) <= {303, 409, 422}, "whoever came second is told, or it was the same"
    assert what_is_answered() == {"We have read this with care."}
    assert set(db.session.scalars(select(AnswerDraft.version))) == {1}
    assert how_many(AnswerVersion) == how_many(AnswerDraft)
