"""What is told without being asked for: never more than four mails a regulation, and the last word always."""

import pytest
from sqlalchemy import select

from accounts.models import Account
from core import clock
from core.db import db, transaction
from decisions.rules import Outcome
from notices.models import Notice
from notices.rules import Followed, How
from tests.analysis.making import a_comment, stands_behind
from tests.conftest import both_databases
from tests.factories import DAY, NOON, a_decision, a_frozen_theme, a_regulation, a_theme, a_voter, settle_the_record
from tests.notices.telling import (
    MORNING,
    a_follower,
    a_voted_regulation,
    at_once,
    decide,
    go_overdue,
    hears,
    is_done,
    mails,
    tell,
    told_to,
)
from voting.erasure import erase_person
from voting.rules import ErasureBasis
from voting.services import withdraw_vote

VOTER = "voter0@example.org"
LATER = NOON + 60 * DAY


@both_databases
def test_a_decision_turned_round_and_what_came_of_it_are_both_told(app):
    at_once(VOTER)
    regulation = a_voted_regulation()
    decide(regulation)
    is_done(a_decision(regulation, Outcome.SCRAP, now=LATER), now=LATER)
    assert told_to(VOTER) == ["decision", "decision", "done"]
    assert "What was decided: scrap." in mails("done")[0].text


def test_one_turned_round_after_it_was_done_is_told_too(app):
    at_once(VOTER)
    regulation = a_voted_regulation()
    is_done(decide(regulation, Outcome.SCRAP))
    a_decision(regulation, Outcome.KEEP, now=NOON + 90 * DAY)
    assert told_to(VOTER) == ["decision", "done", "decision"]


def test_the_same_outcome_in_other_words_is_left_to_those_who_follow(app):
    at_once(VOTER, "follower@example.org")
    regulation = a_voted_regulation()
    a_follower(Followed.REGULATION, regulation.slug)
    decide(regulation)
    a_decision(regulation, Outcome.KEEP, now=LATER)
    assert (told_to(VOTER), told_to("follower@example.org")) == (["decision"], ["decision", "decision"])


@both_databases
def test_of_two_decisions_on_one_day_the_morning_brings_the_later_alone_and_leaves_room_for_what_comes(app):
    regulation = a_voted_regulation()
    decide(regulation)
    second = a_decision(regulation, Outcome.SCRAP, now=NOON + 21 * DAY)
    tell()
    (mail,) = mails("decision")
    assert "Decided: scrap" in mail.subject
    assert mail.cause == second.entry_id
    is_done(second)
    tell(MORNING + DAY)
    assert told_to(VOTER) == ["decision", "done"]


def test_what_came_of_a_decision_is_not_told_once_another_has_taken_its_place(app):
    hears(a_voter(VOTER), How.DAILY)
    regulation = a_voted_regulation()
    is_done(decide(regulation, Outcome.SCRAP))
    a_decision(regulation, Outcome.KEEP, now=NOON + 90 * DAY)
    tell()
    assert told_to(VOTER) == ["decision"]


def test_a_late_decision_turned_round_leaves_the_last_place_to_what_came_of_it_which_tells_the_decision(app):
    at_once(VOTER)
    regulation = a_voted_regulation()
    a_frozen_theme(regulation.theme)
    go_overdue(regulation.theme)
    a_decision(regulation)
    last = a_decision(regulation, Outcome.SCRAP, now=LATER)
    assert told_to(VOTER) == ["overdue", "decision"]
    is_done(last, now=LATER)
    assert told_to(VOTER) == ["overdue", "decision", "done"]
    assert "What was decided: scrap." in mails("done")[0].text


def test_where_nothing_is_left_to_be_done_a_late_decision_that_is_turned_round_has_that_place(app):
    at_once(VOTER)
    regulation = a_voted_regulation()
    a_frozen_theme(regulation.theme)
    go_overdue(regulation.theme)
    a_decision(regulation, Outcome.SCRAP)
    a_decision(regulation, Outcome.KEEP, now=LATER)
    a_decision(regulation, Outcome.SCRAP, now=LATER + DAY)
    assert told_to(VOTER) == ["overdue", "decision", "decision"], "with the receipt, four"


def a_reason_two_stand_behind(**given):
    """By an author, on a regulation, and the two people who stand behind it."""
    regulation = a_regulation(a_theme(**given), title="Shop Hours Regulations 1992")
    author = a_voter("author@example.org")
    comment = a_comment(regulation, "It costs a day a month.", voter=author)
    for name in ("kim", "lee"):
        stands_behind(comment, voter=hears(a_voter(f"{name}@example.org"), How.IMMEDIATELY))
    settle_the_record()
    return regulation, author


def erase(author: Account, now=NOON) -> None:
    with clock.pretending(now):
        with transaction():
            erase_person(account=db.session.merge(author), basis=ErasureBasis.REQUEST, now=now)
        settle_the_record()


@both_databases
def test_whoever_stood_behind_a_reason_that_is_erased_hears_it_while_they_can_give_another(app):
    regulation, author = a_reason_two_stand_behind()
    at_once("follower@example.org")
    a_follower(Followed.REGULATION, regulation.slug)
    erase(author)
    assert (told_to("kim@example.org"), told_to("lee@example.org")) == (["erasure"], ["erasure"])
    assert told_to("follower@example.org") == [], "the place where it stood says enough"
    text = " ".join(mails("erasure")[0].text.split())
    assert "It was deleted for good, because whoever gave it asked for it." in text
    assert "you can give a reason of your own" in text
    assert f"/regulations/{regulation.slug}/vote" in text
    assert "It costs a day" not in text


def test_the_reason_is_told_of_before_the_window_closes_though_the_days_mail_comes_after(app):
    _, author = a_reason_two_stand_behind(closes=NOON + DAY / 2)
    hears(a_voter("kim@example.org"), How.DAILY)
    erase(author)
    assert told_to("kim@example.org") == ["erasure"]


@pytest.mark.parametrize("after", [DAY, 40 * DAY])
def test_once_nobody_can_give_another_reason_the_decision_tells_what_became_of_it(app, after):
    regulation, author = a_reason_two_stand_behind(closes=NOON + DAY / 2)
    a_frozen_theme(regulation.theme)
    erase(author, NOON + after)
    assert told_to("kim@example.org") == []
    a_decision(regulation, now=NOON + 50 * DAY)
    assert "The reason you stand behind was deleted for good, so it has no answer." in mails("decision")[0].text


def test_who_has_given_another_reason_meanwhile_is_told_nothing_of_the_old_one(app):
    regulation, author = a_reason_two_stand_behind()
    kim = hears(a_voter("kim@example.org"), How.DAILY)
    erase(author)
    with transaction():
        withdraw_vote(voter=db.session.merge(kim), regulation=db.session.merge(regulation), now=NOON)
    tell()
    assert told_to("kim@example.org") == []


def test_that_mail_is_the_one_more_so_lateness_is_not_told_besides(app):
    regulation, author = a_reason_two_stand_behind()
    erase(author)
    a_frozen_theme(regulation.theme)
    go_overdue(regulation.theme)
    is_done(a_decision(regulation, Outcome.SCRAP))
    assert told_to("kim@example.org") == ["erasure", "decision", "done"]
    kinds = set(db.session.scalars(select(Notice.kind).where(Notice.because == "took_part")))
    assert kinds == {"erasure", "decision", "done"}
