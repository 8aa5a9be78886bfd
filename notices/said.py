"""What each of some people said about a regulation, the points it was counted in, and what was answered."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from analysis.models import Grouping, Point
from core.db import db
from decisions.models import Answer
from decisions.rules import Verdict
from voting.models import Comment, ModerationAct, Support
from voting.rules import CommentStatus, ModerationRule
from voting.shown import masked_words


@dataclass(frozen=True)
class Answered:
    """``to`` is the point as it was answered, or empty for an answer to one reason alone."""

    to: str
    behind: int
    few: bool
    verdict: str
    reasons: str


@dataclass(frozen=True)
class Under:
    """A point that a reason was counted in. One of few holds what only few people raised, each something else."""

    title: str
    few: bool


@dataclass(frozen=True)
class Said:
    words: str
    """As this reader may read them: one's own in full, another's with what a moderator covered; empty once gone."""
    own: bool
    """False for a reason that somebody else gave and they stand behind."""
    hidden_by: str = ""
    """The rule by which a moderator hid it. It is then in no point, and has no answer."""
    erased: bool = False
    points: tuple[Under, ...] = ()
    answers: tuple[Answered, ...] = field(default=())


def said_about(regulation_id: int, decision_id: int | None, account_ids: Collection[int]) -> dict[int, Said]:
    """By account; absent who gave no reason, took it back, or stands behind one that was taken back or changed.

    Seven statements, however many people there are.
    """
    columns = (Comment.id, Comment.version, Comment.text, Comment.status, Comment.entry_id)
    own = select(Comment.account_id, *columns).where(
        Comment.regulation_id == regulation_id,
        Comment.account_id.in_(account_ids),
        Comment.text != "",
        Comment.status.not_in((CommentStatus.WITHDRAWN, CommentStatus.ERASED)),
    )
    behind = (
        select(Support.account_id, *columns)
        .join(Comment, Comment.id == Support.comment_id)
        .where(
            Support.regulation_id == regulation_id,
            Support.account_id.in_(account_ids),
            Support.stands,
            Support.version == Comment.version,
            Comment.status != CommentStatus.WITHDRAWN,
        )
    )
    found = {row.account_id: (row, False) for row in db.session.execute(behind)}
    found |= {row.account_id: (row, True) for row in db.session.execute(own)}
    rows = {row.id: row for row, _ in found.values()}
    covered = masked_words([id for id, row in rows.items() if row.status == CommentStatus.MASKED])
    hidden = _rules_that_hid([id for id, row in rows.items() if row.status == CommentStatus.HIDDEN])
    shown = {id: row.version for id, row in rows.items() if row.status in _SHOWN}
    points = _points_of(shown)
    answers = _answers(decision_id, shown, {id for these in points.values() for id in these})
    return {
        account_id: Said(
            words=_words(row, is_own, covered),
            own=is_own,
            hidden_by=hidden.get(row.id, ""),
            erased=row.status == CommentStatus.ERASED,
            points=tuple(points.get(row.id, {}).values()),
            answers=tuple(
                answers[key]
                for key in [("comment", row.id), *(("point", point) for point in points.get(row.id, ()))]
                if key in answers
            ),
        )
        for account_id, (row, is_own) in found.items()
    }


_SHOWN = (CommentStatus.PUBLISHED, CommentStatus.MASKED)


def _words(row: Any, own: bool, covered: dict[int, str]) -> str:
    if own or row.status == CommentStatus.PUBLISHED:
        return str(row.text)
    return covered.get(row.id, "") if row.status == CommentStatus.MASKED else ""


def _rules_that_hid(comments: Collection[int]) -> dict[int, str]:
    if not comments:
        return {}
    acts = select(ModerationAct.comment_id, ModerationAct.rule).where(ModerationAct.comment_id.in_(comments))
    rows = db.session.execute(acts.order_by(ModerationAct.id))
    return {row.comment_id: ModerationRule(row.rule).label for row in rows}


def _points_of(versions: dict[int, int]) -> dict[int, dict[int, Under]]:
    """By comment, the points it counts under in the words it has now, by their ids."""
    if not versions:
        return {}
    wanted = (
        select(Grouping.comment_id, Grouping.version, Point.id, Point.title, Point.few)
        .join(Point, Point.id == Grouping.point_id)
        .where(Grouping.comment_id.in_(versions), Grouping.stands, Point.withdrawn_at.is_(None))
        .order_by(Point.id)
    )
    found: dict[int, dict[int, Under]] = {}
    for row in db.session.execute(wanted):
        if row.version == versions[row.comment_id]:
            found.setdefault(row.comment_id, {})[row.id] = Under(row.title, row.few)
    return found


def _answers(
    decision_id: int | None, comments: Collection[int], points: Collection[int]
) -> dict[tuple[str, int], Answered]:
    if decision_id is None or not comments:
        return {}
    wanted = (
        select(Answer, Point.few)
        .outerjoin(Point, Point.id == Answer.point_id)
        .where(
            Answer.decision_id == decision_id,
            Answer.comment_id.in_(comments) | Answer.point_id.in_(points),
        )
    )
    return {
        ("comment", row.comment_id) if row.comment_id else ("point", row.point_id or 0): Answered(
            row.point_title, row.behind, bool(few), Verdict(row.verdict).told, row.reasons
        )
        for row, few in db.session.execute(wanted)
    }
