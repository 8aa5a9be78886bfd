"""The lists of regulations and themes behind pages and downloads, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from core.db import db
from core.errors import NotFound
from decisions.rules import Outcome
from opendata import queries
from opendata.queries import Wanted, regulations
from opendata.rules import REGULATION_FIELDS, regulation_row
from regulations.models import Regulation
from regulations.rules import ALL_SECTORS, Split
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_regulation,
    a_theme,
    a_vote,
    settle_the_record,
)
from voting.rules import Choice

SCRAP, IMPROVE, KEEP = Choice


def slugs(now=NOON, **wanted) -> list[str]:
    return [row.slug for row in regulations(Wanted(**wanted), now)]


def votes(regulation: Regulation, scrap: int = 0, improve: int = 0, keep: int = 0, now=NOON) -> None:
    for choice, n in zip(Choice, (scrap, improve, keep), strict=True):
        for _ in range(n):
            a_vote(regulation, choice, now=now)
    settle_the_record()


@both_databases
def test_a_row_holds_the_folded_tally_of_its_regulation_and_noughts_where_nobody_voted(app):
    voted, silent = a_regulation(title="A"), a_regulation(title="B")
    votes(voted, scrap=1, improve=2, keep=3)
    first, second = regulations(Wanted(), NOON)
    assert (first.participants, first.scrap, first.improve, first.improve_clearer, first.keep) == (6, 1, 2, 2, 3)
    assert (first.comments, first.outcome, first.stage) == (6, None, "open")
    assert (second.slug, second.participants, second.scrap, second.comments) == (silent.slug, 0, 0, 0)


@both_databases
def test_a_theme_that_keeps_its_split_gives_away_participants_only_until_it_is_frozen(app):
    theme = a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    votes(regulation, scrap=2, keep=1)
    row = queries.regulation(regulation.slug, NOON)
    assert row.sealed
    assert (row.participants, row.scrap, row.improve, row.improve_other, row.keep, row.comments) == (3, *[None] * 5)
    a_frozen_theme(theme)
    row = queries.regulation(regulation.slug, NOON + 10 * DAY)
    assert not row.sealed
    assert (row.participants, row.scrap, row.keep, row.comments) == (3, 2, 1, 3)


@both_databases
def test_a_superseded_decision_neither_doubles_the_row_nor_gives_its_outcome(app):
    theme = a_theme()
    regulation = a_regulation(theme)
    other = a_regulation(theme)
    a_frozen_theme(theme)
    a_decision(regulation, Outcome.KEEP)
    a_decision(regulation, Outcome.SCRAP, now=NOON + 30 * DAY)
    later = NOON + 40 * DAY
    assert [(row.slug, row.outcome) for row in regulations(Wanted(), later)] == [
        (regulation.slug, "scrap"),
        (other.slug, None),
    ]
    assert slugs(later, outcome="scrap") == [regulation.slug]
    assert slugs(later, outcome="keep") == []
    assert slugs(later, outcome="none") == [other.slug]


@both_databases
def test_what_search_found_is_listed_in_its_order_and_strangers_are_left_out(app):
    a, b, c = (a_regulation(title=title) for title in "ABC")
    found = [c.slug, "uksi-1900-1", a.slug]
    assert slugs(found=found, sort="relevance") == [c.slug, a.slug]
    assert slugs(found=found, sort="title") == [a.slug, c.slug]
    assert slugs(found=[], sort="relevance") == []
    assert slugs(found=[f"uksi-1901-{n}" for n in range(40_000)] + [b.slug]) == [b.slug]


@both_databases
def test_words_find_titles_and_citations_while_search_is_away_and_mean_nothing_more(app):
    one = a_regulation(title="Fireworks (100% Safety) Regulations 2004")
    a_regulation(title="Price Marking Order 2004")
    assert slugs(words=("fireworks", "safety")) == [one.slug]
    assert slugs(words=("0%",)) == [one.slug]
    assert slugs(words=("_",)) == []
    assert slugs(words=(str(one.number), "1992")) == [one.slug]


@both_databases
def test_a_sector_takes_in_what_is_marked_for_all(app):
    shops = a_regulation(title="A", sectors=("retail", "transport"))
    everyone = a_regulation(title="B", sectors=(ALL_SECTORS,))
    both = a_regulation(title="C", sectors=("retail", ALL_SECTORS))
    a_regulation(title="D", sectors=("water",))
    assert slugs(sector="retail") == [shops.slug, everyone.slug, both.slug]
    assert slugs(sector="media") == [everyone.slug, both.slug]


@both_databases
def test_needs_voices_puts_open_regulations_with_fewest_participants_first(app):
    theme = a_theme()
    many, few, none = (a_regulation(theme, title=title) for title in "ABC")
    spent = a_regulation(theme, title="D", spent="Its day is over.")
    votes(many, keep=2)
    votes(few, keep=1)
    assert slugs(sort="needs_voices") == [none.slug, few.slug, many.slug, spent.slug]
    assert slugs(sort="most_votes") == [many.slug, few.slug, none.slug, spent.slug]


@both_databases
def test_closest_goes_by_the_lead_among_closed_ones_whichever_choice_leads(app):
    theme = a_theme(title="Closed", closes=NOON + DAY)
    wide, close, tied, silent = (a_regulation(theme, title=title) for title in "ABCD")
    still_open = a_regulation(a_theme(title="Open"), title="E")
    votes(wide, scrap=4, improve=0, keep=1)
    votes(close, scrap=1, improve=4, keep=3)
    votes(tied, scrap=0, improve=1, keep=1)
    votes(still_open, scrap=1, keep=1)
    after = NOON + 2 * DAY
    assert slugs(after, sort="closest")[:3] == [tied.slug, close.slug, wide.slug]
    assert slugs(after, sort="closest")[3:] == [still_open.slug, silent.slug]


@both_databases
def test_closing_soonest_puts_the_next_to_close_first_and_the_long_closed_last(app):
    long_closed = a_regulation(a_theme(opens=NOON - 30 * DAY, closes=NOON - 20 * DAY))
    just_closed = a_regulation(a_theme(closes=NOON - DAY))
    upcoming = a_regulation(a_theme(opens=NOON + DAY, closes=NOON + 2 * DAY))
    later = a_regulation(a_theme(closes=NOON + 9 * DAY))
    soon = a_regulation(a_theme(closes=NOON + DAY))
    assert slugs(sort="closing_soonest") == [r.slug for r in (soon, later, upcoming, just_closed, long_closed)]


@both_databases
def test_every_filter_narrows_and_they_narrow_together(app):
    theme = a_theme(title="Water")
    department = a_department("Example Water Office")
    wanted = a_regulation(theme, department=department, sectors=("water",))
    a_regulation(theme)
    a_regulation(department=department)
    upcoming = a_regulation(a_theme(opens=NOON + DAY))
    assert slugs(theme="water", department="example-water-office", stage="open", sector="water") == [wanted.slug]
    assert slugs(stage="upcoming") == [upcoming.slug]
    assert slugs(theme="nowhere") == slugs(stage="zzz") == slugs(outcome="zzz") == []


@both_databases
def test_theme_numbers_add_up_the_theme_alone(app):
    theme = a_theme(title="Water")
    one = a_regulation(theme)
    a_regulation(theme, spent="Its day is over.")
    elsewhere = a_regulation()
    votes(one, keep=2)
    votes(elsewhere, keep=1)
    numbers = queries.theme_numbers()["water"]
    assert (numbers.regulations, numbers.settled, numbers.spent, numbers.answers, numbers.reasons) == (2, 1, 1, 2, 2)


def test_a_row_in_a_download_has_the_contracts_fields_in_their_order(app):
    theme = a_theme(title="Water", closes=NOON + timedelta(hours=12))
    regulation = a_regulation(theme)
    row = regulation_row(queries.regulation(regulation.slug, NOON), "https://example.org/x")
    assert tuple(row) == REGULATION_FIELDS
    assert row["citation"] == f"uksi {regulation.year}/{regulation.number}"
    assert (row["theme"], row["department"], row["stage"]) == ("water", "Example Department", "open")
    assert row["closes_on"] == NOON.date(), "midnight belongs to the day before"


def test_a_regulation_nobody_listed_is_not_found(app):
    with pytest.raises(NotFound):
        queries.regulation("uksi-1900-1", NOON)


def test_a_themes_list_is_read_through_the_indexes_on_sqlite(app):
    plan = _plan(Wanted(theme="water", sort="needs_voices"), sqlite.dialect(), "EXPLAIN QUERY PLAN ")
    for index in ("ix_regulation_theme_settled", "ix_decision_regulation_id", "tally_total"):
        assert index in plan, plan
    assert "SCAN decision" not in plan, plan
    assert "SCAN regulation" not in plan, plan


@pytest.mark.parametrize("app", ["postgresql"], indirect=True)
def test_a_themes_list_can_be_read_through_the_indexes_on_postgresql(app):
    db.session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = _plan(Wanted(theme="water", sort="needs_voices"), postgresql.dialect(), "EXPLAIN ")
    for index in ("ix_regulation_theme_settled", "ix_decision_regulation_id", "pk_tally_total", "uq_theme_slug"):
        assert index in plan, plan


def _plan(wanted: Wanted, dialect, explain: str) -> str:
    query = queries.regulations_query(wanted, NOON)
    text = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    rows = db.session.connection().exec_driver_sql(explain + text.replace("%", "%%"))
    return "\n".join(str(row) for row in rows)
