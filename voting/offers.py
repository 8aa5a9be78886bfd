"""Reasons that others may stand behind, and what became of a reason since somebody gave it or stood behind it."""

from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from core.db import db
from regulations.models import Regulation
from voting.models import Comment, Support, Vote
from voting.rules import CommentStatus, public_id_of


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


def what_became_of_reason(account_id: int, regulation_id: int) -> BecomeOfReason:
    behind = aliased(Comment)
    wanted = (
        select(Comment.status, Support.stands, Support.version, behind.version.label("now"))
        .select_from(Vote)
        .outerjoin(Comment, and_(Comment.account_id == account_id, Comment.regulation_id == regulation_id))
        .outerjoin(Support, and_(Support.account_id == account_id, Support.regulation_id == regulation_id))
        .outerjoin(behind, behind.id == Support.comment_id)
        .where(Vote.account_id == account_id, Vote.regulation_id == regulation_id)
    )
    row = db.session.execute(wanted).one_or_none()
    if row is None:
        return BecomeOfReason(hidden=False, changed=False)
    return BecomeOfReason(row.status == CommentStatus.HIDDEN, bool(row.stands) and row.version != row.now)
