"""What a theme listed when it opened is counted once, on the record; what is listed later changes no denominator."""

import json

import pytest

import chores
from audit.entries import text_digest
from audit.tiles import log_folder
from core import clock
from core.db import db, transaction
from opendata.checking import check
from opendata.openings import openings_of_line
from regulations.census import take_census, themes_to_count
from regulations.models import Census, CensusItem, Regulation, Theme
from regulations.rules import Citation
from regulations.services import Listing, list_regulations
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_department,
    a_regulation,
    a_theme,
    how_many,
    settle_the_record,
    the_record,
)

OPENS = NOON + 2 * DAY


@pytest.fixture
def theme(app):
    """It opens in two days with two regulations."""
    found = a_theme(title="Retail", opens=OPENS, closes=OPENS + 20 * DAY)
    a_regulation(found)
    a_regulation(found)
    return found


def counted(theme, now):
    with transaction():
        return take_census(theme=db.session.merge(theme), now=now)


def listed_since(theme, number=1):
    department = a_department()
    given = {"binds": "Shops", "sentence": "It binds shops.", "summary": "It binds them.", "checked_on": "not checked"}
    with transaction():
        listings = [
            Listing(Citation("uksi", 2001, n + 1), "Later Regulations", department, source="editors", **given)
            for n in range(number)
        ]
        list_regulations(theme=db.session.merge(theme), listings=listings, now=OPENS + 3 * DAY)


def edit(sql):
    """What an administrator of the database can do, past every guard of ours."""
    db.session.rollback()
    own = db.engine.raw_connection()
    own.cursor().execute(sql)
    own.commit()
    own.close()
    db.session.expire_all()


def figures(client):
    (row,) = client.get("/figures.json").get_json()["themes"]
    return row


@both_databases
def test_when_a_theme_opens_what_it_lists_is_counted_on_the_record_once(theme):
    assert themes_to_count(NOON) == []
    assert counted(theme, NOON) is None
    assert themes_to_count(OPENS) == [theme.id]
    assert counted(theme, OPENS).number == 2
    assert counted(theme, OPENS + DAY) is None
    assert themes_to_count(OPENS + DAY) == []
    (entry,) = the_record("census")
    assert (entry["theme"], entry["number"], entry["opens"]) == ("retail", 2, int(OPENS.timestamp()))
    (opened,) = openings_of_line(entry["id"]).opened
    assert text_digest(opened.text) == entry["items_sha256"]
    assert json.loads(opened.text) == sorted(db.session.scalars(db.select(Regulation.slug)))


@both_databases
def test_what_is_listed_later_stands_beside_and_never_in_the_denominator(theme, app, client):
    with clock.pretending(OPENS + 4 * DAY):
        listed_since(theme, 2)
        assert (figures(client)["at_opening"], figures(client)["listed_later"]) == (2, 2)
        chores.note_what_went_by()
        row = figures(client)
        assert (row["at_opening"], row["undecided"], row["listed_later"]) == (2, 2, 2)
        page = client.get("/figures").get_data(as_text=True)
        assert f'/record/{row["census"]}">Retail: 2 regulations' in page
        assert 'Retail: <a href="/figures/retail/listed_later">2 regulations' in page
        settle_the_record()
        assert check(log_folder()).wrong == []
        (slug,) = db.session.scalars(db.select(Regulation.slug).where(Regulation.slug == "uksi-2001-1"))
        assert "Retail” opened with 2 regulations" in client.get(f"/regulations/{slug}/history").get_data(as_text=True)
        assert "listed after its theme had opened" in client.get(f"/regulations/{slug}").get_data(as_text=True)


def test_a_day_of_listing_that_is_changed_afterwards_moves_no_figure(theme, client):
    with clock.pretending(OPENS + 4 * DAY):
        listed_since(theme)
        counted(theme, OPENS)
        edit("UPDATE regulation SET listed_at = '2026-01-01 00:00:00'")
        assert (figures(client)["at_opening"], figures(client)["listed_later"]) == (2, 1)


def test_a_row_that_is_lost_from_the_count_is_told_and_does_not_lower_it(theme, client):
    with clock.pretending(OPENS):
        counted(theme, OPENS)
        edit("DELETE FROM census_item WHERE regulation_id = (SELECT max(id) FROM regulation)")
        row = client.get("/figures.json").get_json()
        assert (row["themes"][0]["at_opening"], row["themes"][0]["undecided"]) == (2, 1)
        assert row["equations_hold"] is False


def test_the_site_counts_by_itself_and_a_theme_that_lists_nothing_too(theme, client):
    empty = a_theme(title="Empty", opens=OPENS, closes=OPENS + DAY)
    a_theme(title="Coming", opens=OPENS + 9 * DAY, closes=OPENS + 10 * DAY)
    for _ in range(2):
        with clock.pretending(OPENS + DAY / 24):
            chores.note_what_went_by()
    numbers = dict(db.session.execute(db.select(Theme.slug, Census.number).join(Census)).all())
    assert numbers == {"retail": 2, empty.slug: 0}
    assert how_many(CensusItem) == 2
    settle_the_record()
    assert check(log_folder()).wrong == []
