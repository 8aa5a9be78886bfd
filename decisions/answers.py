"""An answer to every point: written by officials, published with the decision, and found again by those it is for."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from accounts.models import Account
from accounts.rules import Role
from analysis.models import Grouping, Point, Submission, SubmissionPoint
from analysis.queries import PointRow, points_to_answer
from analysis.services import is_kept
from audit.entries import AnswerEntry, text_digest
from audit.services import record
from core.db import db
from core.errors import Clash, NotAllowed, RuleBroken
from decisions import rules
from decisions.models import Answer, AnswerDraft, Decision, Draft
from decisions.rules import DraftStatus, Verdict
from decisions.versions import keep_answer, keep_version
from regulations.models import Regulation, Theme
from regulations.responsible import check_may_work_on, may_work_on
from regulations.rules import Split
from voting.models import Comment
from voting.queries import reasons_of
from voting.rules import PUBLIC
from voting.shown import Reason

ANSWERING = (Role.OFFICIAL, Role.ANALYST)
_later = aliased(Decision)
_published = Comment.status.in_(PUBLIC)
_counts = and_(Grouping.stands.is_(True), Grouping.version == Comment.version)


@dataclass(frozen=True)
class AnswerRow:
    """What a decision answers to a point, or to one comment, as everybody reads it."""

    verdict: str
    reasons: str
    behind: int
    """People behind the point when it was answered; behind a comment, its author with those who support it."""
    point_id: int | None = None
    point: str | None = None
    """The point's public id."""
    point_title: str = ""
    few: bool = False
    comment_id: int | None = None
    comment: str | None = None
    said: Reason | None = None
    """The comment as it can be read now."""
    public_id: str = ""
    entry_id: str = ""
    decision: str = ""
    """The reference of the decision that gives it."""

    @property
    def told(self) -> str:
        return Verdict(self.verdict).told


def save_answer(
    *,
    regulation: Regulation,
    point: Point | None = None,
    comment: Comment | None = None,
    verdict: Verdict | None,
    reasons: str,
    version: int,
    by: Account,
    now: datetime,
) -> AnswerDraft:
    """Keep an answer to a point or to one comment; neither verdict nor reasons takes it back.

    ``version`` is the one begun from, 0 for none. Raises Clash when a colleague has saved another meanwhile.
    """
    draft = _to_change(regulation, point, comment, by, now)
    if by.role != Role.OFFICIAL and draft.assigned_to_id != by.id:
        raise NotAllowed("Analysts write the answers that were given to them. Ask an official for this one.")
    if draft.version != version:
        raise Clash("A colleague has changed this answer since you opened it. Compare the two, then save again.")
    if verdict is not None or reasons:
        rules.check_answer(verdict, reasons)
    if (draft.verdict, draft.reasons) == (verdict, reasons):
        return draft
    draft.verdict, draft.reasons = verdict, reasons
    draft.version += 1
    draft.written_by_id, draft.changed_at = by.id, now
    keep_answer(draft)
    _ask_for_approval_anew(regulation)
    return draft


def assign_answer(
    *,
    regulation: Regulation,
    point: Point | None = None,
    comment: Comment | None = None,
    to: Account | None,
    instead_of: int | None,
    by: Account,
    now: datetime,
) -> AnswerDraft:
    """Give an answer to a colleague to write, or to nobody. ``instead_of`` is whose id was shown."""
    if by.role != Role.OFFICIAL:
        raise NotAllowed("Officials say who writes which answer.")
    if to is not None and to.role not in ANSWERING:
        raise RuleBroken("Answers are written by officials and analysts.", field="assigned")
    if to is not None and not may_work_on(to, regulation):
        raise RuleBroken(f"{to.office} belongs to another department.", field="assigned")
    draft = _to_change(regulation, point, comment, by, now)
    if draft.assigned_to_id != instead_of:
        raise Clash("A colleague has given this answer to somebody else since you opened this page.")
    draft.assigned_to_id = to.id if to else None
    return draft


def _to_change(
    regulation: Regulation, point: Point | None, comment: Comment | None, by: Account, now: datetime
) -> AnswerDraft:
    if by.role not in ANSWERING:
        raise NotAllowed("Only officials and analysts write answers.")
    check_may_work_on(by, regulation)
    if not regulation.theme.window.has_closed(now):
        raise RuleBroken("Answers can be written once the theme has closed.")
    if is_kept(regulation):
        raise RuleBroken("This theme keeps its split until the count is final. Answers can be written from then.")
    about = point or comment
    if about is None or about.regulation_id != regulation.id:
        raise RuleBroken("This is not about this regulation.")
    if point is not None and point.withdrawn_at is not None:
        raise RuleBroken("This point has been given up, so it needs no answer.")
    if comment is not None and comment.status not in PUBLIC:
        raise RuleBroken("This comment is not published any more, so it needs no answer.")
    which = AnswerDraft.point_id == point.id if point else AnswerDraft.comment_id == about.id
    draft = db.session.scalar(select(AnswerDraft).where(which).with_for_update())
    if draft is None:
        draft = AnswerDraft(
            regulation_id=regulation.id, point_id=point.id if point else None,
            comment_id=comment.id if comment else None, version=0, reasons="", changed_at=now,
        )  # fmt: skip
        db.session.add(draft)
    return draft


def _ask_for_approval_anew(regulation: Regulation) -> None:
    """Answers are published with the decision: who approves one has to have read them as they are."""
    wanted = select(Draft).filter_by(regulation_id=regulation.id).with_for_update()
    draft = db.session.scalar(wanted)
    if draft is not None and draft.status not in (DraftStatus.DRAFT, DraftStatus.RETURNED):
        draft.status, draft.submitted_at = DraftStatus.DRAFT, None
        draft.approved_by_id = draft.approved_at = None
        draft.version += 1
        keep_version(draft)


def answers_to_publish(
    regulation_id: int, outcome: str | None, standing: Sequence[PointRow] | None = None
) -> list[AnswerRow]:
    """The answers as the decision would give them: most people first, those who wanted otherwise first among equals.

    ``standing`` are the regulation's points, where they have been read already.
    """
    wanted = select(AnswerDraft.point_id, AnswerDraft.comment_id, AnswerDraft.verdict, AnswerDraft.reasons).where(
        AnswerDraft.regulation_id == regulation_id,
        AnswerDraft.verdict.is_not(None),
        AnswerDraft.comment_id.is_(None) | (AnswerDraft.changed_at >= Comment.written_at),
    )
    drafts = db.session.execute(wanted.outerjoin(Comment, Comment.id == AnswerDraft.comment_id)).all()
    to_points = {row.point_id: row for row in drafts if row.point_id is not None}
    to_comments = {row.comment_id: row for row in drafts if row.comment_id is not None}
    standing = points_to_answer(regulation_id) if standing is None else standing
    points = [point for point in standing if point.id in to_points and (point.needs_answer or not point.withheld)]
    points.sort(key=lambda point: (point.few, -point.behind, not _dissents(point, outcome), point.id))
    rows = [
        AnswerRow(
            verdict=to_points[point.id].verdict, reasons=to_points[point.id].reasons, behind=point.behind,
            point_id=point.id, point=point.public_id, point_title=point.title, few=point.few,
        )
        for point in points
    ]  # fmt: skip
    said = reasons_of(regulation_id, ids=list(to_comments)) if to_comments else []
    alone = [reason for reason in said if reason.is_readable]
    alone.sort(key=lambda reason: (-reason.supports, reason.choice == outcome, reason.id))
    return rows + [
        AnswerRow(
            verdict=to_comments[reason.id].verdict, reasons=to_comments[reason.id].reasons,
            behind=1 + reason.supports, comment_id=reason.id, comment=reason.public_id, said=reason,
        )
        for reason in alone
    ]  # fmt: skip


def _dissents(point: PointRow, outcome: str | None) -> bool:
    """Whether more of those behind a point wanted something else than was decided."""
    return 2 * point.by_choice.get(outcome or "", 0) < point.behind


def publish_answers(*, decision: Decision, now: datetime) -> list[Answer]:
    """Give a published decision its answers, each with its line. Drafts stay, for a later decision to begin with."""
    given = []
    for row in answers_to_publish(decision.regulation_id, decision.outcome):
        answer = Answer(
            public_id=secrets.token_hex(8), decision=decision, point_id=row.point_id, comment_id=row.comment_id,
            point_title=row.point_title, behind=row.behind, verdict=row.verdict, reasons=row.reasons,
        )  # fmt: skip
        db.session.add(answer)
        body = AnswerEntry(
            item=decision.regulation.slug,
            decision=decision.entry_id or "",
            verdict=row.verdict,
            text_sha256=text_digest(answer_text(answer)),
            point=db.session.get_one(Point, row.point_id).entry_id if row.point_id else None,
            comment=row.said.entry_id if row.said else None,
        )
        answer.entry_id = record(body, about=answer, now=now).id
        given.append(answer)
    return given


def answer_text(answer: Answer | AnswerRow) -> str:
    """The canonical JSON of an answer, of which its line keeps the digest."""
    said: dict[str, Any] = {name: getattr(answer, name) for name in ("verdict", "reasons", "behind")}
    return rfc8785.dumps(said | {"point": answer.point_title}).decode()


_ANSWERS: Any = (
    select(
        Answer.verdict, Answer.reasons, Answer.behind, Answer.point_id, Point.public_id.label("point"),
        Answer.point_title, func.coalesce(Point.few, False).label("few"), Answer.comment_id,
        Answer.public_id, Answer.entry_id, Decision.reference.label("decision"),
    )
    .join(Decision, Decision.id == Answer.decision_id)
    .outerjoin(Point, Point.id == Answer.point_id)
)  # fmt: skip


def answers_given_in(reference: str) -> list[AnswerRow]:
    """In the order in which the decision gives them."""
    return _given_by(Decision.reference == reference)


def _given_by(which: ColumnElement[bool]) -> list[AnswerRow]:
    found = db.session.execute(_ANSWERS.add_columns(Decision.regulation_id).where(which).order_by(Answer.id)).all()
    rows = [AnswerRow(**{name: n for name, n in row._mapping.items() if name != "regulation_id"}) for row in found]
    ids = [row.comment_id for row in rows if row.comment_id is not None]
    if not ids:
        return rows
    said = {reason.id: reason for reason in reasons_of(found[0].regulation_id, ids=ids)}
    return [
        replace(row, said=about, comment=about.public_id) if (about := said.get(row.comment_id or 0)) else row
        for row in rows
    ]


def answers_to_comments(comment_ids: Collection[int]) -> dict[int, AnswerRow]:
    """What the standing decision answers to each: its own answer, or that of the strongest point it counts under."""
    return _first(_to_comments(Comment.id.in_(comment_ids), _stands())) if comment_ids else {}


def _first(rows: Iterable[tuple[int, AnswerRow]]) -> dict[int, AnswerRow]:
    first: dict[int, AnswerRow] = {}
    for comment_id, row in rows:
        first.setdefault(comment_id, row)
    return first


def _to_comments(*conditions: Any) -> list[tuple[int, AnswerRow]]:
    """Each with a comment it is for; own answers first, then by the people behind the point."""
    wanted = (
        _ANSWERS.add_columns(Comment.id.label("is_for"))
        .join(Comment, Comment.regulation_id == Decision.regulation_id)
        .where(*conditions, _reaches())
        .order_by(Answer.comment_id.is_(None), func.coalesce(Point.few, False), Answer.behind.desc(), Answer.id)
    )
    found = db.session.execute(wanted)
    return [
        (row.is_for, AnswerRow(**{name: value for name, value in row._mapping.items() if name != "is_for"}))
        for row in found
    ]


def _reaches() -> ColumnElement[bool]:
    """Whether an answer is for the comment of the query around it, however deep this stands in that query."""
    placed = select(Grouping.id).where(Grouping.comment_id == Comment.id, Grouping.point_id == Answer.point_id, _counts)
    # Only the next query around would be correlated by itself: two deep, any comment under the point would do.
    return or_(Answer.comment_id == Comment.id, exists(placed.correlate_except(Grouping)))


def _stands() -> ColumnElement[bool]:
    """No later decision takes its place."""
    return ~exists(select(_later.id).where(_later.supersedes_id == Decision.id))


def is_answered() -> ColumnElement[bool]:
    """Of a comment in a query: the decision that stands on its regulation answers it, itself or through a point."""
    given = select(Answer.id).join(Decision, Decision.id == Answer.decision_id)
    return exists(given.where(Decision.regulation_id == Comment.regulation_id, _stands(), _reaches()))


def is_answered_submission() -> ColumnElement[bool]:
    """The same of a submission: through a point that it makes."""
    made = select(SubmissionPoint.point_id).where(SubmissionPoint.submission_id == Submission.id)
    given = select(Answer.id).join(Decision, Decision.id == Answer.decision_id)
    return exists(given.where(_stands(), Answer.point_id.in_(made.correlate_except(SubmissionPoint))))


def awaiting_by_theme() -> dict[str, tuple[int, int]]:
    """How many published comments and readable submissions wait for an answer, by theme; absent where none does."""
    readable = or_(Theme.split != Split.KEPT, Theme.frozen_at.is_not(None))
    comments = (
        select(Theme.slug, literal(1).label("comment"))
        .join(Regulation, Regulation.theme_id == Theme.id)
        .join(Comment, Comment.regulation_id == Regulation.id)
        .where(_published, readable, ~is_answered())
    )
    sent = (
        select(Theme.slug, literal(0))
        .join(Submission, Submission.theme_id == Theme.id)
        .where(Submission.withheld.is_(False), readable, ~is_answered_submission())
    )
    each = union_all(comments, sent).subquery()
    counted = select(each.c.slug, func.sum(each.c.comment), func.count()).group_by(each.c.slug)
    return {row[0]: (int(row[1]), row[2] - int(row[1])) for row in db.session.execute(counted)}
