"""What comes after the vote, for the tests that hold every audited row against the record."""

from datetime import timedelta

from accounts.rules import Role
from core.clock import last_day
from core.db import db, transaction
from decisions.milestones import add_milestone, change_milestone
from decisions.steps import State, Step
from pages.editions import keep_edition
from regulations.census import take_census, themes_to_count
from regulations.due import extend_due, note_overdue, set_days_to_decide
from regulations.models import Theme
from tests.factories import DAY, NOON, a_member_of_staff, a_regulation, a_theme


def themes_are_counted():
    """What each theme listed when it opened is on the record; in one more was listed since."""
    with transaction():
        for id in themes_to_count(NOON):
            take_census(theme=db.session.get_one(Theme, id), now=NOON)


def a_day_is_set():
    """Somebody said before the close in how many days a theme will be decided."""
    theme, office = a_theme(title="Quick", closes=NOON + 20 * DAY), a_member_of_staff(Role.ADMINISTRATOR)
    with transaction():
        set_days_to_decide(
            theme=theme, days=60, shown=90, reason="There are few rules in it.", now=NOON,
            by=office,
        )  # fmt: skip


def days_go_by():
    """A theme that became overdue and was then given longer, and one that is overdue still."""
    long_ago = {"opens": NOON - 200 * DAY, "closes": NOON - 150 * DAY}
    moved, late = a_theme(title="Moved", **long_ago), a_theme(title="Late", **long_ago)
    official = a_member_of_staff(Role.OFFICIAL)
    for theme in (moved, late):
        a_regulation(theme)
        with transaction():
            note_overdue(theme=db.session.merge(theme), now=NOON)
    due_on = last_day(moved.decision_due_at)
    with transaction():
        extend_due(
            theme=moved, until=due_on + timedelta(days=100), shown=due_on, reason="An inquiry reports first.",
            by=official, now=NOON,
        )  # fmt: skip


def steps_follow(decision):
    """One step was begun, put off and done, another is planned still."""
    official, now = a_member_of_staff(Role.OFFICIAL), NOON + 12 * DAY
    day = (NOON + 60 * DAY).date()
    given = {"by": official, "now": now}
    with transaction():
        begun, _ = (
            add_milestone(decision=db.session.merge(decision), step=step, words="In plain words", due_on=day, **given)
            for step in (Step.GUIDANCE, Step.REVIEW)
        )
    for state in (State.UNDER_WAY, State.DONE):
        with transaction():
            change_milestone(
                milestone=begun, seen=begun.entry_id, state=state, reason="It takes longer than was thought.",
                due_on=day + timedelta(days=30),
                instrument="SI 2027/123" if state is State.DONE else "", **given,
            )  # fmt: skip


def an_edition_is_kept(theme, now):
    """What the report on a theme said can be cited."""
    with transaction():
        kept = db.session.merge(theme)
        keep_edition(theme=kept, site_url="https://review.example", demonstration=False, now=now)


TAMPERINGS = {
    "edition": [
        """UPDATE edition SET text = replace(text, '"votes"', '"voices"') WHERE number = 1""",
        "UPDATE edition SET sha256 = content_sha256 WHERE number = 1",
        "UPDATE edition SET content_sha256 = sha256 WHERE number = 2",
        "UPDATE edition SET number = 3 WHERE number = 2",
        "UPDATE edition SET at_size = at_size - 1 WHERE number = 2",
        "UPDATE edition SET kept_at = '2029-12-31 00:00:00'",
        "UPDATE edition SET theme_id = (SELECT id FROM theme WHERE slug = 'coming')",
        "UPDATE edition SET entry_id = NULL WHERE number = 1",
        "DELETE FROM edition WHERE number = 1",
        "INSERT INTO edition SELECT id + 99, theme_id, 3, kept_at, at_size, content_sha256, sha256, text, entry_id "
        "FROM edition WHERE number = 2",
    ],
    "milestone": [
        "UPDATE milestone SET state = 'done' WHERE state = 'planned'",
        "UPDATE milestone SET due_on = '2029-12-31'",
        "UPDATE milestone SET words = 'Something less'",
        "UPDATE milestone SET instrument = 'SI 2027/999' WHERE state = 'done'",
        "UPDATE milestone SET reason = 'For no reason.'",
        "UPDATE milestone SET changed_by = 'Another office'",
        "UPDATE milestone SET entry_id = NULL WHERE state = 'done'",
        "DELETE FROM milestone WHERE state = 'planned'",
    ],
    "milestone_act": [
        "UPDATE milestone SET step = 'other'",
        "UPDATE milestone_act SET state = 'missed' WHERE state = 'under_way'",
        "UPDATE milestone_act SET due_on = '2029-12-31' WHERE state = 'under_way'",
        "UPDATE milestone_act SET moved_from = NULL WHERE state = 'under_way'",
        "UPDATE milestone_act SET moved_from = due_on WHERE state = 'done'",
        "UPDATE milestone_act SET words = 'Something less' WHERE state = 'under_way'",
        "UPDATE milestone_act SET done_by = 'Another office' WHERE state = 'under_way'",
        "DELETE FROM milestone_act WHERE state = 'under_way'",
    ],
    "census": [
        "UPDATE census SET number = number + 1",
        "UPDATE census SET taken_at = '2029-12-31 00:00:00'",
        "UPDATE census SET theme_id = (SELECT id FROM theme WHERE slug = 'coming') WHERE id = 1",
        "UPDATE census SET entry_id = NULL WHERE id = (SELECT min(id) FROM census)",
        "DELETE FROM census WHERE id = (SELECT min(id) FROM census)",
        "DELETE FROM census_item WHERE regulation_id = (SELECT min(regulation_id) FROM census_item)",
        "UPDATE census_item SET census_id = (SELECT max(id) FROM census)",
        "INSERT INTO census_item SELECT max(id) + 1, 999999 FROM regulation",
    ],
    "due_change": [
        "UPDATE due_change SET act = 'extended' WHERE act = 'overdue'",
        "UPDATE due_change SET due_at = '2029-12-31 00:00:00' WHERE act = 'extended'",
        "UPDATE due_change SET undecided = 7 WHERE act = 'overdue'",
        "UPDATE due_change SET reason = 'For no reason.' WHERE act = 'extended'",
        "UPDATE due_change SET \"by\" = 'Another office' WHERE act = 'extended'",
        "UPDATE due_change SET theme_id = (SELECT min(id) FROM theme) WHERE act = 'overdue'",
        "UPDATE due_change SET entry_id = NULL WHERE act = 'extended'",
        "DELETE FROM due_change WHERE act = 'overdue'",
    ],
}
