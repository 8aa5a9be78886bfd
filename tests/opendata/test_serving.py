"""Rows as JSON, CSV and Atom: nothing lost, nothing that a spreadsheet or a feed reader would run or choke on."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta, timezone
from xml.etree import ElementTree

import pytest

from opendata.rules import DECISION_FIELDS, decision_title, fields, labelled
from opendata.serving import Feed, FeedEntry, atom_response, csv_response, instant, json_response

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"


def cells(response):
    return list(csv.reader(io.StringIO(response.get_data(as_text=True), newline="")))


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_looks_like_a_formula_is_only_a_text(begins):
    row = {"reason": f"{begins}HYPERLINK(0)"}
    assert cells(csv_response([row], "x.csv"))[1] == [f"'{begins}HYPERLINK(0)"]


def test_numbers_keep_their_sign_and_nothing_is_an_empty_cell():
    row = {"n": -3, "none": None, "yes": True, "no": False, "at": NOON, "on": date(2026, 3, 2), "many": ["a", "b"]}
    assert cells(csv_response([row], "x.csv"))[1] == [
        "-3", "", "true", "false", "2026-03-02T12:00:00Z", "2026-03-02", "a; b",
    ]  # fmt: skip


def test_texts_with_quotes_commas_and_lines_come_back_whole():
    said = 'He said "no, never",\nand left – café 🐝'
    assert cells(csv_response([{"said": said}], "x.csv"))[1] == [said]


def test_a_table_without_rows_still_names_its_columns():
    response = csv_response([], "decisions.csv", DECISION_FIELDS)
    assert cells(response) == [list(DECISION_FIELDS)]
    assert response.headers["Content-Disposition"] == 'attachment; filename="decisions.csv"'
    assert response.content_type.startswith("text/csv; charset=utf-8")


def test_a_demonstration_says_so_in_every_row_and_column_name():
    assert labelled([{"a": 1}], demonstration=True) == [{"a": 1, "demonstration": True}]
    assert labelled([{"a": 1}], demonstration=False) == [{"a": 1}]
    assert (fields(["a"], demonstration=True), fields(["a"], demonstration=False)) == (("a", "demonstration"), ("a",))
    assert decision_title("Keep: X", demonstration=True) == "Demonstration: no such decision was made – Keep: X"
    assert decision_title("Keep: X", demonstration=False) == "Keep: X"


def test_json_spells_moments_in_utc_and_keeps_letters_readable():
    summer = datetime(2026, 7, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    response = json_response([{"at": summer, "who": "Café"}])
    assert json.loads(response.get_data()) == [{"at": "2026-07-01T12:00:00Z", "who": "Café"}]
    assert "Café" in response.get_data(as_text=True)
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_what_has_no_spelling_is_refused_rather_than_guessed():
    with pytest.raises(TypeError, match="no place in a download"):
        json_response([{"x": object()}])


def test_a_feed_is_well_formed_whatever_people_wrote(app):
    nasty = 'A & B <script> "x" \x00\x08\ufffe 🐝'
    entries = [FeedEntry(nasty, "https://example.org/1", NOON, text=nasty, author="A & B")]
    feed = Feed("Decisions & more", "https://example.org/", "https://example.org/x.atom?q=a&b", "The site", entries)
    root = ElementTree.fromstring(atom_response(feed).get_data())
    assert root.findtext(f"{ATOM}title") == "Decisions & more"
    assert root.findtext(f"{ATOM}id") == "https://example.org/x.atom?q=a&b"
    assert root.findtext(f"{ATOM}updated") == instant(NOON)
    entry = root.find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == 'A & B <script> "x"  🐝'
    assert entry.find(f"{ATOM}link").get("href") == "https://example.org/1"


def test_an_empty_feed_is_a_feed(app):
    root = ElementTree.fromstring(atom_response(Feed("T", "https://e/", "https://e/a", "S")).get_data())
    assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
