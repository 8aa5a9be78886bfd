"""The steps that follow a decision: promised, begun, done, missed by the calendar, or dropped with a reason."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

import chores
from accounts.models import Post
from accounts.rules import Role
from audit.entries import text_digest
from core import clock
from core.clock import uk_day
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from decisions.deciders import check_decider
from decisions.milestones import (
    add_milestone,
    change_milestone,
    milestone_text,
    milestones_of,
    miss_milestone,
    newly_missed,
)
from decisions.models import Decision, Milestone, MilestoneAct
from decisions.rules import Outcome
from decisions.steps import State, Step, address_in, names_an_instrument, stage_after
from opendata.openings import openings_of_line
from regulations.models import Regulation
from regulations.rules import Stage
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    how_many,
    settle_the_record,
    the_record,
)

TODAY = NOON + 30 * DAY
DAY_DUE = uk_day(TODAY) + timedelta(days=40)
LAW = "The Workplace (Amendment) Regulations 2027, SI 2027/123"
WHY = "The consultation drew more answers than were expected."


@pytest.fixture
def decision(app):
    theme = a_theme(title="Retail")
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    return a_decision(regulation, Outcome.KEEP)


@pytest.fixture
def office(app):
    return a_member_of_staff(Role.OFFICIAL, "Following Office")


def promised(decision, by, **given):
    usual = {"step": Step.GUIDANCE, "words": "", "due_on": DAY_DUE, "now": TODAY}
    with transaction():
        return add_milestone(decision=db.session.merge(decision), by=by, **(usual | given))


def became(milestone, state, by, **given):
    db.session.rollback()
    usual = {
        "seen": milestone.entry_id, "due_on": milestone.due_on, "instrument": LAW if state is State.DONE else "",
        "reason": WHY if state is State.DROPPED else "", "now": TODAY,
    }  # fmt: skip
    with transaction():
        change_milestone(milestone=milestone, state=state, by=by, **(usual | given))


def stage_of(decision):
    db.session.rollback()
    return decision.regulation.settled


def missed(milestone, now):
    with transaction():
        return miss_milestone(milestone=db.session.merge(milestone), now=now)


@both_databases
def test_a_promised_step_is_on_the_record_with_its_day_and_its_words_can_be_read(decision, office):
    milestone = promised(decision, office, step=Step.OTHER, words="Training for two hundred inspectors")
    (entry,) = the_record("milestone")
    assert (entry["step"], entry["state"], entry["actor"]) == ("other", "planned", "Following Office")
    assert (entry["item"], entry["decision"]) == (decision.regulation.slug, decision.entry_id)
    assert entry["due"] == int(clock.day_begins(DAY_DUE).timestamp())
    assert "inspectors" not in str(entry)
    (opened,) = openings_of_line(milestone.entry_id).opened
    assert text_digest(opened.text) == entry["text_sha256"]
    assert opened.text == milestone_text("Training for two hundred inspectors", "", "")


@both_databases
def test_the_stage_of_the_regulation_follows_its_steps(decision, office):
    guidance, law = promised(decision, office), promised(decision, office, step=Step.LAW_LAID)
    assert stage_of(decision) == Stage.DECIDED
    because = decision.regulation.settled_because
    became(guidance, State.UNDER_WAY, office)
    assert stage_of(decision) == Stage.BEING_IMPLEMENTED
    became(guidance, State.DONE, office)
    assert stage_of(decision) == Stage.BEING_IMPLEMENTED
    became(law, State.DROPPED, office)
    assert stage_of(decision) == Stage.DONE
    assert [entry["stage"] for entry in the_record("stage")] == ["decided", "being_implemented", "done"]
    assert decision.regulation.settled_because == because
    promised(decision, office, step=Step.REVIEW)
    assert stage_of(decision) == Stage.DONE
    promised(decision, office, step=Step.ENFORCEMENT)
    assert stage_of(decision) == Stage.BEING_IMPLEMENTED


def test_where_every_step_was_dropped_nothing_was_done(decision, office):
    milestone = promised(decision, office, state=State.UNDER_WAY)
    assert stage_of(decision) == Stage.BEING_IMPLEMENTED
    became(milestone, State.DROPPED, office)
    assert stage_of(decision) == Stage.DECIDED


@pytest.mark.parametrize(
    ("stage", "states", "after"),
    [
        (Stage.DECIDED, [], Stage.DECIDED),
        (Stage.DECIDED, [State.PLANNED, State.MISSED], Stage.DECIDED),
        (Stage.BEING_IMPLEMENTED, [State.MISSED], Stage.BEING_IMPLEMENTED),
        (Stage.DECIDED, [State.DONE, State.DONE], Stage.DONE),
        (Stage.DONE, [State.DONE, State.PLANNED], Stage.BEING_IMPLEMENTED),
    ],
)
def test_where_a_regulation_stands_after_its_steps(stage, states, after):
    assert stage_after(stage, [(Step.LAW_LAID, state) for state in states]) is after


def test_no_regulation_waits_for_a_review_where_there_is_anything_else_to_do():
    law, review = (Step.LAW_LAID, State.DONE), (Step.REVIEW, State.PLANNED)
    assert stage_after(Stage.BEING_IMPLEMENTED, [law, review]) is Stage.DONE
    assert stage_after(Stage.DECIDED, [review]) is Stage.DECIDED
    assert stage_after(Stage.DECIDED, [(Step.REVIEW, State.DONE)]) is Stage.DONE


def test_what_did_it_is_named_by_a_citation_or_an_address(decision, office):
    milestone = promised(decision, office)
    for vague in ("", "The new law", "See our website", "javascript:alert(1)"):
        with pytest.raises(RuleBroken, match="citation") as refusal:
            became(milestone, State.DONE, office, instrument=vague)
        assert refusal.value.field == "instrument"
    for named in (LAW, "uksi 2027/9", "Deregulation Act 2015, section 3", "https://example.org/guidance"):
        assert names_an_instrument(named)
    became(milestone, State.DONE, office, instrument="https://example.org/guidance")
    (row,) = milestones_of(decision.reference)
    assert (row.state, row.address) == (State.DONE, "https://example.org/guidance")
    assert address_in(f"{LAW}, https://example.org/a b") is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"step": None}, "step"),
        ({"step": Step.OTHER}, "words"),
        ({"due_on": uk_day(TODAY) - timedelta(days=1)}, "due_on"),
        ({"due_on": uk_day(TODAY) + timedelta(days=5000)}, "due_on"),
        ({"state": State.DONE}, "state"),
    ],
)
def test_a_step_that_says_too_little_is_not_promised(decision, office, given, field):
    with pytest.raises(RuleBroken) as refusal:
        promised(decision, office, **given)
    assert refusal.value.field == field
    assert how_many(Milestone) == 0


def test_a_day_is_moved_and_a_step_dropped_only_with_a_reason(decision, office):
    milestone = promised(decision, office)
    later = DAY_DUE + timedelta(days=60)
    for given in ({"state": State.PLANNED, "due_on": later}, {"state": State.DROPPED, "reason": "No."}):
        with pytest.raises(RuleBroken) as refusal:
            became(milestone, by=office, **given)
        assert refusal.value.field == "reason"
    became(milestone, State.PLANNED, office, due_on=later, reason=WHY)
    (row,) = milestones_of(decision.reference)
    assert (row.due_on, row.first_due_on, row.days_moved, row.reason) == (later, DAY_DUE, 60, WHY)
    with pytest.raises(RuleBroken, match="Nothing would change"):
        became(milestone, State.PLANNED, office)


def test_an_ended_step_stays_ended(decision, office):
    done, dropped = promised(decision, office), promised(decision, office)
    became(done, State.DONE, office)
    became(dropped, State.DROPPED, office)
    for milestone in (done, dropped):
        with pytest.raises(RuleBroken, match="already"):
            became(milestone, State.UNDER_WAY, office)


def test_nobody_says_by_hand_that_a_day_was_missed(decision, office):
    with pytest.raises(RuleBroken):
        became(promised(decision, office), State.MISSED, office)


def test_who_changes_a_step_that_a_colleague_has_changed_meanwhile_is_told(decision, office):
    milestone = promised(decision, office)
    seen = milestone.entry_id
    became(milestone, State.UNDER_WAY, office)
    with pytest.raises(Clash):
        became(milestone, State.DONE, office, seen=seen)
    assert len(the_record("milestone")) == 2


@both_databases
def test_a_day_that_goes_by_is_an_event_recorded_once_and_a_later_day_a_new_act(decision, office):
    milestone = promised(decision, office)
    on_the_day, after = clock.day_begins(DAY_DUE) + timedelta(hours=20), clock.day_begins(DAY_DUE) + DAY
    assert (newly_missed(on_the_day), missed(milestone, on_the_day)) == ([], False)
    assert newly_missed(after) == [milestone.id]
    assert [missed(milestone, after), missed(milestone, after + DAY)] == [True, False]
    entry = the_record("milestone")[-1]
    assert (entry["state"], entry["actor"], entry["prev"]) == ("missed", "The site", the_record("milestone")[0]["id"])
    with pytest.raises(RuleBroken) as refusal:
        became(milestone, State.UNDER_WAY, office, now=after)
    assert refusal.value.field == "due_on"
    later = DAY_DUE + timedelta(days=30)
    became(milestone, State.UNDER_WAY, office, due_on=later, reason=WHY, now=after)
    assert missed(milestone, after) is False
    assert missed(milestone, clock.day_begins(later) + DAY) is True
    assert [entry["state"] for entry in the_record("milestone")] == ["planned", "missed", "under_way", "missed"]


def test_a_missed_step_can_be_done_late(decision, office):
    milestone = promised(decision, office)
    after = clock.day_begins(DAY_DUE) + 3 * DAY
    missed(milestone, after)
    became(milestone, State.DONE, office, now=after)
    assert stage_of(decision) == Stage.DONE


@both_databases
def test_two_workers_that_look_at_once_miss_a_step_once(app, decision, office):
    ids = [promised(decision, office).id for _ in range(6)]
    start = threading.Barrier(2)
    db.session.remove()

    def look():
        with app.app_context(), clock.pretending(clock.day_begins(DAY_DUE) + 2 * DAY):
            start.wait()
            chores.note_what_went_by()
            db.session.remove()

    workers = [threading.Thread(target=look) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    states = [entry["state"] for entry in the_record("milestone")]
    assert (states.count("missed"), how_many(MilestoneAct)) == (len(ids), 2 * len(ids))


@both_databases
def test_two_steps_finished_at_once_leave_the_regulation_done(app, decision, office):
    first, second = promised(decision, office, state=State.UNDER_WAY), promised(decision, office, state=State.UNDER_WAY)
    asked = [(step.id, step.entry_id) for step in (first, second)]
    regulation_id, by_id = decision.regulation_id, office.id
    start = threading.Barrier(2)
    db.session.remove()

    def finish(id, seen):
        with app.app_context():
            start.wait()
            with transaction():
                change_milestone(
                    milestone=db.session.get_one(Milestone, id), seen=seen, state=State.DONE, due_on=DAY_DUE,
                    instrument=LAW, reason="", by=db.session.get_one(type(office), by_id), now=TODAY,
                )  # fmt: skip
            db.session.remove()

    workers = [threading.Thread(target=finish, args=one) for one in asked]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert db.session.get_one(Regulation, regulation_id).settled == Stage.DONE


def test_the_steps_of_a_superseded_decision_are_watched_and_changed_no_more(decision, office):
    milestone = promised(decision, office)
    later = a_decision(decision.regulation, Outcome.SCRAP, now=TODAY)
    assert db.session.get_one(Decision, later.id).supersedes_id == decision.id
    assert newly_missed(clock.day_begins(DAY_DUE) + 9 * DAY) == []
    with pytest.raises(RuleBroken, match="later decision"):
        became(milestone, State.UNDER_WAY, office)
    with pytest.raises(RuleBroken, match="later decision"):
        promised(decision, office)


def test_what_has_moved_elsewhere_has_no_steps_here(app, office):
    theme = a_theme(title="Rail")
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    with pytest.raises(RuleBroken, match="moved elsewhere"):
        promised(a_decision(regulation, Outcome.MOVED), office)


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.MODERATOR, Role.ANALYST, Role.ADMINISTRATOR])
def test_only_officials_promise_steps(decision, role):
    with pytest.raises(NotAllowed):
        promised(decision, a_member_of_staff(role))


def of_department(account, department):
    with transaction():
        post = db.session.scalars(select(Post).filter_by(account_id=account.id)).one()
        db.session.info["recorded"] = {("Post", post.id)}  # the appointment itself is on the record already
        post.department_id = department.id
    return account


def test_officials_of_another_department_neither_decide_nor_follow(decision, office):
    other = of_department(office, a_department("Another Department"))
    with pytest.raises(NotAllowed, match="another department"):
        promised(decision, other)
    own = of_department(a_member_of_staff(Role.OFFICIAL), a_department())
    assert promised(decision, own).entry_id
    check_decider(a_member_of_staff(Role.OFFICIAL), decision.regulation)


@both_databases
def test_a_step_that_is_put_off_says_from_which_day_to_which(decision, office, client):
    milestone = promised(decision, office)
    later = DAY_DUE + timedelta(days=300)
    became(milestone, State.UNDER_WAY, office)
    became(milestone, State.UNDER_WAY, office, due_on=later, reason=WHY)
    became(milestone, State.UNDER_WAY, office, due_on=later - timedelta(days=9), reason=WHY)
    seconds = [int(clock.day_begins(day).timestamp()) for day in (DAY_DUE, later)]
    assert [entry.get("moved_from") for entry in the_record("milestone")] == [None, None, *seconds]
    acts = db.session.scalars(select(MilestoneAct).order_by(MilestoneAct.id)).all()
    assert [act.moved_from for act in acts] == [None, None, DAY_DUE, later]
    (row,) = milestones_of(decision.reference)
    assert (row.put_off, row.days_moved) == (1, 291)
    settle_the_record()
    with clock.pretending(TODAY):
        (said,) = client.get("/progress.json").get_json()
        assert said["steps_put_off"] == 1
        assert [row["times_put_off"] for row in client.get("/progress/steps.json?state=put_off").get_json()] == [1]
        assert "Put off" in client.get("/progress/steps").get_data(as_text=True)
        feed = client.get("/progress.atom").get_data(as_text=True)
        assert "Put off: Guidance" in feed
        assert f"and no longer by {DAY_DUE.day} {DAY_DUE:%B %Y}" in feed
        assert "1 put off" in client.get("/progress").get_data(as_text=True)
        history = client.get(f"/regulations/{decision.regulation.slug}/history").get_data(as_text=True)
        assert f"was put off from {DAY_DUE.day} {DAY_DUE:%B %Y} to {later.day} {later:%B %Y}" in history
        assert "was brought forward from" in history


def test_a_day_that_was_missed_and_is_given_anew_is_put_off_too(decision, office):
    milestone = promised(decision, office)
    missed(milestone, NOON + 200 * DAY)
    new = uk_day(NOON + 260 * DAY)
    became(milestone, State.PLANNED, office, due_on=new, reason=WHY, now=NOON + 200 * DAY)
    assert the_record("milestone")[-1]["moved_from"] == int(clock.day_begins(DAY_DUE).timestamp())
