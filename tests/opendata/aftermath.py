"""What comes after the vote, for the tests that hold every audited row against the record."""

from datetime import timedelta

from accounts.rules import Role
from core.clock import last_day
from core.db import db, transaction
from regulations.due import extend_due, note_overdue
from tests.factories import DAY, NOON, a_member_of_staff, a_regulation, a_theme


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


TAMPERINGS = {
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
