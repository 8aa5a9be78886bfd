"""Submissions, for the tests that hold every audited row against the record."""

from accounts.rules import Capacity, Role
from analysis.services import make_point
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import change_submission, enter_submission
from core.db import db, transaction
from tests.factories import NOON, a_member_of_staff


def submissions_come(regulation):
    """One that is shown and makes a point, one that was withheld later, and a petition on the whole theme."""
    regulation = db.session.merge(regulation)
    by = a_member_of_staff(Role.ANALYST)
    given = {"theme": regulation.theme, "by": by, "now": NOON}
    with transaction():
        point = make_point(regulation=regulation, title="It helps small shops", summary="", by=by, now=NOON)
    letter = Received(How.LETTER, Capacity.CHARITY, NOON.date(), "It helps.", "Example Aid", points=(point.public_id,))
    private = Received(How.LETTER, Capacity.PUBLIC, NOON.date(), "My name is in it.")
    petition = Received(How.PETITION, Capacity.PUBLIC, NOON.date(), "Keep all of it.", signatures=1_200)
    with transaction():
        enter_submission(regulation=regulation, received=letter, **given)
        kept_back = enter_submission(regulation=regulation, received=private, **given)
        enter_submission(regulation=None, received=petition, **given)
    with transaction():
        change_submission(
            submission=kept_back, seen=kept_back.entry_id or "", withheld=Withheld.PERSONAL_DATA, organisation="",
            points=(), by=by, now=NOON,
        )  # fmt: skip


TAMPERINGS = {
    "submission": [
        "UPDATE submission SET text = 'Words nobody sent.' WHERE how = 'letter' AND NOT withheld",
        "UPDATE submission SET text = 'Words nobody sent.' WHERE withheld",
        "UPDATE submission SET organisation_name = 'Another' WHERE organisation_name <> ''",
        "UPDATE submission SET capacity = 'regulator' WHERE how = 'letter'",
        "UPDATE submission SET signatures = 12000 WHERE how = 'petition'",
        "UPDATE submission SET withheld = NOT withheld, withheld_because = ''",
        "UPDATE submission SET withheld_because = 'unlawful' WHERE withheld",
        "UPDATE submission SET received_on = '2026-01-01'",
        "UPDATE submission SET regulation_id = NULL",
        "UPDATE submission SET file_sha256 = 'ab'",
        "UPDATE submission SET entered_by = 'Another office'",
        "UPDATE submission SET reference = 'S2026-0009' WHERE how = 'petition'",
        "DELETE FROM submission_point",
        "DELETE FROM submission WHERE how = 'petition'",
    ],
}
