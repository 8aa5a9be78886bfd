"""A decision as the largest group that asked for something else will read it: their strongest point, and its answer."""

import pytest

from accounts.rules import Capacity, Role
from analysis.queries import points_of
from core.db import db, transaction
from decisions.answers import answers_to_publish, save_answer
from decisions.comparing import comparisons, kept
from decisions.disagreeing import Before, largest_disagreeing
from decisions.queries import tally_to_decide_on
from decisions.rules import Outcome, Proposal, Verdict
from regulations.models import Regulation
from tests.analysis.making import a_comment, a_point, put
from tests.decisions.conftest import LATER
from tests.factories import NOON, a_frozen_theme, a_member_of_staff, a_regulation, a_theme, a_vote
from voting.models import Comment
from voting.rules import Choice, Direction


@pytest.fixture
def official(app):
    return a_member_of_staff(Role.OFFICIAL)


def businesses_would_scrap(number=20):
    """A regulation that everybody else would keep."""
    theme = a_theme()
    regulation = a_regulation(theme)
    for n in range(number):
        who = {"capacity": Capacity.BUSINESS, "organisation": f"Example Bakery {n}"}
        a_vote(regulation, Choice.SCRAP, text="It costs bakers a day a week." if n == 0 else "", **who)
    for _ in range(number + 5):
        a_vote(regulation, Choice.KEEP, text="")
    return theme, regulation


def as_they_read_it(regulation, outcome=Outcome.KEEP, direction=None):
    tally, _ = tally_to_decide_on(regulation.id)
    proposal = Proposal(
        outcome, direction, statement="", reasons="", departure_reason="", cited_comments=(), other_evidence=""
    )
    compared = kept(comparisons(outcome, direction, tally), proposal)
    answers = answers_to_publish(regulation.id, outcome)
    before = Before(regulation.id, tally, points_of(regulation.id), answers)
    return largest_disagreeing(before, outcome, compared)


def test_where_no_point_was_made_of_what_a_capacity_says_its_strongest_reason_stands_there(app, official):
    theme, regulation = businesses_would_scrap()
    a_frozen_theme(theme)
    found = as_they_read_it(regulation)
    assert (found.people, found.who) == (20, "among businesses, who chose scrap")
    assert (found.title, found.words, found.answer) == ("", "It costs bakers a day a week.", "")


def test_an_answer_of_its_own_stands_under_a_reason(app, official):
    theme, regulation = businesses_would_scrap()
    a_frozen_theme(theme)
    with transaction():
        comment = db.session.query(Comment).one()
        save_answer(
            regulation=db.session.get_one(Regulation, regulation.id), comment=comment, verdict=Verdict.REJECT,
            reasons="Bakers told inspectors of an hour a month.", version=0, by=official, now=LATER,
        )  # fmt: skip
    found = as_they_read_it(regulation)
    assert (found.verdict, found.answer) == (Verdict.REJECT.label, "Bakers told inspectors of an hour a month.")


def test_a_point_says_who_stands_behind_it_and_no_more_than_is_known(app, official):
    theme, regulation = businesses_would_scrap()
    point = a_point(regulation, official)
    with transaction():
        comment = db.session.query(Comment).one()
    put(point, comment, by=official, now=NOON)
    a_frozen_theme(theme)
    found = as_they_read_it(regulation)
    assert (found.title, found.behind) == ("It costs shops too much", "1 of them")


def test_their_strongest_point_is_that_of_those_who_chose_so_however_many_of_their_kind_chose_otherwise(app, official):
    theme = a_theme()
    regulation = a_regulation(theme)
    keeps, costs = (a_point(regulation, official, title=title) for title in ("It keeps us safe", "It costs a day"))
    for n in range(30):
        who = {"capacity": Capacity.BUSINESS, "organisation": f"Example Bakery {n}"}
        if n < 20:
            a_vote(regulation, Choice.SCRAP, text="", **who)
        elif n < 22:
            put(costs, a_comment(regulation, f"It costs a day, {n}.", Choice.SCRAP, **who), by=official, now=NOON)
        else:
            put(keeps, a_comment(regulation, f"Trust sells, {n}.", Choice.KEEP, **who), by=official, now=NOON)
    for n in range(3):
        put(keeps, a_comment(regulation, f"I would scrap it, {n}.", Choice.SCRAP), by=official, now=NOON)
    for _ in range(20):
        a_vote(regulation, Choice.KEEP, text="")
    a_frozen_theme(theme)
    found = as_they_read_it(regulation)
    assert (found.people, found.who) == (22, "among businesses, who chose scrap")
    assert (found.title, found.behind) == ("It costs a day", "2 of them")


def test_those_who_asked_for_another_way_to_improve_are_told_by_it(app, official):
    theme = a_theme()
    regulation = a_regulation(theme)
    for way in (Direction.LIGHTER, Direction.LIGHTER, Direction.STRICTER):
        a_vote(regulation, Choice.IMPROVE, direction=way, text="")
    a_frozen_theme(theme)
    found = as_they_read_it(regulation, Outcome.IMPROVE, Direction.STRICTER)
    assert (found.people, found.who) == (3, "who chose improve, 2 of them lighter")


def test_those_who_gave_no_reason_have_none_put_into_their_mouths(app, official):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation, Choice.SCRAP, text="")
    a_comment(regulation, choice=Choice.KEEP, text="It keeps people safe.")
    a_frozen_theme(theme)
    found = as_they_read_it(regulation)
    assert (found.people, found.said_something) == (1, False)
