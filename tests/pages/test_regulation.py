"""A regulation's own page at every stage, and the same as data."""

from sqlalchemy import select

from accounts.rules import Capacity, Role
from core import clock
from core.db import db, transaction
from decisions.rules import Outcome
from opendata.rules import REGULATION_FIELDS
from regulations.rules import Split
from regulations.services import close_early
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
)
from tests.pages.readers import a_reason, behind, hide, no_reason, page, words_of
from tests.queries_counted import queries_counted
from voting.models import Comment
from voting.rules import Choice, Direction
from voting.services import cast_vote

SCRAP, IMPROVE, KEEP = Choice
NONSENSE = (
    "page=abc", "page=-1", "page=999999999999", "page=" + "9" * 5000, "choice=zzz", "capacity=zzz", "sort=xyz",
    "q=AND+(", "q=%22", "q=%00", "q=" + "x" * 10_000, "q=%F0%9F%90%9D", "q=%ED%A0%80", "choice=%00&capacity=%00",
)  # fmt: skip


def test_an_open_regulation_says_what_it_is_until_when_and_leads_to_the_ballot(client):
    regulation = a_regulation(title="Clean Workplaces Regulations 1992", sectors=("retail",), binds="Shops with staff")
    html = client.get(f"/regulations/{regulation.slug}").text
    opening = words_of("<main>" + html.partition('<div class="opening')[2].partition('<div class="columns')[0])
    for words in ("Clean Workplaces", "Makes employers keep", "Open", "Closes Monday 9 March 2026", "7 days left"):
        assert words in opening
    assert html.count(f'href="/regulations/{regulation.slug}/vote"') >= 2
    assert html.rindex('class="say-bar"') > html.rindex('id="trail"')
    text = words_of(html)
    for words in (
        "Shops with staff", "Employers must keep workplaces clean.", "Example Department", "1 January 1993", "Retail",
        regulation.citation.official, "not checked yet whether it is still in force", "No one has answered yet",
    ):  # fmt: skip
        assert words in text
    assert f'href="{regulation.link}"' in html


def test_the_tally_is_shown_by_choice_by_capacity_and_by_level_with_how_many_gave_a_reason(client):
    regulation = a_regulation()
    a_vote(regulation, SCRAP, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    a_vote(regulation, IMPROVE, direction=Direction.STRICTER)
    no_reason(regulation)
    settle_the_record()
    text = page(client, f"/regulations/{regulation.slug}")
    for words in (
        "3 people", "of 3 people, 1 would scrap it", "2 of 3 gave a reason", "Businesses", "Members of the public",
        "Email confirmed", "stricter", "they do not make it", "Counted at",
    ):  # fmt: skip
        assert words in text, words


def test_the_two_strongest_reasons_for_each_choice_stand_side_by_side(client):
    regulation = a_regulation()
    for n in range(3):
        public_id = a_reason(regulation, f"A reason to keep it, number {n}.")
        for _ in range(n):
            behind(regulation, public_id)
    a_reason(regulation, "A reason to scrap it.", SCRAP)
    settle_the_record()
    html = client.get(f"/regulations/{regulation.slug}").text
    assert html.index("number 2.") < html.index("number 1.")
    assert "number 0." not in html
    assert "A reason to scrap it." in html
    assert f'href="/regulations/{regulation.slug}/comments?choice=keep">All 3 reasons to keep' in html


def test_an_upcoming_regulation_says_when_it_opens_and_takes_no_votes(client):
    regulation = a_regulation(a_theme(opens=NOON + DAY, closes=NOON + 8 * DAY))
    html = client.get(f"/regulations/{regulation.slug}").text
    assert "You can have your say from Tuesday 3 March 2026" in words_of(html)
    assert "/vote" not in html


def test_a_spent_regulation_says_why_and_asks_nobody(client):
    regulation = a_regulation(spent="Revoked on 1 May 2020 by SI 2020/100.")
    html = client.get(f"/regulations/{regulation.slug}").text
    assert "Revoked on 1 May 2020 by SI 2020/100." in html
    assert "/vote" not in html
    assert "What people chose" not in html


def test_a_closed_regulation_says_when_its_decision_is_due_and_since_when_it_is_overdue(client):
    theme = a_theme(closes=NOON - DAY)
    regulation = a_regulation(theme)
    assert "Decision due by" in page(client, f"/regulations/{regulation.slug}")
    with clock.pretending(NOON + 100 * DAY):
        text = page(client, f"/regulations/{regulation.slug}")
    assert "Decision overdue by 11 days" in text
    assert "Nobody answered while the window was open." in text


def test_closing_early_is_told_with_its_reason(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    official = a_member_of_staff(Role.OFFICIAL)
    with transaction():
        close_early(theme=db.session.merge(theme), reason="The rules are replaced next week.", by=official, now=NOON)
    assert "closed early: The rules are replaced next week." in page(client, f"/regulations/{regulation.slug}")


def test_a_decided_regulation_begins_with_the_decision_beside_the_vote(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    for _ in range(21):
        no_reason(regulation, KEEP)
    a_frozen_theme(theme)
    first = a_decision(regulation, Outcome.KEEP).reference
    second = a_decision(regulation, Outcome.SCRAP, now=NOON + 30 * DAY).reference
    html = client.get(f"/regulations/{regulation.slug}").text
    text = words_of(html)
    assert html.index('id="decision"') < html.index('id="about"')
    assert f'href="/decisions/{second}">The regulation will be decided as scrap.' in html
    assert f'href="/decisions/{first}"' in html
    assert "Differs from the largest group, who chose keep: 21 of 21." in text
    assert "The count has been final since" in text
    assert "/vote" not in html


def test_a_decided_regulations_first_screen_says_what_was_decided(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation, IMPROVE)
    a_frozen_theme(theme)
    a_decision(regulation, Outcome.IMPROVE)
    html = client.get(f"/regulations/{regulation.slug}").text
    opening = words_of("<main>" + html.partition('<div class="opening')[2].partition('<div class="columns')[0])
    assert "Improve clearer" in opening
    assert words_of(html).count("The same as the largest group chose: improve, 1 of 1; clearer, 1 of 1.") == 1


def test_the_trail_holds_the_votes_of_every_stage_and_counts_what_it_leaves_out(client):
    theme = a_theme(opens=NOON - 20 * DAY)
    regulation = a_regulation(theme)
    for n in range(9):
        no_reason(regulation, KEEP, now=NOON - n * DAY)
    settle_the_record()
    address = f"/regulations/{regulation.slug}"
    trail = page(client, address).partition("Its trail")[2]
    assert trail.count("1 vote counted: 1 keep") == 7
    assert "2 earlier votes on 2 days, and more: the whole history" in page(client, address)
    a_frozen_theme(theme)
    a_decision(regulation)
    text = page(client, address)
    assert "Decision 2026-0001 was published" in text
    assert text.count("1 vote counted: 1 keep") == 5
    assert "4 earlier votes on 4 days, and more: the whole history" in text
    quiet = a_regulation(theme)
    assert "the whole history" not in page(client, f"/regulations/{quiet.slug}")


def test_in_a_demonstration_every_reason_says_so(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    given, inventor = a_reason(regulation, "It keeps us safe at work."), a_voter()
    with transaction():
        ballot = a_ballot(KEEP, "It is short enough to read.")
        cast_vote(voter=inventor, regulation=regulation, ballot=ballot, now=NOON, demonstration=True)
    invented = db.session.scalars(select(Comment.public_id).filter_by(demonstration=True)).one()
    a_frozen_theme(theme)
    reference = a_decision(regulation, cited_comments=(given, invented)).reference
    here = f"/regulations/{regulation.slug}"
    for address in (here, f"{here}/comments", f"/decisions/{reference}"):
        text = page(client, address)
        assert text.count("Demonstration: nobody wrote this") == 1, address
        assert text.count("Demonstration: written to try this site out") == 1, address


def test_after_the_close_what_nobody_gave_will_not_come_any_more(client):
    theme = a_theme()
    answered, silent = a_regulation(theme), a_regulation(theme)
    a_reason(answered, "It keeps us safe at work.")
    settle_the_record()
    here, there = (f"/regulations/{regulation.slug}" for regulation in (answered, silent))
    assert page(client, here).count("No one has given a reason for this yet.") == 2
    assert "No one has answered yet" in page(client, f"{there}/evidence")
    with clock.pretending(NOON + 8 * DAY):
        assert page(client, here).count("Nobody gave a reason for this.") == 2
        assert "Nobody answered while the window was open." in page(client, there)
        assert "Nobody answered" in page(client, f"{there}/evidence")
        assert "Nobody gave a reason" in page(client, f"{there}/comments")
        for address in (here, there, f"{there}/evidence", f"{there}/comments"):
            assert "No one has" not in page(client, address), address


def test_a_folded_split_is_folded_with_its_time_and_opens_with_the_close(client):
    theme = a_theme(split=Split.FOLDED)
    regulation = a_regulation(theme)
    no_reason(regulation, SCRAP)
    settle_the_record()
    html = client.get(f"/regulations/{regulation.slug}").text
    assert "Show how they are split" in html
    assert "Counted at" in html
    with clock.pretending(NOON + 8 * DAY):
        assert "Show how they are split" not in client.get(f"/regulations/{regulation.slug}").text


@both_databases
def test_a_kept_split_shows_only_how_many_until_the_count_is_final(app):
    client, theme = app.test_client(), a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    a_reason(regulation, "They are a burden on us.", SCRAP)
    settle_the_record()
    addresses = [f"/regulations/{regulation.slug}{end}" for end in ("", "/comments", "/evidence")]
    for address in addresses:
        html = client.get(address).text
        assert "burden" not in html
        assert "would scrap it" not in html
        assert "kept until" in html
    assert "1 person" in page(client, addresses[0])
    row = client.get(f"/regulations/{regulation.slug}.json").get_json()
    assert (row["participants"], row["scrap"], row["by_capacity"][0]["scrap"]) == (1, None, None)
    assert client.get(f"/regulations/{regulation.slug}/comments.json").get_json() == []
    assert client.get(f"/regulations/{regulation.slug}/evidence.json").get_json()["rows"][0]["scrap"] is None
    a_frozen_theme(theme)
    for address in addresses[:2]:
        assert "burden" in client.get(address).text, address
    assert "would scrap it" in client.get(addresses[2]).text
    assert client.get(f"/regulations/{regulation.slug}.json").get_json()["scrap"] == 1


def test_the_regulation_as_data_has_the_fields_of_its_row_and_its_tallies(client):
    regulation = a_regulation()
    a_vote(regulation, SCRAP, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    a_vote(regulation, KEEP)
    settle_the_record()
    row = client.get(f"/regulations/{regulation.slug}.json").get_json()
    assert row.keys() >= {*REGULATION_FIELDS, "demonstration"}
    listed = next(r for r in client.get("/regulations.json").get_json() if r["slug"] == regulation.slug)
    assert {name: row[name] for name in REGULATION_FIELDS} == {name: listed[name] for name in REGULATION_FIELDS}
    named = [(part["capacity"], part["label"]) for part in row["by_capacity"]]
    assert named == [("public", "Members of the public"), ("business", "Businesses")]
    assert [(part["level"], part["label"]) for part in row["by_level"]] == [(1, "Email confirmed")]
    for parts in (row["by_capacity"], row["by_level"]):
        assert sum(part["participants"] for part in parts) == row["participants"] == 2
        assert sum(part["scrap"] for part in parts) == row["scrap"] == 1


def test_the_evidence_adds_up_over_capacities_and_levels(client):
    regulation = a_regulation()
    for choice, capacity in ((SCRAP, Capacity.BUSINESS), (KEEP, Capacity.PUBLIC), (KEEP, Capacity.BUSINESS)):
        no_reason(regulation, choice, capacity=capacity, organisation="A Bakery" if capacity == "business" else "")
    settle_the_record()
    rows = client.get(f"/regulations/{regulation.slug}/evidence.json").get_json()["rows"]
    crossed = [row for row in rows if row["part"] == "capacity_and_level"]
    assert {(row["capacity"], row["level"]): row["participants"] for row in crossed} == {
        ("public", 1): 1,
        ("business", 1): 2,
    }
    assert "Businesses 2 1 0 1 Email confirmed 2 1 0 1" in page(client, f"/regulations/{regulation.slug}/evidence")


@both_databases
def test_nonsense_in_the_address_is_no_fault(app):
    regulation = a_regulation()
    a_vote(regulation)
    settle_the_record()
    client = app.test_client()
    for end in ("", ".json", "/comments", "/comments.csv", "/evidence"):
        for query in NONSENSE:
            address = f"/regulations/{regulation.slug}{end}?{query}"
            assert client.get(address).status_code == 200, address[:120]
    for end in ("", ".json", "/comments", "/comments.json", "/history", "/history.atom", "/evidence"):
        for slug in ("uksi-1066-1", "%00", "a%00b", "%F0%9F%90%9D", "%ED%A0%80", "x" * 3000):
            assert client.get(f"/regulations/{slug}{end}").status_code == 404, slug[:20] + end


@both_databases
def test_pages_ask_as_often_however_much_there_is_and_know_nobody(app):
    theme = a_theme()
    regulation = a_regulation(theme)
    client, address, numbers = app.test_client(), f"/regulations/{regulation.slug}", []
    for votes in (2, 25):
        for n in range(votes):
            public_id = a_reason(regulation, f"Reason {votes}.{n} of several.", Choice(list(Choice)[n % 3]))
        settle_the_record()
        hide(public_id)
        for end in ("", ".json", "/comments", "/comments?q=reason&choice=keep", "/evidence"):
            with queries_counted() as asked:
                answer = client.get(address + end)
            assert "Set-Cookie" not in answer.headers
            assert "Cookie" not in answer.headers.get("Vary", "")
            numbers.append(len([statement for statement in asked if statement != "BEGIN"]))
    assert numbers[:5] == numbers[5:]
    assert max(numbers) <= 10
    a_frozen_theme(theme)
    a_decision(regulation)
    with queries_counted() as asked:
        client.get(address)
    assert len([statement for statement in asked if statement != "BEGIN"]) <= 10


def test_an_unchanged_page_is_answered_in_a_word(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, KEEP, voter)
    settle_the_record()
    address = f"/regulations/{regulation.slug}"
    tag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    a_vote(regulation, SCRAP, voter)
    settle_the_record()
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200
