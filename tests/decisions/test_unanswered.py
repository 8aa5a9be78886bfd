"""What was sent in is answered like any reason, through the points it makes, before a decision is submitted."""

import pytest
from sqlalchemy import select

from accounts.rules import Capacity, Role
from analysis.models import Point
from analysis.services import make_point, withdraw_point
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import change_submission, enter_submission
from core import clock
from core.db import db, transaction
from core.errors import RuleBroken
from decisions.answers import answers_given_in, awaiting_by_theme
from decisions.services import submit_draft
from decisions.unanswered import check_all_answered, unanswered
from decisions.worksheet import to_answer
from regulations.rules import Split
from tests.conftest import both_databases
from tests.decisions.test_services import LATER, a_closed_regulation, saved
from tests.factories import (
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    everything_answered,
    its_session,
)
from voting.rules import Choice


@pytest.fixture
def official(app):
    return a_member_of_staff(Role.OFFICIAL)


def a_letter(regulation, by, theme=None, **given):
    said = {"text": "It costs us two days a year.", "received_on": LATER.date()} | given
    with transaction():
        return enter_submission(
            theme=theme or regulation.theme, regulation=regulation,
            received=Received(how=How.LETTER, capacity=Capacity.BUSINESS, **said), by=by, now=LATER,
        )  # fmt: skip


def put(letter, by, *points, withheld=None):
    with transaction():
        change_submission(
            submission=letter, seen=letter.entry_id, withheld=withheld, organisation="",
            points=[point.public_id for point in points], by=by, now=LATER,
        )  # fmt: skip


def a_point_of(regulation, by):
    with transaction():
        return make_point(regulation=regulation, title="It takes days", summary="", by=by, now=LATER)


@both_databases
def test_a_submission_under_no_point_holds_a_decision_up_until_its_point_is_answered(app):
    official, regulation = a_member_of_staff(Role.OFFICIAL), a_closed_regulation(Choice.KEEP)
    draft = saved(regulation, official)
    everything_answered(regulation, by=official, now=LATER)
    letter = a_letter(regulation, official)
    with pytest.raises(RuleBroken, match="^1 submission has no answer yet.*put it under one"), transaction():
        submit_draft(draft=draft, by=official, now=LATER)
    put(letter, official, a_point_of(regulation, official))
    lacking = unanswered(regulation.id)
    assert (lacking.points, lacking.comments, lacking.submissions) == (1, 0, 0)
    everything_answered(regulation, by=official, now=LATER)
    with transaction():
        submit_draft(draft=draft, by=official, now=LATER)


def test_what_stood_under_a_point_that_was_given_up_waits_again(official):
    regulation = a_closed_regulation()
    point = a_point_of(regulation, official)
    a_letter(regulation, official, points=(point.public_id,))
    assert unanswered(regulation.id).submissions == 0
    with transaction():
        withdraw_point(point=db.session.scalars(select(Point)).one(), by=official, now=LATER)
    assert unanswered(regulation.id).submissions == 1


def test_what_a_rule_withholds_needs_no_answer_as_that_would_tell_what_it_says(official):
    regulation = a_closed_regulation()
    put(a_letter(regulation, official), official, withheld=Withheld.COMMERCIAL)
    everything_answered(regulation, by=official, now=LATER)
    check_all_answered(regulation)


def test_a_paper_that_nobody_has_looked_at_yet_holds_a_decision_up(official):
    regulation = a_closed_regulation()
    letter = a_letter(regulation, official, withheld=Withheld.WAITING)
    assert unanswered(regulation.id).submissions == 1
    put(letter, official, withheld=Withheld.PERSONAL_DATA)
    assert unanswered(regulation.id).submissions == 0


def test_what_was_sent_in_about_a_whole_theme_waits_for_no_one_decision(official):
    regulation = a_closed_regulation()
    a_letter(None, official, theme=regulation.theme)
    assert unanswered(regulation.id).submissions == 0


def test_where_the_split_is_kept_nothing_sent_in_waits_before_the_count_is_final(official):
    theme = a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_letter(regulation, official)
    assert unanswered(regulation.id).number == 0
    a_frozen_theme(theme)
    assert unanswered(regulation.id).submissions == 1


@both_databases
def test_the_desk_says_how_many_wait_for_an_answer_until_a_decision_gives_it(app):
    official, regulation = a_member_of_staff(Role.OFFICIAL), a_closed_regulation()
    slug = regulation.theme.slug
    letters = [a_letter(regulation, official, text=f"{n} days a year.") for n in range(2)]
    put(letters[0], official, withheld=Withheld.COMMERCIAL)
    a_letter(None, official, theme=db.session.merge(regulation).theme)
    assert awaiting_by_theme() == {slug: (1, 2)}
    client = app.test_client()
    with clock.pretending(LATER):
        with client.session_transaction("/account/sign-in") as session:
            session.update(its_session(official))
        assert "1 published reason and 2 submissions not answered yet" in client.get("/staff").get_data(as_text=True)
    everything_answered(regulation, by=official, now=LATER)
    assert awaiting_by_theme() == {slug: (1, 2)}
    a_decision(regulation, now=LATER)
    assert awaiting_by_theme() == {slug: (0, 1)}


def an_answered_letter(official):
    """On a decided regulation, making one answered point; a second point was made since."""
    regulation = a_closed_regulation()
    point, letter = a_point_of(regulation, official), a_letter(regulation, official)
    put(letter, official, point)
    a_decision(regulation)
    return regulation, letter, point, a_point_of(regulation, official)


@both_databases
def test_a_submission_keeps_a_point_through_which_the_decision_answered_it(app):
    official = a_member_of_staff(Role.OFFICIAL)
    regulation, letter, point, unspoken = an_answered_letter(official)
    for meant in ([], [unspoken]):
        with pytest.raises(RuleBroken, match="answered this submission") as refused:
            put(letter, official, *meant)
        assert refused.value.field == "points"
    assert awaiting_by_theme() == {}
    put(letter, official, point, unspoken)
    put(letter, official, point)
    assert awaiting_by_theme() == {}


def test_a_submission_that_the_decision_never_answered_may_leave_an_answered_point(official):
    regulation, _, point, _ = an_answered_letter(official)
    late = a_letter(regulation, official, text="It came late.")
    put(late, official, point)
    put(late, official)
    assert awaiting_by_theme() == {regulation.theme.slug: (0, 1)}


def test_a_point_that_only_a_withheld_submission_makes_is_neither_to_be_answered_nor_is_its_answer_published(official):
    regulation = a_closed_regulation()
    point, letter = a_point_of(regulation, official), a_letter(regulation, official)
    put(letter, official, point)
    assert unanswered(regulation.id).points == 1
    everything_answered(regulation, by=official, now=LATER)
    put(letter, official, point, withheld=Withheld.COMMERCIAL)
    (row,) = [row for row in to_answer(regulation.id) if row.about == "It takes days"]
    assert (row.needed, row.point.withheld) == (False, 1)
    decision = a_decision(regulation)
    assert "It takes days" not in [answer.point_title for answer in answers_given_in(decision.reference)]


def test_nor_does_it_hold_a_decision_up_but_a_paper_nobody_has_looked_at_does(official):
    regulation = a_closed_regulation()
    everything_answered(regulation, by=official, now=LATER)
    point, letter = a_point_of(regulation, official), a_letter(regulation, official)
    put(letter, official, point, withheld=Withheld.WAITING)
    assert unanswered(regulation.id).points == 1
    put(letter, official, point, withheld=Withheld.PERSONAL_DATA)
    check_all_answered(regulation)
