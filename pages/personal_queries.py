"""What one person said, where it stands, and what a demonstration has mailed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select
from sqlalchemy.orm import aliased

from accounts.rules import Capacity
from core.db import db
from core.mail import Mail
from decisions.models import Decision
from regulations.models import Regulation, Theme
from regulations.queries import stage_expression
from regulations.rules import Citation, Stage
from voting.models import Comment, ModerationAct, Receipt, Support, Vote, VoteDetail
from voting.rules import CommentStatus, ModerationRule, ReasonKind
from voting.shown import masked_words


@dataclass(frozen=True)
class Contribution:
    """A vote of one's own with its reason, and what became of the regulation since."""

    slug: str
    title: str
    citation: Citation
    theme: str
    theme_title: str
    stage: Stage
    closes_at: datetime
    due_at: datetime
    changeable: bool
    choice: str | None
    direction: str | None
    capacity: Capacity
    organisation: str
    reason_kind: ReasonKind
    reason: str
    hidden_by: str
    masked_by: str
    """Words of it were covered; the person sees them all the same."""
    comment_id: int | None
    """The reason that counts for this person, their own or the one they stand behind."""
    stands_behind: str
    reason_changed: bool
    """Its author has changed the reason this person stood behind."""
    details: dict[str, Any]
    """What was added of one's own will, without what was left out."""
    cast_at: datetime
    entry_id: str
    receipt: str | None
    decision: str | None
    outcome: str | None
    statement: str
    comparison: str
    decided_at: datetime | None


DETAILS = ("subject", "clause", "cost_pounds", "cost_hours", "size_band", "sector", "nation")

_supported = aliased(Comment)
_later = aliased(Decision)
_last_receipt = (
    select(Receipt.secret).where(Receipt.vote_id == Vote.id).order_by(Receipt.id.desc()).limit(1).scalar_subquery()
)
_last_rule = (
    select(ModerationAct.rule)
    .where(ModerationAct.comment_id == Comment.id)
    .order_by(ModerationAct.id.desc())
    .limit(1)
    .scalar_subquery()
)


def contributions_by(
    account_id: int, now: datetime, *, offset: int = 0, limit: int | None = None
) -> list[Contribution]:
    """What may still be changed first, then what waits for a decision, then the rest; the latest first in each."""
    rows = _rows(account_id, now).order_by(_turn(now), Vote.cast_at.desc(), Vote.id.desc()).offset(offset)
    return _contributions(db.session.execute(rows if limit is None else rows.limit(limit)).all())


def contribution_to(slug: str, account_id: int, now: datetime) -> Contribution | None:
    """What somebody said on one regulation, if anything."""
    found = _contributions(db.session.execute(_rows(account_id, now).where(Regulation.slug == slug)).all())
    return found[0] if found else None


def count_contributions(account_id: int) -> int:
    return db.session.scalar(select(func.count()).where(Vote.account_id == account_id)) or 0


def _turn(now: datetime) -> ColumnElement[int]:
    stage = stage_expression(now)
    return case((stage == Stage.OPEN, 0), (stage == Stage.UNDER_CONSIDERATION, 1), else_=2)


def _rows(account_id: int, now: datetime) -> Any:
    standing = and_(
        Decision.regulation_id == Regulation.id, ~exists(select(_later.id).where(_later.supersedes_id == Decision.id))
    )
    return (
        select(
            Regulation.slug, Regulation.title, Regulation.kind, Regulation.year, Regulation.number,
            Theme.slug.label("theme"), Theme.title.label("theme_title"), stage_expression(now).label("stage"),
            Theme.closes_at, Theme.decision_due_at, Theme.frozen_at, Vote.choice, Vote.direction, Vote.capacity,
            Vote.organisation_name, Vote.reason_kind, Comment.id.label("own_id"), Comment.text.label("reason"),
            Comment.status.label("comment_status"),
            _last_rule.label("rule"), _supported.id.label("supported_id"), _supported.text.label("supported"),
            _supported.status.label("supported_status"),
            _supported.version.label("supported_version"), Support.version.label("version_stood_behind"),
            Vote.cast_at, Vote.entry_id, _last_receipt.label("receipt"), Decision.reference, Decision.outcome,
            Decision.statement, Decision.comparison_sentence, Decision.published_at,
            *(getattr(VoteDetail, name) for name in DETAILS),
        )
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .outerjoin(Comment, _same_author_of(Comment) & (Comment.status != CommentStatus.WITHDRAWN))
        .outerjoin(Support, _same_author_of(Support) & Support.stands)
        .outerjoin(_supported, _supported.id == Support.comment_id)
        .outerjoin(Decision, standing)
        .outerjoin(VoteDetail, VoteDetail.vote_id == Vote.id)
        .where(Vote.account_id == account_id)
    )  # fmt: skip


def _same_author_of(reason: type[Comment] | type[Support]) -> ColumnElement[bool]:
    return and_(reason.account_id == Vote.account_id, reason.regulation_id == Vote.regulation_id)


def _contributions(rows: Sequence[Any]) -> list[Contribution]:
    """Others may read of a covered reason what its moderator left, and so may those who stand behind it."""
    masked = [row.supported_id for row in rows if row.supported_status == CommentStatus.MASKED]
    left = masked_words(masked) if masked else {}
    return [_contribution(row, left.get(row.supported_id, "")) for row in rows]


def _contribution(row: Any, left: str) -> Contribution:
    rule = ModerationRule(row.rule).label if row.rule else ""
    changed = row.supported_version != row.version_stood_behind
    stage = Stage(row.stage)
    return Contribution(
        slug=row.slug,
        title=row.title,
        citation=Citation(row.kind, row.year, row.number),
        theme=row.theme,
        theme_title=row.theme_title,
        stage=stage,
        closes_at=row.closes_at,
        due_at=row.decision_due_at,
        changeable=stage is Stage.OPEN and row.frozen_at is None,
        choice=row.choice,
        direction=row.direction,
        capacity=Capacity(row.capacity),
        organisation=row.organisation_name,
        reason_kind=ReasonKind(row.reason_kind),
        reason=row.reason or "",
        hidden_by=rule if row.comment_status == CommentStatus.HIDDEN else "",
        masked_by=rule if row.comment_status == CommentStatus.MASKED else "",
        comment_id=row.own_id or (row.supported_id if not changed else None),
        stands_behind="" if changed else row.supported if row.supported_status == CommentStatus.PUBLISHED else left,
        reason_changed=changed,
        details={name: given for name in DETAILS if (given := getattr(row, name)) not in (None, "")},
        cast_at=row.cast_at,
        entry_id=row.entry_id or "",
        receipt=row.receipt,
        decision=row.reference,
        outcome=row.outcome,
        statement=row.statement or "",
        comparison=row.comparison_sentence or "",
        decided_at=row.published_at,
    )


@dataclass(frozen=True)
class Letter:
    """One mail in the demonstration's mailbox."""

    id: int
    to: str
    subject: str
    written_at: datetime
    text: str


def letters(to: str, *, offset: int, limit: int) -> list[Letter]:
    """The newest first; ``to`` may be part of an address."""
    wanted = _letters(to).order_by(Mail.id.desc()).offset(offset).limit(limit)
    return [Letter(**row._mapping) for row in db.session.execute(wanted)]


def count_letters(to: str) -> int:
    return db.session.scalar(select(func.count()).select_from(_letters(to).subquery())) or 0


def _letters(to: str) -> Any:
    columns = (Mail.id, Mail.recipient.label("to"), Mail.subject, Mail.written_at, Mail.text)
    wanted = select(*columns)
    return wanted.where(Mail.recipient.contains(to, autoescape=True)) if to else wanted


def letter_with(id: int) -> Mail | None:
    return db.session.get(Mail, id)
