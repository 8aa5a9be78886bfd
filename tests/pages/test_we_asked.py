"""We asked, you said, we did: a theme's story from the data, with the dissent, before and after the decisions."""

import re

import pytest

from accounts.rules import Capacity, Role
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
    assert "Of 6 people, 3 would scrap it, 1 improve it and 2 keep it" in said


def test_before_decisions_it_says_what_will_come(asked, client):
    with clock.pretending(NOON + 4 * DAY):
        said = page(client, ADDRESS)
    assert "The answer comes with the decision" in said
    assert "We will decide by" in said
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


def test_a_decision_says_whose_place_it_took_and_answers_each_point_once(asked, client):
    first = decided(asked)
    second = a_decision(asked, Outcome.KEEP, now=NOON + 40 * DAY).reference
    third = a_decision(asked, Outcome.KEEP, statement="It stays as it is, and for good.", now=NOON + 50 * DAY).reference
    with clock.pretending(NOON + 51 * DAY):
        said = page(client, ADDRESS)
        told = client.get(f"{ADDRESS}.json").get_json()
    assert f"It took the place of {first} of 22 March 2026, which said scrap: “The regulation will be" in flat(said)
    assert said.index(third) < said.index(second) < said.index(first)
    (story,) = [row for row in told["regulations_told"] if row["slug"] == asked.slug]
    assert story["decision"] == third
    assert [row["decision"] for row in story["took_the_place_of"]] == [second, first]
    assert (len(story["points"]), story["milestones"], told["decided"]) == (2, [], 1)


def flat(said):
    """A reader doesn't see where links begin."""
    return re.sub(r" (?=[.,;])", "", said)


@pytest.fixture
def few_raised(app):
    """One says scrap under a point; two who say improve and one who says keep only among what few people raised."""
    theme = a_theme(closes=NOON + DAY, title="Shops")
    regulation = a_regulation(theme, title="Shop Hours Regulations 1992")
    official = a_member_of_staff(Role.OFFICIAL)
    lone = a_comment(regulation, "It costs a day a month.", SCRAP)
    others = [a_comment(regulation, f"Number {n}.", choice) for n, choice in enumerate((IMPROVE, IMPROVE, KEEP))]
    put(a_point(regulation, official, title="Raised by few people", few=True), *others, by=official)
    put(a_point(regulation, official, title="It costs small shops too much"), lone, by=official)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    return regulation


def test_dissent_among_what_few_raised_is_told_as_that_and_not_as_silence(few_raised, client):
    said = page(client, ADDRESS)
    assert "Those who said improve or keep are heard only among the reasons raised by few people" in said
    assert "no reason of theirs" not in said
    (story,) = client.get(f"{ADDRESS}.json").get_json()["regulations_told"]
    assert (story["only_raised_by_few"], story["under_no_point"]) == (["improve", "keep"], [])


def test_what_few_people_raised_comes_last_and_the_caption_says_so(few_raised, client):
    said = page(client, ADDRESS)
    assert "Those with most people behind them come first; what few people raised comes last" in said
    assert said.index("It costs small shops too much") < said.index("1 person: 1 scrap")
    assert said.index("1 person: 1 scrap") < said.index("3 people: 2 improve, 1 keep")


def test_nothing_is_said_to_come_last_where_few_raised_nothing(asked, client):
    assert "comes last" not in page(client, ADDRESS)


def test_each_group_that_asked_for_something_else_is_named_with_the_decision(app, client):
    theme = a_theme(closes=NOON + DAY, title="Shops")
    regulation = a_regulation(theme)
    for number in range(20):
        a_vote(regulation, SCRAP, text="", capacity=Capacity.BUSINESS, organisation=f"Corner Shop {number}")
    for _ in range(21):
        a_vote(regulation, KEEP, text="")
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    a_decision(regulation, Outcome.KEEP)
    (story,) = client.get(f"{ADDRESS}.json").get_json()["regulations_told"]
    assert len(story["compared"]) == 2
    assert "businesses, 20 of 20" in story["compared"][1]
    assert story["compared"][1] in page(client, ADDRESS)


def test_steps_that_are_late_say_by_how_much_and_a_review_when_it_comes(asked, client):
    review = clock.uk_day(NOON + 400 * DAY)
    made = a_decision(asked, Outcome.SCRAP, review_on=review)
    decision, by = db.session.get_one(Decision, made.id), a_member_of_staff(Role.OFFICIAL)
    with transaction():
        due, now = clock.uk_day(NOON + 30 * DAY), NOON + 21 * DAY
        add_milestone(decision=decision, step=Step.REVOKED, words="", due_on=due, by=by, now=now)
    settle_the_record()
    with clock.pretending(NOON + 33 * DAY):
        said = page(client, ADDRESS)
    assert "Planned: Regulation revoked, it was due by 1 April 2026 , 3 days late" in said
    assert "0 of 1 step done 1 late" in said
    assert f"It will be looked at again by {review.day} {review:%B %Y}" in said


def test_regulations_nobody_voted_on_are_folded_into_one_table_with_what_came_of_them(app, client):
    theme = a_theme(closes=NOON + DAY, title="Shops")
    quiet = a_regulation(theme, title="Shop Windows Regulations 1999")
    a_regulation(theme, title="Unspoken Regulations 1993")
    a_vote(a_regulation(theme), SCRAP, text="")
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    reference = a_decision(quiet, Outcome.KEEP).reference
    said = page(client, ADDRESS)
    folded = said[said.index("2 regulations nobody voted on") :]
    assert folded.index("Shop Windows Regulations 1999 Keep") < folded.index(reference)
    assert "Unspoken Regulations 1993 Not decided yet" in folded


def test_it_is_linked_from_its_theme(asked, client):
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


def test_of_many_regulations_those_with_nothing_more_to_tell_stand_in_the_table_alone(asked, client):
    theme = a_theme(title="Rivers")
    regulations = [a_regulation(theme, title=f"River Regulations {n}") for n in range(3)]
    for regulation in regulations:
        a_vote(regulation, KEEP, text="")
    settle_the_record()
    said = client.get("/themes/rivers/we-asked").text
    assert "On 3 regulations in this table no points have been made out yet" in said
    assert said.count('<article class="story') == 0
    assert f'href="/regulations/{regulations[0].slug}"' in said
    assert client.get(ADDRESS).text.count('<article class="story') == 1
