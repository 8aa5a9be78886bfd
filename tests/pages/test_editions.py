"""Editions: what was cited can be had again, to the byte, whatever the page says by now."""

import hashlib

import pytest

import chores
from audit.models import Entry
from audit.queries import read
from core import clock
from core.db import db, transaction
from core.errors import NotFound
from decisions.rules import Outcome
from opendata.models import Edition
from pages.editions import edition_with, keep_edition, themes_to_keep
from regulations.models import Theme
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_regulation,
    a_theme,
    a_vote,
    how_many,
    settle_the_record,
)
from tests.opendata.test_checking import edit
from tests.pages.readers import page
from tests.queries_counted import queries_counted
from voting.rules import Choice

ADDRESS = "/themes/shops/we-asked"
FINAL = NOON + 3 * DAY


@pytest.fixture
def regulation(app):
    theme = a_theme(closes=NOON + DAY, title="Shops")
    regulation = a_regulation(theme, title="Shop Hours Regulations 1992")
    a_vote(regulation, Choice.SCRAP, text="It costs a day a month.")
    a_frozen_theme(theme, now=FINAL)
    return regulation


def kept(now):
    """What the worker does every hour."""
    found = themes_to_keep(now)
    db.session.rollback()
    for id in found:
        with transaction():
            theme = db.session.get_one(Theme, id)
            keep_edition(theme=theme, site_url="https://review.example", demonstration=False, now=now)
    return len(found)


@both_databases
def test_an_edition_is_kept_once_and_then_whenever_the_page_says_anything_else(app):
    theme = a_theme(closes=NOON + DAY, title="Shops")
    regulation = a_regulation(theme)
    a_vote(regulation, Choice.SCRAP, text="")
    assert kept(NOON + DAY) == 0, "the count is not final yet"
    a_frozen_theme(theme, now=FINAL)
    assert kept(FINAL + DAY) == 1
    assert kept(FINAL + DAY + DAY / 48) == 0, "half an hour is no hour"
    assert kept(FINAL + 2 * DAY) == 1
    assert how_many(Edition) == 1
    first, _ = edition_with("shops", 1)
    assert (first.kept_at, first.still_at) == (FINAL + DAY, FINAL + 2 * DAY)
    a_decision(regulation, Outcome.KEEP)
    assert kept(NOON + 21 * DAY) == 1
    second, text = edition_with("shops", 2)
    assert '"decided": 1' in text
    assert second.sha256 == hashlib.sha256(text.encode()).hexdigest() != first.sha256
    with pytest.raises(NotFound):
        edition_with("shops", 3)


def test_the_worker_keeps_them_by_itself(regulation):
    with clock.pretending(FINAL + DAY):
        chores.note_what_went_by()
    row, text = edition_with("shops", 1)
    assert row.kept_at == FINAL + DAY
    assert '"url": "http://127.0.0.1:8000/themes/shops/we-asked/1"' in text


def test_the_citation_names_the_edition_and_the_digest_of_the_file_behind_it(regulation, client):
    kept(FINAL + DAY)
    with clock.pretending(FINAL + DAY):
        said = page(client, ADDRESS)
    file = client.get(f"{ADDRESS}/1.json")
    assert f"edition 1, as it stood on 6 March 2026 at {file.get_json()['log_size']} lines of the record" in said
    assert hashlib.sha256(file.data).hexdigest() in said
    assert f"{ADDRESS}/1," in said


def test_what_an_edition_said_is_read_as_it_was_after_the_page_has_changed(regulation, client):
    kept(FINAL + DAY)
    with clock.pretending(FINAL + DAY):
        before, file = page(client, ADDRESS), client.get(f"{ADDRESS}/1.json").data
    reference = a_decision(regulation, Outcome.KEEP).reference
    with clock.pretending(NOON + 200 * DAY):
        now, then = page(client, ADDRESS), page(client, f"{ADDRESS}/1")
        assert client.get(f"{ADDRESS}/1.json").data == file
    assert reference in now
    assert "The page has changed since edition 1 . The next edition is kept within the hour" in now
    assert reference not in then
    assert "This is edition 1. The page said this from 6 March 2026 ." in then
    assert before[before.index("We asked Shops") if "We asked Shops" in before else before.index("0 of 1") :] in then


def test_the_record_holds_the_digest_of_each_edition_and_the_page_names_the_line(regulation, client):
    kept(FINAL + DAY)
    line = db.session.scalars(db.select(Entry).where(Entry.type == "edition")).one()
    file = client.get(f"{ADDRESS}/1.json")
    assert {"theme": "shops", "number": 1, "at_size": file.get_json()["log_size"]}.items() <= read(line.body).items()
    assert read(line.body)["text_sha256"] == hashlib.sha256(file.data).hexdigest()
    assert f"line {line.id} of the record" in page(client, f"{ADDRESS}/1")
    settle_the_record()
    assert client.get(f"/record/{line.id}").status_code == 200


def test_the_line_of_an_edition_makes_no_other_edition(regulation):
    for hours in range(5):
        kept(FINAL + DAY + hours * DAY / 24)
        settle_the_record()
    assert how_many(Edition) == 1
    assert db.session.scalar(db.select(db.func.count()).where(Entry.type == "edition")) == 1


@pytest.mark.parametrize("also_its_digest", [False, True])
def test_an_edition_that_was_changed_afterwards_is_shown_to_nobody(regulation, client, caplog, also_its_digest):
    kept(FINAL + DAY)
    forged = edition_with("shops", 1)[1].replace("Shop Hours", "Night Hours")
    digest = hashlib.sha256(forged.encode()).hexdigest()
    edit(f"UPDATE edition SET text = '{forged.replace(chr(39), chr(39) * 2)}'")
    if also_its_digest:
        edit(f"UPDATE edition SET sha256 = '{digest}'")
    for address in (f"{ADDRESS}/1", f"{ADDRESS}/1.json"):
        answered = client.get(address)
        assert answered.status_code == 410
        assert "Night Hours" not in answered.get_data(as_text=True)
    assert "Edition 1 of the report on shops is not the text whose digest the record holds." in caplog.text


def test_until_the_count_is_final_the_page_says_that_it_changes_and_has_no_edition(app, client):
    a_vote(a_regulation(a_theme(title="Shops")), Choice.SCRAP, text="")
    assert "this page changes with every vote, and no edition of it is kept" in page(client, ADDRESS)
    assert "No edition has been kept yet" in page(client, f"{ADDRESS}/editions")
    assert client.get(f"{ADDRESS}/1").status_code == 404
    assert client.get("/themes/nowhere/we-asked/editions").status_code == 404


def test_all_editions_are_listed_with_their_digests(regulation, client):
    kept(FINAL + DAY)
    a_decision(regulation, Outcome.KEEP)
    kept(NOON + 21 * DAY)
    said = page(client, f"{ADDRESS}/editions")
    assert said.index("Edition 2") < said.index("Edition 1 ")
    assert all(edition_with("shops", n)[0].sha256 in said for n in (1, 2))


def test_nobodys_own_words_are_kept(regulation):
    kept(FINAL + DAY)
    assert "a day a month" not in edition_with("shops", 1)[1]


def test_pages_with_editions_ask_few_questions(regulation, client):
    kept(FINAL + DAY)
    for address in (ADDRESS, f"{ADDRESS}/1", f"{ADDRESS}/editions"):
        client.get(address)
        with queries_counted() as asked:
            client.get(address, headers={"If-None-Match": "nothing"})
        assert len(asked) <= 10, "\n".join(asked)
