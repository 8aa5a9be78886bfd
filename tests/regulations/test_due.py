"""The day by which decisions are due: moved only with a reason, and noted once when it goes by."""

import threading
from datetime import timedelta

import pytest

import chores
from accounts.rules import Role
from audit.entries import commitment
from audit.models import Opening
from core import clock
from core.clock import last_day
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from regulations.due import days_overdue, due_moves, extend_due, note_overdue, themes_newly_overdue, went_by
from regulations.models import DueChange, Theme
from regulations.rules import DECISION_DUE
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
    how_many,
    the_record,
)

REASON = "Two inspectorates asked to be heard before anything is decided."
CLOSED = {"opens": NOON - 20 * DAY, "closes": NOON - 10 * DAY}


@pytest.fixture
def theme(app):
    """Closed ten days ago, with two regulations to decide."""
    found = a_theme(**CLOSED, title="Retail")
    a_regulation(found)
    a_regulation(found)
    return found


def moved(theme, days, *, by=None, reason=REASON, now=NOON, shown=None):
    """Moved so many days beyond the day that holds."""
    by = by or a_member_of_staff(Role.OFFICIAL)
    db.session.rollback()
    due_on = last_day(theme.decision_due_at)
    with transaction():
        return extend_due(
            theme=theme, until=due_on + timedelta(days=days), shown=shown or due_on, reason=reason, by=by, now=now
        )


def noted(theme, now):
    with transaction():
        return note_overdue(theme=db.session.merge(theme), now=now)


@both_databases
def test_moving_the_day_says_until_when_who_and_why_and_the_reason_can_be_read(theme):
    before = last_day(theme.decision_due_at)
    change = moved(theme, 30, by=a_member_of_staff(Role.ADMINISTRATOR, "Example Office"))
    assert last_day(theme.decision_due_at) == before + timedelta(days=30)
    (entry,) = the_record("due")
    assert (entry["theme"], entry["actor"]) == ("retail", "Example Office")
    assert entry["due"] == int(theme.decision_due_at.timestamp())
    assert REASON not in str(entry)
    opening = db.session.query(Opening).filter_by(entry_id=entry["id"], field="reason_commit").one()
    assert commitment(opening.kind, opening.salt, opening.text) == entry["reason_commit"]
    assert (opening.text, change.entry_id) == (REASON, entry["id"])
    (move,) = due_moves()[theme.id]
    assert (move.moved_from, move.moved_to, move.reason) == (before, before + timedelta(days=30), REASON)


def test_a_day_moved_twice_tells_both_moves(theme):
    first = last_day(theme.decision_due_at)
    moved(theme, 10)
    moved(theme, 5)
    one, two = due_moves([theme.id])[theme.id]
    assert (one.moved_from, one.moved_to, two.moved_from) == (first, two.moved_from, one.moved_to)
    assert due_moves([theme.id + 1]) == {}


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.MODERATOR, Role.ANALYST])
def test_only_officials_and_administrators_move_a_day(theme, role):
    with pytest.raises(NotAllowed):
        moved(theme, 10, by=a_member_of_staff(role))
    assert the_record("due") == []


@pytest.mark.parametrize(
    ("days", "reason", "field"),
    [(0, REASON, "until"), (-3, REASON, "until"), (500, REASON, "until"), (10, "Busy.", "reason")],
)
def test_a_day_is_moved_to_a_later_day_within_a_year_and_with_a_reason(theme, days, reason, field):
    with pytest.raises(RuleBroken) as refusal:
        moved(theme, days, reason=reason)
    assert refusal.value.field == field
    assert how_many(DueChange) == 0


def test_a_day_that_went_by_is_not_moved_to_another_that_did(theme):
    with pytest.raises(RuleBroken, match="gone by"):
        moved(theme, 5, now=NOON + 200 * DAY)


def test_while_a_theme_is_open_its_day_still_follows_from_the_close(app):
    theme = a_theme()
    a_regulation(theme)
    with pytest.raises(RuleBroken, match="not closed"):
        moved(theme, 10)


def test_where_everything_is_decided_there_is_no_day_to_move(app):
    theme = a_theme(title="Rail")
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    a_decision(regulation)
    with pytest.raises(RuleBroken, match="Every regulation"):
        moved(theme, 10, now=NOON + 21 * DAY)


def test_who_moves_a_day_that_a_colleague_has_moved_meanwhile_is_told(theme):
    shown = last_day(theme.decision_due_at)
    moved(theme, 10)
    with pytest.raises(Clash, match="colleague has moved"):
        moved(theme, 20, shown=shown)
    assert len(the_record("due")) == 1


@both_databases
def test_overdue_in_sql_is_overdue_by_the_calendar(app):
    """Around midnight in the UK, in winter and in summer time, for a close at midnight and one at noon."""
    for closes in (NOON - 10 * DAY, NOON.replace(hour=0), NOON + 40 * DAY):
        a_theme(opens=NOON - 30 * DAY, closes=closes)
    themes, seen = db.session.query(Theme).all(), set()
    for hours in range(80 * 24, 150 * 24, 5):
        for now in (NOON + timedelta(hours=hours), clock.day_begins((NOON + timedelta(hours=hours)).date())):
            in_sql = set(db.session.scalars(db.select(Theme.id).where(went_by(now))))
            by_hand = {theme.id for theme in themes if days_overdue(theme.decision_due_at, now) > 0}
            assert in_sql == by_hand
            seen.add(len(in_sql))
    assert seen == {0, 1, 2, 3}


@both_databases
def test_a_day_that_goes_by_is_noted_once_with_how_many_are_missing(theme):
    due = theme.decision_due_at
    assert themes_newly_overdue(due) == []
    assert noted(theme, due) is None
    late = due + DAY
    assert themes_newly_overdue(late) == [theme.id]
    assert noted(theme, late).undecided == 2
    assert themes_newly_overdue(late + 9 * DAY) == []
    assert noted(theme, late + 9 * DAY) is None
    (entry,) = the_record("overdue")
    assert (entry["theme"], entry["due"], entry["undecided"]) == ("retail", int(due.timestamp()), 2)


def test_a_later_day_that_goes_by_too_is_another_event(theme):
    late = NOON + 100 * DAY
    noted(theme, late)
    moved(theme, 60, now=late)
    assert noted(theme, late + 10 * DAY) is None
    assert noted(theme, late + 60 * DAY) is not None
    assert len(the_record("overdue")) == 2


def test_nothing_is_overdue_where_all_is_decided_or_spent(app):
    theme = a_theme(**CLOSED)
    a_regulation(theme, spent="Revoked.")
    assert noted(theme, theme.decision_due_at + DECISION_DUE) is None


@both_databases
def test_two_workers_that_look_at_once_note_a_day_once(app, theme):
    late = theme.decision_due_at + DAY
    themes = [theme.id]
    for n in range(5):
        other = a_theme(**CLOSED, title=f"Other {n}")
        a_regulation(other)
        themes.append(other.id)
    start = threading.Barrier(2)
    db.session.remove()

    def look():
        with app.app_context(), clock.pretending(late):
            start.wait()
            chores.note_what_went_by()
            db.session.remove()

    workers = [threading.Thread(target=look) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(change.theme_id for change in db.session.query(DueChange)) == sorted(themes)
    assert len(the_record("overdue")) == len(themes)
