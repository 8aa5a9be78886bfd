"""The decision log and a decision's page, as readers, feed readers and spreadsheets see them."""

import csv
import io
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from accounts.rules import Capacity, Role
from analysis.submission_rules import How, Received
from analysis.submissions import enter_submission
from audit.keys import LOG, PROMISE, keys_of_this_site
from audit.services import open_log
from core.db import db, transaction
from decisions.rules import Outcome
from opendata.rules import DECISION_FIELDS
from tests.conftest import application, both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    everything_answered,
    settle_the_record,
    the_record,
)
from tests.queries_counted import queries_counted
from voting.models import Comment
from voting.moderation import hide_comment
from voting.rules import Choice, ModerationRule

ATOM = "{http://www.w3.org/2005/Atom}"
ODD = (
    "page=abc", "page=-1", "page=99999999999999999999", "sort=xyz", "sort=relevance", "outcome=zzz", "comparison=%00",
    "theme=%00", "q=AND+(", "q=a%00b", "q=" + "x" * 10_000, "q=%ED%A0%80", "q=%25_", "department=%27+OR+1",
    "departs=%00", "departs=%27+OR+1", "departs=business",
)  # fmt: skip


def a_decided(title="The Workplace Regulations 1992", outcome=Outcome.KEEP, choices=(Choice.KEEP,), theme="", **given):
    found = a_theme(title=theme)
    regulation = a_regulation(found, title=title)
    for choice in choices:
        a_vote(regulation, choice, text=f"Because of {choice}.")
    a_frozen_theme(found)
    return a_decision(regulation, outcome, **given)


def page(client, address):
    response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"
    return response.get_data(as_text=True)


def references(client, query=""):
    return [row["reference"] for row in client.get(f"/decisions.json{query}").get_json()]


def test_an_empty_log_says_what_will_come(client):
    assert "No decisions yet" in page(client, "/decisions")
    assert (client.get("/decisions.json").get_json(), references(client)) == ([], [])
    assert ElementTree.fromstring(client.get("/decisions.atom").get_data()).findall(f"{ATOM}entry") == []


@both_databases
def test_the_same_rows_as_page_json_csv_and_atom(app, client):
    kept = a_decided("The Kept Regulations 1992", theme="Retail")
    scrapped = a_decided("The Scrapped Regulations 1993", Outcome.SCRAP, theme="Water", now=NOON + 30 * DAY)
    text = page(client, "/decisions")
    assert text.index("The Scrapped Regulations 1993") < text.index("The Kept Regulations 1992")
    assert "Departs from the vote" in text
    assert "Goes with the vote" in text
    scrap, keep = client.get("/decisions.json").get_json()
    assert set(keep) == {*DECISION_FIELDS, "demonstration"}
    assert keep | {"url": "", "reasons": ""} == {
        "reference": kept.reference, "slug": kept.regulation.slug, "title": "The Kept Regulations 1992",
        "theme": "retail", "department": "Example Department", "outcome": "keep", "reasons": "",
        "decided_by": kept.decided_by, "approved_by": kept.approved_by, "published_at": "2026-03-22T12:00:00Z",
        "agrees_with_vote": True, "supersedes": None, "superseded_by": None, "url": "", "demonstration": True,
        "direction": None, "statement": kept.statement, "participants": 1, "scrap": 0, "improve": 0, "keep": 1,
        "departs_from": [], "departures": [],
    }  # fmt: skip
    assert keep["url"].endswith(f"/decisions/{kept.reference}")
    assert (scrap["agrees_with_vote"], scrap["reasons"]) == (False, scrapped.reasons)
    rows = list(csv.DictReader(io.StringIO(client.get("/decisions.csv").get_data(as_text=True), newline="")))
    assert [row["reference"] for row in rows] == [scrapped.reference, kept.reference]
    assert list(rows[0]) == [*DECISION_FIELDS, "demonstration"]
    assert [row["agrees_with_vote"] for row in rows] == ["false", "true"]
    entries = ElementTree.fromstring(client.get("/decisions.atom").get_data()).findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "Demonstration: no such decision was made – Scrap: The Scrapped Regulations 1993",
        "Demonstration: no such decision was made – Keep: The Kept Regulations 1992",
    ]


def test_a_card_says_which_office_decided_and_which_department_is_responsible(client):
    decision = a_decided("The Kept Regulations 1992")
    for address in ("/decisions", "/"):
        card = words_in(page(client, address).partition('<li class="card card--decision')[2].partition("</li>")[0])
        assert f"Decided by {decision.decided_by} on 22 March 2026" in card, address
        assert "Department responsible: Example Department" in card, address


def test_a_decision_says_once_how_it_compares_with_the_vote(client):
    decision = a_decided(outcome=Outcome.IMPROVE, choices=(Choice.IMPROVE, Choice.IMPROVE, Choice.KEEP))
    text = words_in(page(client, f"/decisions/{decision.reference}"))
    assert text.count("The same as the largest group chose: improve, 2 of 3; clearer, 2 of 2.") == 1
    assert "goes with the vote" not in text.lower()


def words_in(html):
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))


def test_a_real_site_calls_nothing_a_demonstration(tmp_path):
    app = application(
        tmp_path,
        SITE_MODE="production",
        SITE_URL="https://review.example",
        MAIL_URL="smtp://localhost:1",
        SITE_CONTACT="The review team, Example House, London",
        SECRET_KEY="a secret for tests that is long enough",
    )
    with app.app_context():
        keys = keys_of_this_site()
        with transaction():
            open_log(
                origin="review.example/log",
                log_key=keys.make(LOG),
                promise_key=keys.make(PROMISE),
                demonstration=False,
                now=NOON - 60 * DAY,
            )
        reference = a_decided().reference
        client = app.test_client()
        (row,) = client.get("/decisions.json").get_json()
        assert "demonstration" not in row
        assert row["url"] == f"https://review.example/decisions/{reference}"
        for address in ("/decisions", f"/decisions/{reference}", "/decisions.atom", f"/decisions/{reference}.json"):
            assert "emonstration" not in client.get(address).get_data(as_text=True), address
        db.session.remove()
        db.engine.dispose()


def test_a_text_in_the_log_is_no_formula_in_a_spreadsheet(client):
    a_decided(reasons="=HYPERLINK(0), and that is all there is to say about this matter.")
    (row,) = csv.DictReader(io.StringIO(client.get("/decisions.csv").get_data(as_text=True), newline=""))
    assert row["reasons"].startswith("'=HYPERLINK")


def test_the_log_is_found_by_words_citation_and_facets(client):
    kept = a_decided("The Café Hygiene Regulations 1992", theme="Hospitality")
    scrapped = a_decided("The Bathing Water Regulations 1993", Outcome.SCRAP, theme="Water", now=NOON + 30 * DAY)
    citation = f"{kept.regulation.year}/{kept.regulation.number}"
    for query, found in (
        ("?q=cafes", [kept]),
        (f"?q={citation}", [kept]),
        ("?q=bathing+waters&theme=water", [scrapped]),
        ("?q=bathing&theme=hospitality", []),
        ("?outcome=scrap", [scrapped]),
        ("?comparison=too_few&sort=title", [scrapped, kept]),
        ("?department=example-department&sort=oldest", [kept, scrapped]),
        ("?outcome=abolish", []),
    ):
        assert references(client, query) == [decision.reference for decision in found], query
        text = page(client, f"/decisions{query}")
        for decision in (kept, scrapped):
            assert (decision.regulation.title in text) == (decision in found), query
    assert "No decision fits all of that" in page(client, "/decisions?q=nothing+like+it")


def test_facets_are_counted_under_the_others(client):
    a_decided(theme="Hospitality")
    a_decided(outcome=Outcome.SCRAP, theme="Water")
    text = page(client, "/decisions?theme=water")
    labels = re.findall(r'class="facet__label">([^<]+)</span> <span class="facet__count">.*?</span>(\d+)<', text)
    assert ("Scrap", "1") in labels
    assert "Keep" not in dict(labels)
    assert {("Hospitality", "1"), ("Water", "1")} <= set(labels)
    assert 'href="/decisions?theme=water&amp;outcome=scrap"' in text
    assert 'href="/decisions.csv?theme=water"' in text


def test_twenty_to_a_page_and_every_row_in_the_download(client):
    theme = a_theme()
    regulations = [a_regulation(theme) for _ in range(22)]
    a_frozen_theme(theme)
    for regulation in regulations:
        a_decision(regulation)
    first, second, beyond = (page(client, f"/decisions?page={n}") for n in (1, 2, 99))
    assert [text.count("card--decision") for text in (first, second, beyond)] == [20, 2, 2]
    assert len(references(client, "?page=2")) == 22


def test_the_log_asks_no_more_for_more(client):
    counted = []
    for _ in range(2):
        a_decided()
        client.get("/decisions?q=workplace&sort=oldest")  # so that the search index is open
        with queries_counted() as sent:
            page(client, "/decisions?q=workplace&outcome=keep")
        counted.append(len(sent))
    assert counted[0] == counted[1] <= 10


@pytest.mark.parametrize("query", ODD)
@both_databases
def test_no_address_breaks_the_log(app, client, query):
    a_decided()
    for address in (f"/decisions?{query}", f"/decisions.json?{query}", f"/decisions.atom?{query}"):
        assert client.get(address).status_code == 200, address


def test_while_search_is_rebuilt_titles_are_looked_through(app, client):
    reference = a_decided("The Café Hygiene Regulations 1992").reference
    a_decided("The Bathing Water Regulations 1993")
    folder, away = Path(app.config["DATA_DIR"]) / "search", Path(app.config["DATA_DIR"]) / "search-away"
    folder.rename(away)
    folder.write_text("not a folder")
    try:
        text = page(client, "/decisions?q=hygiene")
        assert "Search is being rebuilt" in text
        assert references(client, "?q=hygiene") == [reference]
    finally:
        folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        away.rename(folder)


def test_a_decision_says_what_why_how_it_stands_to_the_vote_and_who(client):
    decision = a_decided(outcome=Outcome.IMPROVE, choices=(Choice.KEEP, Choice.KEEP, Choice.SCRAP))
    text = page(client, f"/decisions/{decision.reference}")
    (headline,) = re.findall(r"<h1.*?</h1>", text, re.S)
    for said in ("Demonstration: no such decision was made.", "Improve", "clearer", decision.statement):
        assert said in headline, said
    for said in (
        decision.reasons, decision.departure_reason, "An inspection report of 2025.", decision.decided_by,
        decision.approved_by, "22 March 2026", "Differs from the largest group, who chose keep: 2 of 3.",
        "Why it departs from the vote", "Members of the public", f"/record/{decision.entry_id}",
    ):  # fmt: skip
        assert said in text, said


def test_cited_reasons_are_shown_with_their_lines_unless_hidden_since(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation, Choice.KEEP, text="It keeps <i>people</i> safe.")
    a_frozen_theme(theme)
    comment = db.session.scalars(select(Comment)).one()
    line = comment.entry_id
    reference = a_decision(regulation, cited_comments=(comment.public_id,)).reference
    text = page(client, f"/decisions/{reference}")
    assert "It keeps &lt;i&gt;people&lt;/i&gt; safe." in text
    assert f'href="/record/{line}"' in text
    moderator = a_member_of_staff("moderator")
    with transaction():
        hide_comment(
            comment=db.session.scalars(select(Comment)).one(),
            rule=ModerationRule.PERSONAL_DATA,
            reason="It names a neighbour and their address.",
            by=moderator,
            now=NOON,
        )
    settle_the_record()
    text = page(client, f"/decisions/{reference}")
    assert "It keeps &lt;i&gt;people" not in text
    assert "A moderator hid this reason" in text


def test_a_cited_petition_shows_its_signatures_and_that_they_are_no_votes(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation)
    clerk = a_member_of_staff(Role.ANALYST)
    petition = Received(How.PETITION, Capacity.PUBLIC, NOON.date(), "Let it stay.", signatures=1204)
    with transaction():
        here = {"theme": db.session.merge(theme), "regulation": db.session.merge(regulation)}
        sent = enter_submission(**here, received=petition, by=clerk, now=NOON).reference
    a_frozen_theme(theme)
    everything_answered(regulation)
    settle_the_record()
    decision = a_decision(regulation, cited_submissions=(sent,))
    text = page(client, f"/decisions/{decision.reference}")
    assert "<strong>1,204 signatures</strong>, not votes" in text
    assert f'<a href="/submissions/{sent}">{sent}</a>, which came as a petition' in text
    assert decision.tally["participants"] == 1


def test_both_versions_of_a_superseded_decision_stand_side_by_side(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    first = a_decision(regulation, statement="It stays exactly as it is.")
    second = a_decision(regulation, Outcome.SCRAP, now=NOON + 60 * DAY, statement="It goes after all, from next April.")
    for decision, other in ((first, second), (second, first)):
        text = page(client, f"/decisions/{decision.reference}")
        assert f'href="/decisions/{other.reference}"' in text
        assert "It stays exactly as it is." in text
        assert "It goes after all, from next April." in text
    assert "A later decision has taken this one’s place" in page(client, f"/decisions/{first.reference}")
    rows = {row["reference"]: row for row in client.get("/decisions.json").get_json()}
    assert rows[first.reference]["superseded_by"] == second.reference
    assert rows[second.reference]["supersedes"] == first.reference


def test_what_differs_between_two_decisions_is_marked_in_words_too(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    first = a_decision(regulation, statement="It stays exactly as it is today.").reference
    second = a_decision(regulation, now=NOON + 60 * DAY, statement="It stays exactly as it was before.").reference
    elsewhere = a_decided().reference
    address = f"/decisions/{first}/compare/{second}"
    assert f'href="{address}"' in page(client, f"/decisions/{first}")
    for asked in (address, f"/decisions/{second}/compare/{first}"):
        text = page(client, asked)
        assert '<del><span class="govuk-visually-hidden">taken out: </span>is today.' in text
        assert '<ins><span class="govuk-visually-hidden">put in: </span>was before.' in text
        assert text.index("is today.") < text.index("was before.")
        assert "Demonstration: no such decision was made" in text
    for other in (elsewhere, first, "2026-9999"):
        assert client.get(f"/decisions/{first}/compare/{other}").status_code == 404, other


def test_a_decision_as_data_lets_anyone_recompute_what_the_record_commits_to(client):
    import hashlib

    import rfc8785

    decision = a_decided(outcome=Outcome.IMPROVE)
    said = client.get(f"/decisions/{decision.reference}.json").get_json()
    words = {name: said[name] or "" for name in ("statement", "reasons", "departure_reason", "direction")}
    further = ("comparisons", "legal_route", "consultation", "responsible", "due_on", "review_on")
    words |= {name: said[name] for name in ("evidence", *further) if said[name] not in (None, "", {})}
    digest = hashlib.sha256(rfc8785.dumps(words)).hexdigest()
    assert digest == the_record("decision")[0]["statement_sha256"] == said["statement_sha256"]
    assert said["demonstration"] is True
    assert said["tally"]["keep"] == 1


def test_an_unknown_reference_is_not_found(client):
    for address in ("/decisions/2026-9999", "/decisions/2026-9999.json", "/decisions/%00", "/decisions/" + "x" * 5000):
        assert client.get(address).status_code == 404, address


def test_the_log_is_the_same_for_everyone(client):
    reference = a_decided().reference
    for address in ("/decisions", "/decisions.csv", f"/decisions/{reference}"):
        response = client.get(address)
        assert "Set-Cookie" not in response.headers
        assert "Cookie" not in response.headers.get("Vary", "")
        assert response.headers["Cache-Control"].startswith("public")
        again = client.get(address, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304
