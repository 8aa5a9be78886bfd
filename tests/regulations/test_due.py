"""The day by which decisions are due: moved only with a reason, and noted once when it goes by."""

import threading
from datetime import timedelta

import pytest

import chores
from accounts.rules import Role
from audit.entries import commitment
from audit.models import Opening
from audit.tiles import log_folder
from core import clock
from core.clock import last_day
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from opendata.checking import check
from opendata.openings import openings_of_line
from regulations.due import (
    days_overdue,
    due_moves,
    extend_due,
    note_overdue,
    set_days_to_decide,
    themes_newly_overdue,
    went_by,
)
from regulations.models import DueChange, Theme
from regulations.rules import DAYS_TO_DECIDE
from regulations.services import close_early
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
    settle_the_record,
    the_record,
)
from tests.house.test_departments import a_browser

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
    assert noted(theme, theme.decision_due_at + DAYS_TO_DECIDE * DAY) is None


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


def days_set(theme, days, *, shown=DAYS_TO_DECIDE, by=None, reason=REASON, now=NOON):
    by = by or a_member_of_staff(Role.OFFICIAL)
    with transaction():
        set_days_to_decide(theme=db.session.merge(theme), days=days, shown=shown, reason=reason, by=by, now=now)


@both_databases
def test_before_a_theme_closes_its_days_to_decide_can_be_set_with_a_published_reason(app, client):
    theme = a_theme(title="Retail", closes=NOON + 10 * DAY)
    a_regulation(theme)
    days_set(theme, 60, by=a_member_of_staff(Role.OFFICIAL, "Example Office"))
    db.session.expire_all()
    assert (theme.days_to_decide, theme.decision_due_at) == (60, NOON + 70 * DAY)
    entry = the_record("window")[-1]
    assert (entry["act"], entry["days"], entry["actor"]) == ("days_set", 60, "Example Office")
    assert openings_of_line(entry["id"]).opened[0].text == REASON
    with clock.pretending(NOON):
        row = client.get("/themes/retail.json").get_json()
        assert row["decision_due_on"] == last_day(NOON + 70 * DAY).isoformat()
    settle_the_record()
    assert check(log_folder()).wrong == []


def test_a_day_that_is_moved_later_is_moved_from_the_one_that_was_set(app):
    theme = a_theme(title="Retail", closes=NOON + 10 * DAY)
    a_regulation(theme)
    days_set(theme, 60)
    db.session.expire_all()
    moved(theme, 20, now=NOON + 11 * DAY)
    (move,) = due_moves()[theme.id]
    assert move.moved_from == last_day(NOON + 70 * DAY)
    settle_the_record()
    assert check(log_folder()).wrong == []


def test_a_theme_that_closes_early_keeps_its_days(app):
    theme = a_theme(title="Retail", closes=NOON + 10 * DAY)
    a_regulation(theme)
    days_set(theme, 30)
    official, reason = a_member_of_staff(Role.OFFICIAL), "Everybody concerned has answered."
    with transaction():
        close_early(theme=db.session.merge(theme), reason=reason, by=official, now=NOON + DAY)
    assert theme.decision_due_at == NOON + 31 * DAY


def test_a_theme_is_listed_with_its_own_days(app):
    theme = a_theme(closes=NOON + 10 * DAY, days_to_decide=45)
    assert theme.decision_due_at == NOON + 55 * DAY
    assert the_record("window")[0]["days"] == 45
    with pytest.raises(RuleBroken, match="between 14 and 366"):
        a_theme(days_to_decide=1000)


@pytest.mark.parametrize(
    ("days", "reason", "field"), [(13, REASON, "days"), (367, REASON, "days"), (90, REASON, "days"), (60, "", "reason")]
)
def test_the_days_have_bounds_and_a_reason(app, days, reason, field):
    with pytest.raises(RuleBroken) as refusal:
        days_set(a_theme(), days, reason=reason)
    assert refusal.value.field == field


def test_once_a_theme_has_closed_its_days_are_fixed(theme):
    with pytest.raises(RuleBroken, match="has closed"):
        days_set(theme, 60)


def test_who_sets_days_that_a_colleague_has_set_meanwhile_is_told(app):
    theme = a_theme()
    days_set(theme, 60)
    with pytest.raises(Clash, match="it is 60 days now"):
        days_set(theme, 30)


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.MODERATOR, Role.ANALYST])
def test_only_officials_and_administrators_set_the_days(app, role):
    with pytest.raises(NotAllowed):
        days_set(a_theme(), 60, by=a_member_of_staff(role))


def test_the_page_keeps_what_was_typed_and_tells_what_a_colleague_set(app):
    theme = a_theme(title="Retail")
    client = a_browser(app, a_member_of_staff(Role.OFFICIAL))
    with clock.pretending(NOON):
        page = client.get("/staff/themes/retail/days").get_data(as_text=True)
        assert "Decisions are due 90 days later" in page
        days_set(theme, 60)
        answer = client.post("/staff/themes/retail/days", data={"shown": "90", "days": "twenty", "reason": REASON})
        assert answer.status_code == 409
        assert REASON in answer.get_data(as_text=True)
        answer = client.post("/staff/themes/retail/days", data={"shown": "60", "days": "twenty", "reason": REASON})
        assert (answer.status_code, "between 14 and 366" in answer.get_data(as_text=True)) == (422, True)
        answer = client.post("/staff/themes/retail/days", data={"shown": "60", "days": "45", "reason": REASON})
        assert answer.status_code == 303
        assert "45 days later" in client.get("/staff/themes/retail/days").get_data(as_text=True)
