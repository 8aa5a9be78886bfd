"""The feed beside whatever can be followed tells what a mail would tell, and nothing else."""

import re
from xml.etree import ElementTree

import pytest

from core.db import db
from notices.queries import thing
from notices.rules import Followed
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
    settle_the_record,
)
from tests.opendata import aftermath
from tests.queries_counted import queries_counted
from voting.rules import Choice

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def decided(app):
    """Shops decided with steps under Retail; mills listed under Water, and votes on both."""
    shops, mills = a_theme(title="Retail"), a_theme(title="Water")
    found, other = (
        a_regulation(shops, title="The Shops Regulations"),
        a_regulation(mills, title="The Mills Regulations"),
    )
    a_vote(found, Choice.KEEP, text="Because of shops.")
    a_vote(other, Choice.KEEP)
    a_frozen_theme(shops)
    decision = a_decision(found, now=NOON + 10 * DAY)
    aftermath.steps_follow(decision)
    settle_the_record()
    return decision


def titles(client, query):
    response = client.get(f"/regulations.atom?{query}")
    assert response.status_code == 200
    assert response.mimetype == "application/atom+xml"
    feed = ElementTree.fromstring(response.get_data())
    return [entry.findtext(f"{ATOM}title") for entry in feed.findall(f"{ATOM}entry")]


@both_databases
def test_the_feed_of_a_theme_tells_decisions_steps_and_listings_and_no_votes(client, decided):
    told = titles(client, "theme=retail")
    assert any(f"Decision {decided.reference} was published" in one for one in told)
    assert any("step towards what was decided" in one for one in told)
    assert any("was listed under" in one for one in told)
    assert not any("vote" in one.lower() or "Mills" in one for one in told)


@pytest.mark.parametrize("query", ["q=shop", "department=example-department&q=shops", "theme=retail&outcome=keep"])
def test_the_feed_of_a_search_finds_what_the_mail_of_it_would(client, decided, query):
    told = titles(client, query)
    assert any("was published" in one for one in told)
    assert not any("Mills" in one for one in told)


def test_a_search_that_finds_nothing_has_an_empty_feed(client, decided):
    assert titles(client, "q=shops+nobody") == []
    assert titles(client, "theme=nowhere") == []


@pytest.mark.parametrize("query", ["q=%00", "theme=%00", "q=" + "x" * 5_000, "sector=%27", "stage=open", ""])
def test_no_address_breaks_it(client, decided, query):
    titles(client, query)


def test_days_that_go_by_are_told_in_the_feed_of_their_theme(client, app):
    a_regulation(a_theme(title="Closed"))
    aftermath.days_go_by()
    settle_the_record()
    moved = {slug for (slug,) in db.session.execute(db.select(Theme.slug))}
    told = [one for slug in moved for one in titles(client, f"theme={slug}")]
    assert any("were due went by" in one for one in told)
    assert any("moved the day" in one for one in told)


def test_each_page_from_which_something_is_followed_offers_its_feed_and_so_does_the_page_to_follow_it(client, decided):
    for page, feed in (
        ("/themes/retail", "/regulations.atom?theme=retail"),
        ("/regulations?q=shop", "/regulations.atom?q=shop"),
        ("/regulations?department=example-department", "/regulations.atom?department=example-department"),
        (f"/regulations/{decided.regulation.slug}", f"/regulations/{decided.regulation.slug}/history.atom"),
    ):
        assert re.search(rf'<a href="{re.escape(feed)}"', client.get(page).text), page
        assert client.get(feed).status_code == 200
    for kind, key in (
        (Followed.THEME, "retail"),
        (Followed.DEPARTMENT, "example-department"),
        (Followed.SEARCH, "q=shop"),
    ):
        assert thing(kind, key).feed.startswith("/regulations.atom?")


def test_it_asks_no_more_for_more(client, decided):
    counted = []
    for _ in range(2):
        client.get("/regulations.atom?q=shop")
        with queries_counted() as sent:
            client.get("/regulations.atom?q=shop")
        counted.append(len(sent))
        for n in range(3):
            a_regulation(db.session.scalar(db.select(Theme).filter_by(slug="retail")), title=f"The {n} Shops Rules")
        settle_the_record()
    assert counted[0] == counted[1] <= 10
