"""The review a decision promised is a step with its day, and an event when that day comes."""

from datetime import timedelta

import pytest

import chores
from accounts.rules import Role
from audit.tiles import log_folder
from core import clock
from core.clock import uk_day
from core.db import db, transaction
from decisions.milestones import change_milestone, milestones_of
from decisions.models import Milestone
from decisions.reviews import note_review, plan_review, reviews_come, reviews_to_plan
from decisions.rules import Outcome
from decisions.steps import State, Step
from opendata.checking import check
from regulations.rules import Stage
from tests.conftest import both_databases
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
    the_record,
)

REVIEW_ON = uk_day(NOON + 400 * DAY)
THAT_DAY = NOON + 400 * DAY


@pytest.fixture
def regulation(app):
    theme = a_theme(title="Retail")
    found = a_regulation(theme)
    a_vote(found)
    a_frozen_theme(theme)
    return found


def decided(regulation, **given):
    return a_decision(regulation, **({"review_on": REVIEW_ON} | given))


def the_site_looks(now):
    with clock.pretending(now):
        chores.note_what_went_by()
        db.session.rollback()


@both_databases
def test_a_review_is_followed_from_the_day_of_its_decision_in_the_name_of_who_decided(regulation):
    decision = decided(regulation)
    for _ in range(2):
        the_site_looks(NOON + 21 * DAY)
    (step,) = milestones_of(decision.reference)
    assert (step.step, step.due_on, step.state, step.changed_by) == (
        Step.REVIEW, REVIEW_ON, State.PLANNED, decision.decided_by,
    )  # fmt: skip
    assert regulation.settled == Stage.DECIDED
    assert reviews_to_plan() == []


@both_databases
def test_when_the_day_of_a_review_comes_that_is_an_event_once(regulation, client):
    decided(regulation)
    the_site_looks(NOON + 21 * DAY)
    assert reviews_come(THAT_DAY - DAY) == []
    for hours in (0, 1):
        the_site_looks(THAT_DAY + hours * DAY / 24)
    assert [(line["state"], line["actor"]) for line in the_record("milestone")][1:] == [("planned", "The site")]
    settle_the_record()
    with clock.pretending(THAT_DAY):
        assert "Due now: Review" in client.get("/progress.atom").get_data(as_text=True)
        (row,) = client.get("/progress.json").get_json()
        assert row["next_review_on"] == REVIEW_ON.isoformat()
        assert f'The next review is due by <time datetime="{REVIEW_ON}"' in client.get("/progress").get_data(
            as_text=True
        )
        story = client.get("/themes/retail/we-asked.json").get_json()["regulations_told"][0]
        assert [step["due_on"] for step in story["milestones"]] == [REVIEW_ON.isoformat()]
        history = client.get(f"/regulations/{regulation.slug}/history").get_data(as_text=True)
        assert "The day came by which what was decided is to be reviewed" in history
    the_site_looks(THAT_DAY + DAY)
    assert the_record("milestone")[-1]["state"] == "missed"
    settle_the_record()
    assert check(log_folder()).wrong == []


def test_a_review_that_was_put_off_comes_on_its_new_day(regulation):
    decision = decided(regulation)
    the_site_looks(NOON + 21 * DAY)
    step, office = db.session.query(Milestone).one(), a_member_of_staff(Role.OFFICIAL)
    db.session.rollback()
    with transaction():
        change_milestone(
            milestone=step, seen=step.entry_id, state=State.PLANNED, due_on=REVIEW_ON + timedelta(days=30),
            instrument="", reason="A court case is to be waited for.", by=office, now=NOON + 30 * DAY,
        )  # fmt: skip
    assert reviews_come(THAT_DAY) == []
    assert reviews_come(THAT_DAY + 30 * DAY) == [step.id]
    assert milestones_of(decision.reference)[0].put_off == 1


def test_no_review_is_followed_where_none_was_promised_or_nothing_is_to_be_done(regulation):
    decision = a_decision(regulation)
    assert reviews_to_plan() == []
    with transaction():
        assert plan_review(decision=db.session.merge(decision), now=NOON + 22 * DAY) is None
    decided(regulation, outcome=Outcome.MOVED, now=NOON + 30 * DAY, due_on=None)
    assert reviews_to_plan() == []


def test_the_review_of_a_decision_that_was_superseded_is_followed_no_more(regulation):
    decided(regulation)
    the_site_looks(NOON + 21 * DAY)
    step = db.session.query(Milestone).one()
    a_decision(regulation, now=NOON + 60 * DAY)
    assert reviews_come(THAT_DAY) == []
    with transaction():
        assert note_review(milestone=db.session.merge(step), now=THAT_DAY) is False
