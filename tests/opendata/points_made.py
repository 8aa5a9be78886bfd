"""Points, what stands under them and who objects, for the tests that hold every audited row against the record."""

from accounts.models import Account
from accounts.rules import Role
from analysis.rules import Outcome
from analysis.services import make_point, object_to, put_under, reword_point, settle_dispute, take_out, withdraw_point
from core.db import db, transaction
from tests.factories import DAY, NOON, a_member_of_staff, a_vote, a_voter
from voting.models import Comment
from voting.queries import comment_by
from voting.rules import Choice


def reasons_are_sorted(regulation):
    """A point worded anew, one given up, a reason taken out again, an objection that was settled, one that waits."""
    regulation = db.session.merge(regulation)
    given = {"by": a_member_of_staff(Role.ANALYST), "now": NOON}
    late = {**given, "now": NOON + DAY}
    texts = ("It costs shops.", "It is unclear.", "It is late.")
    first, second, third = (_a_reason(regulation, text) for text in texts)
    with transaction():
        dear, vague, spare = (
            make_point(regulation=regulation, title=title, summary="", **given)
            for title in ("It costs too much", "It is not clear", "Nobody says this")
        )
        stays, waits, _ = put_under(point=dear, comments=[first, second, third], **given)
        put_under(point=vague, comments=[second], **given)
        rest = make_point(regulation=regulation, title="Raised by few people", summary="", few=True, **given)
    with transaction():
        reword_point(point=dear, version=dear.version, title="It costs small shops a lot", summary="", **late)
        withdraw_point(point=spare, **late)
        reword_point(point=rest, version=1, title="Raised by few of those who wrote", summary="", **late)
        take_out(point=dear, comments=[third], **late)
        settled = object_to(grouping=stays, author=db.session.get_one(Account, first.account_id), now=NOON + DAY)
        object_to(grouping=waits, author=db.session.get_one(Account, second.account_id), now=NOON + DAY)
    with transaction():
        settle_dispute(dispute=settled, outcome=Outcome.KEPT, **late)


def _a_reason(regulation, text) -> Comment:
    author = a_voter()
    a_vote(regulation, Choice.SCRAP, voter=author, text=text)
    return comment_by(author, regulation)


TAMPERINGS = {
    "point": [
        "UPDATE point SET title = 'What nobody said'",
        "UPDATE point SET summary = 'And it is worse than that.' WHERE withdrawn_at IS NULL",
        "UPDATE point SET withdrawn_at = changed_at WHERE withdrawn_at IS NULL",
        "UPDATE point SET withdrawn_at = NULL WHERE withdrawn_at IS NOT NULL",
        "UPDATE point SET regulation_id = (SELECT min(id) FROM regulation) WHERE NOT few",
        "UPDATE point SET made_by = 'Another office'",
        "UPDATE point SET made_at = '2029-12-31 00:00:00'",
        "UPDATE point SET version = version + 1",
        "UPDATE point SET public_id = 'another' WHERE version = 2 AND NOT few",
        "UPDATE point SET few = NOT few WHERE few",
        "UPDATE point SET few = NOT few WHERE withdrawn_at IS NOT NULL",
        "UPDATE point SET entry_id = NULL WHERE version = 2",
        "DELETE FROM point WHERE withdrawn_at IS NOT NULL",
        """INSERT INTO point (id, public_id, regulation_id, title, summary, few, version, made_by, made_at, changed_at,
        entry_id, demonstration) SELECT 99999, 'another', regulation_id, title, summary, few, version, made_by, made_at,
        changed_at, entry_id, demonstration FROM point WHERE version = 2 AND NOT few""",
    ],
    "point_wording": [
        "UPDATE point_wording SET title = 'What nobody said' WHERE version = 1",
        "UPDATE point_wording SET worded_by = 'Another office'",
        "UPDATE point_wording SET point_id = (SELECT max(id) FROM point) WHERE version = 1",
        "DELETE FROM point_wording WHERE version = 1",
    ],
    "grouping": [
        'UPDATE "grouping" SET stands = NOT stands WHERE stands',
        'UPDATE "grouping" SET stands = NOT stands WHERE NOT stands',
        'UPDATE "grouping" SET point_id = (SELECT max(id) FROM point) WHERE id = (SELECT min(id) FROM "grouping")',
        'UPDATE "grouping" SET point_id = 999999 WHERE NOT stands',
        'UPDATE "grouping" SET id = 999999 WHERE NOT stands',
        'UPDATE "grouping" SET comment_id = (SELECT min(id) FROM comment) WHERE NOT stands',
        'UPDATE "grouping" SET version = version + 1 WHERE stands',
        "UPDATE \"grouping\" SET put_by = 'Another office' WHERE NOT stands",
        "UPDATE \"grouping\" SET put_at = '2029-12-31 00:00:00' WHERE stands",
        'UPDATE "grouping" SET entry_id = NULL WHERE stands',
        'DELETE FROM "grouping" WHERE NOT stands',
        'DELETE FROM "grouping" WHERE id = (SELECT min(id) FROM "grouping")',
        """INSERT INTO "grouping" (id, comment_id, point_id, stands, version, put_by, put_at, entry_id)
        SELECT 99999, (SELECT min(id) FROM comment), point_id, stands, version, put_by, put_at, entry_id
        FROM "grouping" WHERE NOT stands""",
    ],
    "dispute": [
        "UPDATE dispute SET outcome = 'moved' WHERE outcome = 'kept'",
        "UPDATE dispute SET outcome = '', settled_at = NULL, settled_by = '' WHERE outcome = 'kept'",
        "UPDATE dispute SET settled_at = raised_at WHERE outcome = ''",
        "UPDATE dispute SET settled_at = NULL WHERE outcome = 'kept'",
        "UPDATE dispute SET settled_by = 'Another office' WHERE outcome = 'kept'",
        "UPDATE dispute SET raised_at = '2029-12-31 00:00:00'",
        "UPDATE dispute SET settled_at = '2029-12-31 00:00:00' WHERE outcome = 'kept'",
        'UPDATE dispute SET grouping_id = (SELECT max(id) FROM "grouping")',
        "UPDATE dispute SET entry_id = NULL",
        "UPDATE dispute SET id = 999999 WHERE outcome = 'kept'",
        "DELETE FROM dispute WHERE outcome = ''",
        """INSERT INTO dispute (id, grouping_id, raised_at, settled_by, outcome, entry_id)
        SELECT 99999, grouping_id, raised_at, settled_by, outcome, entry_id FROM dispute WHERE outcome = ''""",
    ],
}
