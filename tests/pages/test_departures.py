"""The decision log asked where it departs from what the people of one capacity asked for."""

import csv
import io

import pytest

from accounts.rules import Capacity
from decisions.rules import Outcome
from tests.conftest import both_databases
from tests.factories import a_decision, a_frozen_theme, a_regulation, a_theme, a_vote
from voting.rules import Choice

FURTHER = "Differs from the largest group of businesses, 14 of 24, who chose scrap."


@pytest.fixture
def decided(app):
    """Kept against 14 of 24 businesses and 3 of 3 charities, which are too few; and kept as everybody asked."""
    theme = a_theme(title="Retail")
    against, along = (
        a_regulation(theme, title="The Shops Regulations"),
        a_regulation(theme, title="The Mills Regulations"),
    )
    for n in range(24):
        firm = {"capacity": Capacity.BUSINESS, "organisation": f"Firm {n}"}
        a_vote(against, Choice.SCRAP if n < 14 else Choice.KEEP, **firm)
        a_vote(along, Choice.KEEP, **firm)
    for n in range(3):
        a_vote(against, Choice.SCRAP, capacity=Capacity.CHARITY, organisation=f"Charity {n}")
    for _ in range(30):
        a_vote(against, Choice.KEEP)
    a_frozen_theme(theme)
    return a_decision(against, Outcome.KEEP).reference, a_decision(along, Outcome.KEEP).reference


def references(client, query):
    return [row["reference"] for row in client.get(f"/decisions.json{query}").get_json()]


@both_databases
def test_decisions_that_differ_from_what_businesses_asked_can_be_listed_alone_in_every_form(client, decided):
    against, _ = decided
    assert references(client, "?departs=business") == [against]
    rows = list(csv.DictReader(io.StringIO(client.get("/decisions.csv?departs=business").get_data(as_text=True))))
    assert [row["reference"] for row in rows] == [against]
    feed = client.get("/decisions.atom?departs=business").get_data(as_text=True)
    assert feed.count("<entry>") == 1
    assert FURTHER in feed
    page = client.get("/decisions?departs=business").get_data(as_text=True)
    assert "The Shops Regulations" in page
    assert "The Mills Regulations" not in page
    assert references(client, "?departs=business&theme=other") == []


def test_each_row_says_exactly_from_whom_it_differs_and_by_how_much(client, decided):
    against, along = decided
    rows = {row["reference"]: row for row in client.get("/decisions.json").get_json()}
    assert (rows[against]["departs_from"], rows[against]["departures"]) == (["business"], [FURTHER])
    assert (rows[along]["departs_from"], rows[along]["departures"]) == ([], [])
    cell = next(csv.DictReader(io.StringIO(client.get("/decisions.csv?departs=business").get_data(as_text=True))))
    assert (cell["departs_from"], cell["departures"]) == ("business", FURTHER)
    assert client.get("/decisions").get_data(as_text=True).count(FURTHER) == 1


def test_a_group_too_small_to_be_weighed_is_departed_from_by_nothing(client, decided):
    assert references(client, "?departs=charity") == []


def test_the_list_offers_each_capacity_that_was_departed_from_with_how_often(client, decided):
    page = client.get("/decisions").get_data(as_text=True)
    facet = page.partition("Group it differs from")[2].partition("</details>")[0]
    assert "Businesses" in facet
    assert "?departs=business" in facet
    assert "Charities" not in facet
    chosen = client.get("/decisions?departs=business&q=Shops").get_data(as_text=True)
    assert 'name="departs" value="business"' in chosen


@pytest.mark.parametrize("who", ["nobody", "all", "' OR 1", "Business"])
def test_a_capacity_that_there_is_not_finds_nothing_and_breaks_nothing(client, decided, who):
    assert references(client, f"?departs={who}") == []
    assert client.get(f"/decisions?departs={who}").status_code == 200
