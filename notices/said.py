"""What each of some people said about a regulation, the points it was counted in, and what was answered."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import select

from analysis.models import Grouping, Point
from core.db import db
from decisions.models import Answer
from decisions.rules import Verdict
from voting.models import Comment, Support
from voting.rules import CommentStatus


@dataclass(frozen=True)
class Answered:
    """``to`` is the point as it was answered, or empty for an answer to one reason alone."""

    to: str
    behind: int
    verdict: str
    reasons: str


@dataclass(frozen=True)
class Said:
    words: str
    own: bool
    """False for a reason that somebody else gave and they stand behind."""
    points: tuple[str, ...] = ()
    answers: tuple[Answered, ...] = field(default=())


def said_about(regulation_id: int, decision_id: int | None, account_ids: Collection[int]) -> dict[int, Said]:
    """By account; absent who gave no reason, took it back, or stands behind words that can no longer be read.

    Four statements, however many people there are.
    """
    own = select(Comment.account_id, Comment.id, Comment.version, Comment.text).where(
        Comment.regulation_id == regulation_id,
        Comment.account_id.in_(account_ids),
        Comment.text != "",
        Comment.status.not_in((CommentStatus.WITHDRAWN, CommentStatus.ERASED)),
    )
    behind = (
        select(Support.account_id, Comment.id, Comment.version, Comment.text)
        .join(Comment, Comment.id == Support.comment_id)
        .where(
            Support.regulation_id == regulation_id,
            Support.account_id.in_(account_ids),
            Support.stands,
            Support.version == Comment.version,
            Comment.status == CommentStatus.PUBLISHED,
        )
    )
    found = {row.account_id: (row, False) for row in db.session.execute(behind)}
    found |= {row.account_id: (row, True) for row in db.session.execute(own)}
    versions = {row.id: row.version for row, _ in found.values()}
    points = _points_of(versions)
    answers = _answers(decision_id, versions, {id for these in points.values() for id in these})
    return {
        account_id: Said(
            words=row.text,
            own=is_own,
            points=tuple(points.get(row.id, {}).values()),
            answers=tuple(
                answers[key]
                for key in [("comment", row.id), *(("point", point) for point in points.get(row.id, ()))]
                if key in answers
            ),
        )
        for account_id, (row, is_own) in found.items()
    }


def _points_of(versions: dict[int, int]) -> dict[int, dict[int, str]]:
    """By comment, the points it counts under in the words it has now, the id of each with its title."""
    if not versions:
        return {}
    wanted = (
        select(Grouping.comment_id, Grouping.version, Point.id, Point.title)
        .join(Point, Point.id == Grouping.point_id)
        .where(Grouping.comment_id.in_(versions), Grouping.stands, Point.withdrawn_at.is_(None))
        .order_by(Point.id)
    )
    found: dict[int, dict[int, str]] = {}
    for row in db.session.execute(wanted):
        if row.version == versions[row.comment_id]:
            found.setdefault(row.comment_id, {})[row.id] = row.title
    return found


def _answers(
    decision_id: int | None, comments: Collection[int], points: Collection[int]
) -> dict[tuple[str, int], Answered]:
    if decision_id is None or not comments:
        return {}
    wanted = select(Answer).where(
        Answer.decision_id == decision_id, Answer.comment_id.in_(comments) | Answer.point_id.in_(points)
    )
    return {
        ("comment", row.comment_id) if row.comment_id else ("point", row.point_id or 0): Answered(
            row.point_title, row.behind, Verdict(row.verdict).told, row.reasons
        )
        for row in db.session.scalars(wanted)
    }
