"""Answers leave as a spreadsheet and come back as they were, whatever they begin with; hostile sheets are refused."""

import csv
import io
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.forms import tidy
from decisions.answer_sheets import as_csv, as_xlsx, check, guarded, read, unguarded
from decisions.rules import Verdict
from decisions.worksheet import ToAnswer
from tests.analysis.hostile_sheets import HOSTILE, a_sheet
from tests.decisions.test_answers import a_closed_regulation

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
    ((number, cells),) = read("a.xlsx", a_sheet())
    assert (number, cells["id"], cells["verdict"], cells["version"]) == (2, "point-1", Verdict.ACCEPT, "0")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_sheet_that_no_spreadsheet_saved_is_refused_in_words(official, signed_in, name):
    slug, began = a_closed_regulation().slug, time.monotonic()
    sent = {"do": "look", "sheet": (io.BytesIO(HOSTILE[name]), "answers.xlsx")}
    answer = signed_in(official).post(f"/staff/regulations/{slug}/answers/upload", data=sent)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert time.monotonic() - began < 5


def test_changes_that_our_page_did_not_write_are_refused(official, signed_in):
    slug = a_closed_regulation().slug
    for changes in ("", "{}", "[1]", "[" * 100_000, '[{"key": "point-1"}]'):
        sent = {"do": "save", "changes": changes}
        assert signed_in(official).post(f"/staff/regulations/{slug}/answers/upload", data=sent).status_code == 422
