"""A regulation's whole life, as those hear it who took part and those who follow; and how much is told unasked."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from accounts.rules import Role
from audit.followers import catch_up, start_again
from chores import note_what_went_by
from core import clock
from core.clock import last_day, uk_day
from core.db import db, transaction
from core.mail import LAST, Mail
from decisions.milestones import add_milestone, change_milestone, miss_milestone
from decisions.models import Decision, Milestone
from decisions.rules import Outcome
from decisions.steps import State, Step
from notices import happenings, searches
from notices.follower import NoticesFollower
from notices.models import Follow, Hearing, Notice
from notices.rules import Because, Followed, How
from notices.services import forget_erased
from regulations.due import extend_due
from regulations.models import Theme
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
    a_voter,
    how_many,
    settle_the_record,
)
from tests.notices.telling import (
    SILENT,
    a_follower,
    a_voted_regulation,
    at_once,
    decide,
    go_overdue,
    hears,
    mails,
    tell,
    told_to,
)
from voting.erasure import erase_person
from voting.rules import Choice, ErasureBasis

AFTER = NOON + 30 * DAY


def a_step(decision: Decision, due: int = 30) -> Milestone:
    with transaction():
        return add_milestone(
            decision=db.session.merge(decision), step=Step.GUIDANCE, words="Guidance in plain words",
            due_on=uk_day(AFTER + due * DAY), by=a_central_official(), now=AFTER,
        )  # fmt: skip


def a_central_official():
    return db.session.merge(OFFICIALS["one"])


OFFICIALS: dict[str, object] = {}


@pytest.fixture(autouse=True)
def _an_official(app):
    OFFICIALS["one"] = a_member_of_staff(Role.OFFICIAL)


def move(milestone: Milestone, state: State, **given) -> None:
    with transaction():
        found = db.session.get_one(Milestone, milestone.id)
        usual = {"due_on": found.due_on, "instrument": "SI 2027/123", "reason": ""}
        change_milestone(
            milestone=found, seen=found.entry_id or "", state=state, by=a_central_official(), now=AFTER,
            **(usual | given),
        )  # fmt: skip
    settle_the_record()


@both_databases
def test_unasked_a_participant_hears_three_times_of_a_whole_life_and_a_follower_of_all_of_it(app):
    at_once("voter0@example.org", "follower@example.org")
    regulation = a_voted_regulation()
    a_follower(Followed.REGULATION, regulation.slug)
    decision = decide(regulation)
    step = a_step(decision)
    move(step, State.UNDER_WAY)
    with transaction():
        assert miss_milestone(milestone=db.session.get_one(Milestone, step.id), now=AFTER + 60 * DAY)
    settle_the_record()
    move(step, State.UNDER_WAY, due_on=uk_day(AFTER + 90 * DAY), reason="The printers were late with it.")
    move(step, State.DONE)
    assert told_to("voter0@example.org") == ["decision", "done"]
    assert len(mails("receipt")) == 1, "with the receipt, three"
    assert told_to("follower@example.org") == [
        "decision", "milestone", "milestone", "slippage", "slippage", "milestone", "done",
    ]  # fmt: skip
    said = [mail.subject.partition(": ")[2] for mail in mails() if mail.recipient == "follower@example.org"]
    assert said[1:4] == [
        f"{told}: Guidance in plain words – {regulation.title}"
        for told in ("A step is planned", "A step is under way", "A promised day was missed")
    ]
    assert "It was done by SI 2027/123." in mails("milestone")[-1].text
    put_off = mails("slippage")[-1]
    assert put_off.subject.partition(": ")[2] == f"A step was put off: Guidance in plain words – {regulation.title}"
    assert "It was put off from 1 May 2026 to 30 June 2026." in put_off.text


def test_followers_hear_of_a_review_when_its_day_comes(app):
    at_once("follower@example.org")
    regulation = a_voted_regulation()
    a_follower(Followed.REGULATION, regulation.slug)
    a_frozen_theme(regulation.theme)
    a_decision(regulation, review_on=uk_day(AFTER), due_on=uk_day(AFTER))
    for now in (AFTER - DAY, AFTER):
        with clock.pretending(now):
            note_what_went_by()
        settle_the_record()
    assert told_to("follower@example.org") == ["decision", "milestone", "milestone"]
    assert "Its day has come: Review of how it works" in mails("milestone")[-1].subject
    assert "to be reviewed by 1 April 2026" in mails("milestone")[-1].text


@both_databases
def test_a_late_decision_adds_one_mail_and_no_more_however_often_it_is_late(app):
    at_once("voter0@example.org")
    regulation = a_voted_regulation()
    a_frozen_theme(regulation.theme)
    go_overdue(regulation.theme)
    theme = db.session.get_one(Theme, regulation.theme_id)
    official, due = db.session.merge(OFFICIALS["one"]), last_day(theme.decision_due_at)
    with transaction():
        extend_due(
            theme=theme, until=due + timedelta(days=60), shown=due, reason="The evidence has to be read in full.",
            by=official, now=theme.decision_due_at + 2 * DAY,
        )  # fmt: skip
    settle_the_record()
    go_overdue(regulation.theme)
    a_decision(regulation)
    a_decision(regulation, Outcome.SCRAP, now=NOON + 400 * DAY)
    a_decision(regulation, Outcome.KEEP, now=NOON + 500 * DAY)
    assert told_to("voter0@example.org") == ["overdue", "decision"], "a place is kept for what comes of it"
    unasked = select(func.count()).where(Notice.because == Because.TOOK_PART)
    assert db.session.scalar(unasked) + len(mails("receipt")) == 3, "counted in the database"
    assert "1 regulation has no decision yet" in mails("overdue")[0].text


@pytest.mark.parametrize("kind", [Followed.THEME, Followed.DEPARTMENT, Followed.SEARCH, Followed.REGULATION])
def test_followers_hear_of_days_that_are_moved_or_missed(app, kind):
    at_once("follower@example.org")
    regulation = a_regulation(a_theme(), title="The Lift Shaft Regulations")
    keys = {
        Followed.THEME: regulation.theme.slug, Followed.DEPARTMENT: regulation.department.slug,
        Followed.SEARCH: "q=shafts", Followed.REGULATION: regulation.slug,
    }  # fmt: skip
    a_follower(kind, keys[kind])
    a_frozen_theme(regulation.theme)
    go_overdue(regulation.theme)
    theme = db.session.get_one(Theme, regulation.theme_id)
    official, due = db.session.merge(OFFICIALS["one"]), last_day(theme.decision_due_at)
    with transaction():
        extend_due(
            theme=theme, until=due + timedelta(days=30), shown=due, reason="The evidence has to be read in full.",
            by=official, now=theme.decision_due_at + 2 * DAY,
        )  # fmt: skip
    settle_the_record()
    assert told_to("follower@example.org") == ["overdue", "extended"]
    assert "The evidence has to be read in full." in mails("extended")[0].text


def test_new_themes_and_regulations_are_told_once_to_whoever_follows_them_in_several_ways(app):
    at_once("follower@example.org")
    department = a_regulation().department
    a_follower(Followed.THEMES, "")
    a_follower(Followed.DEPARTMENT, department.slug)
    a_follower(Followed.SEARCH, "q=ladders")
    hears(a_voter("follower@example.org"), How.DAILY)
    theme = a_theme(title="Work at height")
    a_follower(Followed.THEME, theme.slug)
    ladders = a_regulation(theme, title="The Ladders Regulations 1999", department=db.session.merge(department))
    a_regulation(theme, title="The Scaffolding Regulations 1999", department=db.session.merge(department))
    settle_the_record()
    tell()
    written = "".join(mail.text for mail in mails())
    assert "A new theme" in "".join(mail.text + mail.subject for mail in mails())
    assert written.count(f"/regulations/{ladders.slug}") == 1
    assert "The Scaffolding Regulations 1999" in written


def test_a_search_that_does_not_find_it_is_silent(app):
    at_once("follower@example.org")
    regulation = a_voted_regulation(voters=0, title="The Lift Shaft Regulations")
    a_follower(Followed.SEARCH, "q=shaft+bananas")
    a_follower(Followed.SEARCH, "q=shaft&theme=another")
    decide(regulation)
    assert told_to("follower@example.org") == []


def test_who_follows_what_is_not_decided_hears_of_what_is_listed_and_of_what_is_decided_at_last(app):
    at_once("follower@example.org")
    theme = a_theme()
    a_regulation(theme)
    a_follower(Followed.SEARCH, "q=shafts&outcome=none")
    regulation = a_regulation(db.session.merge(theme), title="The Lift Shaft Regulations")
    settle_the_record()
    assert told_to("follower@example.org") == ["listed"]
    a_vote(regulation, Choice.KEEP, **SILENT)
    decide(regulation)
    a_decision(regulation, Outcome.SCRAP, now=NOON + 60 * DAY)
    assert told_to("follower@example.org") == ["listed", "decision"], "from then on it is decided"


def test_a_search_finds_by_the_year_as_the_list_does(app):
    at_once("follower@example.org")
    regulation = a_voted_regulation(voters=0, title="The Lift Shaft Regulations")
    a_follower(Followed.SEARCH, f"q={regulation.year}")
    decide(regulation)
    assert told_to("follower@example.org") == ["decision"]


def test_what_is_followed_is_looked_for_before_anybody_has_to_wait(app, monkeypatch):
    """However many searches are followed, none is read while the follower keeps other writers waiting."""
    regulation = a_voted_regulation(voters=0, title="The Lift Shaft Regulations")
    a_follower(Followed.SEARCH, "q=shafts")
    waiting = []
    looked = searches.searches_that_find

    def look(*given, **more):
        waiting.append(db.session().info.get("in_transaction", False))
        return looked(*given, **more)

    monkeypatch.setattr(happenings, "searches_that_find", look)
    decide(regulation)
    assert waiting
    assert not any(waiting)


def test_reading_the_record_again_tells_nothing_again(app):
    at_once("voter0@example.org")
    regulation = a_voted_regulation()
    decide(regulation)
    start_again(NoticesFollower())
    catch_up([NoticesFollower()])
    settle_the_record()
    assert told_to("voter0@example.org") == ["decision"]


@both_databases
def test_of_whoever_is_erased_nothing_is_kept_to_follow_and_nothing_is_sent(app):
    regulation = a_voted_regulation(voters=0)
    ada = a_follower(Followed.REGULATION, regulation.slug, "ada@example.org")
    a_vote(regulation, Choice.KEEP, ada, **SILENT)
    decide(regulation)
    assert how_many(Notice) == 1
    with transaction():
        erase_person(account=db.session.merge(ada), basis=ErasureBasis.REQUEST, now=clock.now())
    settle_the_record()
    tell()
    assert [row.kind for row in db.session.scalars(select(Mail))] == [LAST], "one that says it is done, and no more"
    with transaction():
        forget_erased()
    assert [how_many(model) for model in (Notice, Follow, Hearing)] == [0, 0, 0]
