"""We asked, you said, we did: a theme's story from the data, with the dissent, before and after the decisions."""

import pytest

from accounts.rules import Role
from core import clock
from core.db import db, transaction
from decisions.milestones import add_milestone
from decisions.models import Decision
from decisions.rules import Outcome
from decisions.steps import State, Step
from regulations.rules import Split
from tests.analysis.making import a_comment, a_point, put, stands_behind
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    settle_the_record,
)
from tests.pages.readers import page
from tests.queries_counted import queries_counted
from voting.rules import Choice

SCRAP, IMPROVE, KEEP = Choice
ADDRESS = "/themes/shops/we-asked"


@pytest.fixture
def asked(app):
    """A closed theme: three behind a point for scrapping, two behind one for keeping."""
    theme = a_theme(closes=NOON + DAY, title="Shops")
    regulation = a_regulation(theme, title="Shop Hours Regulations 1992")
    a_regulation(theme, title="Unspoken Regulations 1993")
    official = a_member_of_staff(Role.OFFICIAL)
    costs = a_comment(regulation, "It costs a day a month.", SCRAP)
    for _ in range(2):
        stands_behind(costs)
    safe = a_comment(regulation, "It keeps night staff safe.", KEEP)
    stands_behind(safe)
    a_vote(regulation, IMPROVE, text="")
    put(a_point(regulation, official, title="It keeps night staff safe"), safe, by=official)
    put(a_point(regulation, official, title="It costs small shops too much"), costs, by=official)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    return regulation


def decided(regulation):
    made = a_decision(regulation, Outcome.SCRAP)
    decision = db.session.get_one(Decision, made.id)
    given = {"words": "", "due_on": clock.uk_day(NOON + 99 * DAY), "now": NOON + 21 * DAY}
    by = a_member_of_staff(Role.OFFICIAL)
    with transaction():
        add_milestone(decision=decision, step=Step.REVOKED, state=State.UNDER_WAY, by=by, **given)
    settle_the_record()
    return made.reference


def test_points_stand_in_order_of_weight_with_the_strongest_of_each_side(asked, client):
    said = page(client, ADDRESS)
    first, second = said.index("It costs small shops too much"), said.index("It keeps night staff safe")
    assert first < said.index("3 people: 3 scrap") < second
    assert first < said.index("Strongest point of those who said scrap") < second
    assert second < said.index("Strongest point of those who said keep")
    assert "Some said improve, but no reason of theirs stands under a point." in said
    assert "of 6 people, 3 would scrap it, 1 improve it and 2 keep it" in said


def test_before_decisions_it_says_what_will_come(asked, client):
    with clock.pretending(NOON + 4 * DAY):
        said = page(client, ADDRESS)
    assert "The answer comes with the decision" in said
    assert "We will: decide by" in said
    assert "0 of 2 regulations decided so far" in said


def test_afterwards_it_tells_the_answers_the_decision_and_what_is_done(asked, client):
    reference = decided(asked)
    with clock.pretending(NOON + 30 * DAY):
        said = page(client, ADDRESS)
        told = client.get(f"{ADDRESS}.json").get_json()
    assert reference in said
    assert "Accepted in part." in said
    assert "Under way: Regulation revoked" in said
    assert told["decided"] == 1
    story = next(row for row in told["regulations_told"] if row["slug"] == asked.slug)
    assert (story["outcome"], story["decision"]) == ("scrap", reference)
    assert [point["strongest_for"] for point in story["points"]] == [["scrap"], ["keep"]]
    assert story["points"][0]["answer"] == "Accepted in part"
    assert story["milestones"][0]["state"] == "under_way"


def test_a_superseded_decision_leaves_no_trace_in_the_story(asked, client):
    first = decided(asked)
    second = a_decision(asked, Outcome.KEEP, now=NOON + 40 * DAY).reference
    with clock.pretending(NOON + 41 * DAY):
        said = page(client, ADDRESS)
        told = client.get(f"{ADDRESS}.json").get_json()
    assert second in said
    assert first not in said
    assert [len(row["points"]) for row in told["regulations_told"] if row["slug"] == asked.slug] == [2]


def test_it_can_be_cited_and_is_linked_from_its_theme(asked, client):
    said = page(client, ADDRESS)
    assert "as it stood on 2 March 2026 at" in said
    assert ADDRESS in said
    assert f'href="{ADDRESS}"' in client.get("/themes/shops").text


def test_a_split_that_is_kept_is_not_told(app, client):
    theme = a_theme(title="Farms", split=Split.KEPT)
    a_vote(a_regulation(theme), SCRAP, text="")
    settle_the_record()
    assert "How they chose is kept until the count is final." in page(client, "/themes/farms/we-asked")
    told = client.get("/themes/farms/we-asked.json").get_json()["regulations_told"]
    assert told[0]["scrap"] is None


def test_an_upcoming_theme_says_what_will_stand_here(app, client):
    theme = a_theme(title="Rivers", opens=NOON + 7 * DAY, closes=NOON + 30 * DAY)
    a_regulation(theme)
    assert "What people say and what is decided will stand here." in page(client, "/themes/rivers/we-asked")
    assert client.get("/themes/nowhere/we-asked").status_code == 404


def test_many_regulations_take_no_more_questions_than_one(asked, client):
    decided(asked)
    with queries_counted() as few:
        client.get(ADDRESS, headers={"If-None-Match": "nothing"})
    for number in range(6):
        a_regulation(asked.theme, title=f"More Regulations {number}")
    with queries_counted() as many:
        client.get(ADDRESS, headers={"If-None-Match": "nothing"})
    assert len(many) == len(few) <= 10, "\n".join(many)
