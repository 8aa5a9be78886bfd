"""Submissions, for the tests that hold every audited row against the record."""

from dataclasses import replace

from accounts.rules import Capacity, Role
from analysis.erasing import erase_submission
from analysis.services import make_point
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import change_submission, enter_submission
from core.db import db, transaction
from tests.factories import NOON, a_member_of_staff
from voting.rules import ErasureBasis


def submissions_come(regulation):
    """One that is shown and makes a point, one withheld later, one erased, and a petition on the whole theme."""
    regulation = db.session.merge(regulation)
    official, by = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.ANALYST)
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
        taken_back = enter_submission(regulation=regulation, received=replace(private, text="Forget this."), **given)
    with transaction():
        erase_submission(
            submission=taken_back, seen=taken_back.entry_id or "", basis=ErasureBasis.REQUEST,
            by=official, now=NOON,
        )  # fmt: skip
        change_submission(
            submission=kept_back, seen=kept_back.entry_id or "", withheld=Withheld.PERSONAL_DATA, organisation="",
            points=(), by=by, now=NOON,
        )  # fmt: skip


TAMPERINGS = {
    "submission": [
        "UPDATE submission SET text = 'Words nobody sent.' WHERE how = 'letter' AND NOT withheld",
        "UPDATE submission SET text = 'Words nobody sent.' WHERE withheld",
        "UPDATE submission SET text = 'Back again.' WHERE withheld_because = 'erased'",
        "UPDATE submission SET withheld = false, withheld_because = '' WHERE withheld_because = 'erased'",
        "DELETE FROM opening WHERE field = 'text_commit' AND entry_id NOT IN (SELECT entry_id FROM submission)",
        """INSERT INTO opening (id, entry_id, field, kind, salt, text)
        SELECT 99999, entry.id, opening.field, opening.kind, opening.salt, opening.text
        FROM entry JOIN opening ON opening.field = 'text_commit'
        WHERE entry.type = 'submission' AND entry.id NOT IN (SELECT entry_id FROM opening) LIMIT 1""",
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
