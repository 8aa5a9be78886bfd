"""The reasons on one regulation: found, narrowed, hidden by rule, and never more than text."""

import csv
import io
import re

import pytest

from accounts.rules import Capacity
from tests.factories import (
    DAY,
    NOON,
    a_regulation,
    a_vote,
    settle_the_record,
)
from tests.pages.readers import a_reason, behind, hide, page, words_of
from voting.rules import Choice

SCRAP, IMPROVE, KEEP = Choice


@pytest.fixture
def reasons(client):
    """A regulation with five reasons, and a function that lists those a query finds, in their order."""
    regulation = a_regulation()
    written = [
        ("The forms eat our evenings.", SCRAP, Capacity.BUSINESS, 0),
        ("Inspections keep the kitchens clean.", KEEP, Capacity.PUBLIC, 2),
        ("Without it nobody would sweep the floors.", KEEP, Capacity.BUSINESS, 1),
        ("Say in plain words what is clean.", IMPROVE, Capacity.CHARITY, 0),
        ("Cleaner cafés draw more guests.", KEEP, Capacity.PUBLIC, 0),
    ]
    for n, (text, choice, capacity, supports) in enumerate(written):
        organisation = "Example Ltd" if capacity.speaks_for_organisation else ""
        when = NOON - (len(written) - n) * DAY
        public_id = a_reason(regulation, text, choice, capacity=capacity, organisation=organisation, now=when)
        for _ in range(supports):
            behind(regulation, public_id, choice)
    settle_the_record()

    def found(query=""):
        rows = client.get(f"/regulations/{regulation.slug}/comments.json?{query}").get_json()
        shown = client.get(f"/regulations/{regulation.slug}/comments?{query}").text
        for row in rows:
            assert f'id="reason-{row["id"]}"' in shown
        assert shown.count('id="reason-') == len(rows)
        return [row["text"].split()[0] for row in rows]

    found.regulation = regulation
    return found


def test_reasons_are_sorted_and_narrowed_by_choice_capacity_and_words(reasons):
    assert reasons() == ["Inspections", "Without", "Cleaner", "Say", "The"]
    assert reasons("sort=newest") == ["Cleaner", "Say", "Without", "Inspections", "The"]
    assert reasons("choice=keep") == ["Inspections", "Without", "Cleaner"]
    assert reasons("capacity=business") == ["Without", "The"]
    assert reasons("choice=keep&capacity=business") == ["Without"]
    assert reasons("q=kitchen") == ["Inspections"]
    assert reasons("q=cafe") == ["Cleaner"]
    assert reasons("q=AND+(") == []


def test_each_filter_says_how_many_there_would_be_under_the_others(client, reasons):
    text = page(client, f"/regulations/{reasons.regulation.slug}/comments?capacity=business")
    assert re.search(r"Keep \( ?1 ?\)", text)
    assert re.search(r"Scrap \( ?1 ?\)", text)
    assert re.search(r"Members of the public \( ?2 ?\)", text)
    assert not re.search(r"Improve \(", text)


def test_a_reason_leads_to_its_line_in_the_record(client, reasons):
    for row in client.get(f"/regulations/{reasons.regulation.slug}/comments.json").get_json():
        assert row["url"].endswith(f"/record/{row['entry']}")
        assert row["demonstration"] is True
        assert row["text"] in client.get(f"/record/{row['entry']}").text


def test_reasons_come_in_pages_of_twenty(client):
    regulation = a_regulation()
    for n in range(23):
        a_vote(regulation, KEEP, text=f"Reason number {n} of many.")
    settle_the_record()
    address = f"/regulations/{regulation.slug}/comments"
    first, second = (client.get(f"{address}?page={n}").text for n in (1, 2))
    assert (first.count('id="reason-'), second.count('id="reason-')) == (20, 3)
    assert "1 to 20 of 23 reasons" in words_of(first)
    assert len(list(csv.DictReader(io.StringIO(client.get(f"{address}.csv").text)))) == 23
    assert client.get(f"{address}?page=99").text.count('id="reason-') == 3


def test_a_hidden_reason_keeps_its_place_with_rule_day_and_office_and_loses_its_words(client):
    regulation = a_regulation()
    public_id = a_reason(regulation, "Ring me on 01632 960000.", display_name="Ann Baker")
    settle_the_record()
    hide(public_id, "Example moderation office")
    address = f"/regulations/{regulation.slug}/comments"
    text = page(client, address)
    assert "It gives somebody’s personal details (Example moderation office, 2 March 2026)" in text
    row = client.get(f"{address}.json").get_json()[0]
    assert (row["text"], row["hidden_on"], row["hidden_office"]) == (None, "2026-03-02", "Example moderation office")
    for everything in (address, f"{address}.json", f"{address}.csv", f"/regulations/{regulation.slug}"):
        body = client.get(everything).text
        assert "960000" not in body
        assert "Ann Baker" not in body
    assert client.get(f"{address}.json?q=960000").get_json() == []


def test_names_are_marked_and_organisations_unnamed_until_checked(client):
    regulation = a_regulation()
    a_vote(regulation, KEEP, display_name="Zoë B.", text="It keeps me safe.")
    a_vote(regulation, KEEP, capacity=Capacity.BUSINESS, organisation="Unchecked Bakery", text="It keeps us safe.")
    settle_the_record()
    for end in ("", "/comments"):
        text = page(client, f"/regulations/{regulation.slug}{end}")
        assert "Zoë B. name not checked" in text
        assert "A business" in text
        assert "Unchecked Bakery" not in text


def test_what_people_wrote_is_shown_as_text(client):
    regulation = a_regulation()
    a_vote(regulation, KEEP, text="<script>alert(1)</script> & more", display_name="<b>Ann</b>")
    settle_the_record()
    for end in ("", "/comments"):
        html = client.get(f"/regulations/{regulation.slug}{end}").text
        assert "<script>alert" not in html
        assert "&lt;b&gt;Ann" in html
