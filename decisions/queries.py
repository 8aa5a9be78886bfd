"""Asking about decisions. Lists come as plain rows, never as mapped objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import aliased, joinedload

from accounts.models import Department
from core.db import db
from core.errors import NotFound
from decisions.models import Decision, Draft
from decisions.rules import DraftStatus
from regulations.models import Regulation, Theme


def draft_of(regulation: Regulation) -> Draft | None:
    return db.session.scalar(select(Draft).filter_by(regulation_id=regulation.id).with_for_update(of=Draft))


def submitted_drafts() -> list[Draft]:
    wanted = select(Draft).filter_by(status=DraftStatus.SUBMITTED).options(joinedload(Draft.regulation))
    return list(db.session.scalars(wanted.order_by(Draft.submitted_at)))


_later = aliased(Decision)
_earlier = aliased(Decision)


def standing_decision(regulation_id: int) -> Decision | None:
    """The decision no later one supersedes."""
    wanted = (
        select(Decision)
        .outerjoin(_later, _later.supersedes_id == Decision.id)
        .where(Decision.regulation_id == regulation_id, _later.id.is_(None))
    )
    return db.session.scalar(wanted.order_by(Decision.id.desc()).limit(1))


@dataclass(frozen=True)
class DecisionRow:
    """One published decision, as lists, feeds and downloads give it."""

    reference: str
    slug: str
    title: str
    citation_kind: str
    year: int
    number: int
    theme: str
    theme_title: str
    department: str
    outcome: str
    direction: str | None
    statement: str
    reasons: str
    departure_reason: str
    evidence: list[dict[str, Any]]
    tally: dict[str, int]
    comparison: str
    comparison_sentence: str
    agrees_with_vote: bool | None
    decided_by: str
    approved_by: str
    published_at: datetime
    at_size: int
    entry_id: str
    supersedes: str | None
    superseded_by: str | None
    demonstration: bool


def _rows() -> Select[Any]:
    return (
        select(
            Decision.reference, Regulation.slug, Regulation.title, Regulation.kind.label("citation_kind"), Regulation.year,
            Regulation.number, Theme.slug.label("theme"), Theme.title.label("theme_title"),
            Department.name.label("department"), Decision.outcome, Decision.direction, Decision.statement,
            Decision.reasons, Decision.departure_reason, Decision.evidence, Decision.tally, Decision.comparison,
            Decision.comparison_sentence, Decision.agrees_with_vote, Decision.decided_by, Decision.approved_by, Decision.published_at,
            Decision.at_size, Decision.entry_id, _earlier.reference.label("supersedes"),
            _later.reference.label("superseded_by"), Decision.demonstration,
        )
        .join(Regulation, Regulation.id == Decision.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(_earlier, _earlier.id == Decision.supersedes_id)
        .outerjoin(_later, _later.supersedes_id == Decision.id)
    )  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which decisions to list."""

    references: Sequence[str] | None = None
    theme: str = ""
    department: str = ""
    outcome: str = ""
    comparison: str = ""
    sort: str = "newest"


def _filtered(wanted: Wanted) -> Select[Any]:
    rows = _rows()
    if wanted.references is not None:
        rows = rows.where(Decision.reference.in_(wanted.references))
    for column, value in (
        (Theme.slug, wanted.theme),
        (Department.slug, wanted.department),
        (Decision.outcome, wanted.outcome),
        (Decision.comparison, wanted.comparison),
    ):
        if value:
            rows = rows.where(column == value)
    return rows


def decisions(wanted: Wanted, *, offset: int = 0, limit: int | None = None) -> list[DecisionRow]:
    order = {
        "oldest": (Decision.published_at, Decision.id),
        "title": (Regulation.title, Decision.id),
    }.get(wanted.sort, (Decision.published_at.desc(), Decision.id.desc()))
    rows = _filtered(wanted).order_by(*order).offset(offset)
    return [DecisionRow(**row._mapping) for row in db.session.execute(rows if limit is None else rows.limit(limit))]


def count_decisions(wanted: Wanted) -> int:
    return db.session.scalar(select(func.count()).select_from(_filtered(wanted).subquery())) or 0


def decision_with(reference: str) -> DecisionRow:
    """Raises NotFound."""
    row = db.session.execute(_rows().where(Decision.reference == reference)).one_or_none()
    if row is None:
        raise NotFound("There is no decision under this reference.")
    return DecisionRow(**row._mapping)


def decisions_on(regulation_id: int) -> list[DecisionRow]:
    """All decisions on a regulation, the standing one first."""
    rows = db.session.execute(_rows().where(Decision.regulation_id == regulation_id).order_by(Decision.id.desc()))
    return [DecisionRow(**row._mapping) for row in rows]


@dataclass(frozen=True)
class Undecided:
    """A closed regulation that waits for its decision, with what has been written so far."""

    slug: str
    title: str
    theme_title: str
    department: str
    closed_at: datetime
    due_at: datetime
    frozen_at: datetime | None
    draft_status: str | None


def undecided(now: datetime) -> list[Undecided]:
    """The longest wait first; those with an approval waiting before all."""
    first = case((Draft.status == DraftStatus.SUBMITTED, 0), else_=1)
    wanted = (
        select(
            Regulation.slug, Regulation.title, Theme.title.label("theme_title"), Department.name.label("department"),
            Theme.closes_at.label("closed_at"), Theme.decision_due_at.label("due_at"), Theme.frozen_at,
            Draft.status.label("draft_status"),
        )
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(Draft, Draft.regulation_id == Regulation.id)
        .where(Theme.closes_at <= now, Regulation.settled.is_(None))
        .order_by(first, Theme.closes_at, Regulation.title)
    )  # fmt: skip
    return [Undecided(**row._mapping) for row in db.session.execute(wanted)]
