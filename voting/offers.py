"""Reasons that others may stand behind, and what became of a reason since somebody gave it or stood behind it."""

from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from accounts.rules import Capacity
from core.db import db
from regulations.models import Regulation
from voting.models import Comment, Support, Vote
from voting.rules import PUBLIC, CommentStatus, name_shown, public_id_of


def supportable(offer: str, regulation: Regulation, choice: str) -> Comment | None:
    """A published reason on that side, which others may stand behind: in the words it was offered in, or not at all."""
    wanted = select(Comment).filter_by(
        public_id=public_id_of(offer), regulation_id=regulation.id, status=CommentStatus.PUBLISHED, choice=choice
    )
    comment = db.session.scalar(wanted.execution_options(populate_existing=True))
    return comment if comment is not None and offer in (comment.public_id, comment.offer) else None


@dataclass(frozen=True)
class BecomeOfReason:
    """What a person has to know of the reason they gave."""

    hidden: bool
    """Moderators hid it."""
    changed: bool
    """It is another's, who has changed what it says."""
    text: str = ""
    """The words of one's own that stand."""
    shown_as: str = ""


def what_became_of_reason(account_id: int, regulation_id: int) -> BecomeOfReason:
    behind = aliased(Comment)
    wanted = (
        select(
            Comment.status,
            Comment.text,
            Comment.level,
            Comment.organisation_name,
            Comment.display_name,
            Comment.capacity,
            Support.stands,
            Support.version,
            behind.version.label("now"),
        )  # fmt: skip
        .select_from(Vote)
        .outerjoin(Comment, and_(Comment.account_id == account_id, Comment.regulation_id == regulation_id))
        .outerjoin(Support, and_(Support.account_id == account_id, Support.regulation_id == regulation_id))
        .outerjoin(behind, behind.id == Support.comment_id)
        .where(Vote.account_id == account_id, Vote.regulation_id == regulation_id)
    )
    row = db.session.execute(wanted).one_or_none()
    if row is None:
        return BecomeOfReason(hidden=False, changed=False)
    changed = bool(row.stands) and row.version != row.now
    if row.status not in PUBLIC:
        return BecomeOfReason(row.status == CommentStatus.HIDDEN, changed)
    shown_as = name_shown(
        level=row.level,
        organisation=row.organisation_name,
        display_name=row.display_name,
        capacity=Capacity(row.capacity),
    )
    return BecomeOfReason(hidden=False, changed=changed, text=row.text, shown_as=shown_as)
