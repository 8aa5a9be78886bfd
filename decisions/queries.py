"""Asking about decisions, published and in the making. Lists come as plain rows, never as mapped objects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, true
from sqlalchemy.orm import aliased, joinedload

from accounts.models import Department
from accounts.rules import Capacity
from audit.models import Entry
from audit.queries import read
from core.db import db
from core.errors import NotFound
from decisions import rules
from decisions.comparing import comparisons, kept
from decisions.departing import departs_from, departures_in
from decisions.evidence import Known, evidence_of
from decisions.models import Decision, Draft
from decisions.rules import Compared, Outcome, Proposal
from regulations.models import Regulation, Theme
from regulations.responsible import of_department
from regulations.rules import Citation
from voting.models import FrozenTally, TallyTotal
from voting.queries import tally_of
from voting.rules import Direction, Tally
from voting.tallying import final_tally


def draft_of(regulation: Regulation, *, to_change: bool = False) -> Draft | None:
    """``to_change`` keeps everybody else from changing it until the transaction ends."""
    wanted = select(Draft).filter_by(regulation_id=regulation.id).options(joinedload(Draft.written_by))
    return db.session.scalar(wanted.with_for_update(of=Draft) if to_change else wanted)


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


def tally_to_decide_on(regulation_id: int) -> tuple[Tally, FrozenTally | None]:
    """The final count with the counts its line in the record holds, or the running one, and None, until it is final."""
    totals = func.coalesce(TallyTotal.reasons, 0), func.coalesce(TallyTotal.comments, 0)
    held = (
        select(FrozenTally, Entry.body, *totals)
        .select_from(Regulation)
        .outerjoin(FrozenTally, FrozenTally.regulation_id == Regulation.id)
        .outerjoin(Entry, Entry.id == FrozenTally.entry_id)
        .outerjoin(TallyTotal, TallyTotal.regulation_id == Regulation.id)
        .where(Regulation.id == regulation_id)
    )
    row = db.session.execute(held).one()
    frozen, given = row[0], (row[2], row[3])
    if frozen is None or row.body is None:
        return tally_of(regulation_id, given=given), None
    return replace(final_tally(regulation_id, frozen.frozen_at, given), **read(row.body)["counts"]), frozen


def compared(proposal: Proposal, tally: Tally) -> dict[str, Compared]:
    """How a proposal stands to the vote; empty without an outcome, or while the split is kept from everybody."""
    if proposal.outcome is None or tally.sealed:
        return {}
    return comparisons(proposal.outcome, proposal.direction, tally)


def proposal_in(draft: Draft) -> Proposal:
    return Proposal(
        outcome=Outcome(draft.outcome) if draft.outcome else None,
        direction=Direction(draft.direction) if draft.direction else None,
        statement=draft.statement,
        reasons=draft.reasons,
        departure_reason=draft.departure_reason,
        cited_comments=tuple(draft.cited_comments),
        other_evidence=draft.other_evidence,
        covers=tuple(draft.covers),
        departures=draft.departures,
        cited_points=tuple(draft.cited_points),
        cited_submissions=tuple(draft.cited_submissions),
        documents=draft.documents,
        legal_route=draft.legal_route,
        consultation=draft.consultation,
        responsible=draft.responsible,
        due_on=draft.due_on,
        review_on=draft.review_on,
        publish_at=draft.publish_at,
    )


@dataclass(frozen=True)
class DecisionRow:
    """One published decision, as lists, feeds and downloads give it."""

    regulation_id: int
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
    comparisons: dict[str, Any]
    legal_route: str
    consultation: bool | None
    responsible: str
    due_on: date | None
    review_on: date | None
    decided_by: str
    approved_by: str
    published_at: datetime
    at_size: int
    evidence_at_size: int | None
    entry_id: str
    supersedes: str | None
    superseded_by: str | None
    demonstration: bool

    @property
    def citation(self) -> str:
        return Citation(self.citation_kind, self.year, self.number).official

    @property
    def departs_from(self) -> list[str]:
        """The capacities whose largest group asked for something else, and were many enough to be weighed."""
        return [str(who) for who in departures_in(self.comparisons)]

    @property
    def departures(self) -> list[str]:
        return list(departures_in(self.comparisons).values())


def preview(
    draft: Draft, *, approver: str, now: datetime, demonstration: bool, known: Known | None = None
) -> DecisionRow:
    """The decision a draft would become, so that who approves it sees the page that everybody will see.

    Raises RuleBroken for what a decision lacks.
    """
    regulation, proposal = draft.regulation, proposal_in(draft)
    tally, frozen = (known.tally, known.frozen) if known else tally_to_decide_on(regulation.id)
    compared_with = compared(proposal, tally)
    rules.check_proposal(proposal, compared_with)
    how = compared_with.get(rules.EVERYONE)
    earlier = standing_decision(regulation.id)
    return DecisionRow(
        regulation_id=regulation.id,
        reference="",
        slug=regulation.slug,
        title=regulation.title,
        citation_kind=regulation.kind,
        year=regulation.year,
        number=regulation.number,
        theme=regulation.theme.slug,
        theme_title=regulation.theme.title,
        department=regulation.department.name,
        outcome=draft.outcome or "",
        direction=draft.direction,
        statement=draft.statement,
        reasons=draft.reasons,
        departure_reason=draft.departure_reason,
        evidence=evidence_of(proposal, regulation, tally, frozen, known),
        tally=tally.counts,
        comparison=how.word if how else "",
        comparison_sentence=how.sentence if how else "",
        agrees_with_vote=how.agrees if how else None,
        comparisons=kept(compared_with, proposal),
        legal_route=draft.legal_route,
        consultation=draft.consultation,
        responsible=draft.responsible,
        due_on=draft.due_on,
        review_on=draft.review_on,
        decided_by=draft.written_by.office,
        approved_by=approver,
        published_at=now,
        at_size=frozen.at_size if frozen else 0,
        evidence_at_size=None,
        entry_id="",
        supersedes=earlier.reference if earlier else None,
        superseded_by=None,
        demonstration=demonstration,
    )


_COLUMNS: tuple[Any, ...] = (
    Decision.regulation_id, Decision.reference, Regulation.slug, Regulation.title,
    Regulation.kind.label("citation_kind"), Regulation.year, Regulation.number, Theme.slug.label("theme"),
    Theme.title.label("theme_title"), Department.name.label("department"), Decision.outcome, Decision.direction,
    Decision.statement, Decision.reasons, Decision.departure_reason, Decision.evidence, Decision.tally,
    Decision.comparison, Decision.comparison_sentence, Decision.agrees_with_vote,
    Decision.comparisons, Decision.legal_route, Decision.consultation, Decision.responsible, Decision.due_on,
    Decision.review_on, Decision.decided_by, Decision.approved_by, Decision.published_at, Decision.at_size,
    Decision.evidence_at_size, Decision.entry_id,
    _earlier.reference.label("supersedes"), _later.reference.label("superseded_by"), Decision.demonstration,
)  # fmt: skip


def _from_decisions(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Decision)
        .join(Regulation, Regulation.id == Decision.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(_earlier, _earlier.id == Decision.supersedes_id)
        .outerjoin(_later, _later.supersedes_id == Decision.id)
    )


@dataclass(frozen=True)
class Wanted:
    """Which decisions to list. ``references`` is what a search found, best first; ``words`` are sought in titles."""

    references: Sequence[str] | None = None
    words: Sequence[str] = ()
    theme: str = ""
    department: str = ""
    outcome: str = ""
    comparison: str = ""
    departs: str = ""
    """A capacity: decisions that differ from what the largest group of it asked for."""
    sort: str = "newest"


FACETS: dict[str, tuple[Any, Any]] = {
    "theme": (Theme.slug, Theme.title),
    "department": (Department.slug, Department.name),
    "outcome": (Decision.outcome, Decision.outcome),
    "comparison": (Decision.comparison, Decision.comparison),
}


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    filters = [column == value for name, (column, _) in FACETS.items() if (value := getattr(wanted, name))]
    filters += [Regulation.title.icontains(word, autoescape=True) for word in wanted.words]
    if wanted.references is not None:
        filters.append(Decision.reference.in_(wanted.references))
    return [*filters, departs_from(wanted.departs)] if wanted.departs else filters


def decisions(wanted: Wanted, *, offset: int = 0, limit: int | None = None) -> list[DecisionRow]:
    rows = _from_decisions(*_COLUMNS).where(*_filters(wanted)).order_by(*_order(wanted)).offset(offset)
    return [DecisionRow(**row._mapping) for row in db.session.execute(rows if limit is None else rows.limit(limit))]


def _order(wanted: Wanted) -> tuple[Any, ...]:
    newest = (Decision.published_at.desc(), Decision.id.desc())
    if wanted.sort == "relevance" and wanted.references:
        places = {reference: place for place, reference in enumerate(wanted.references)}
        return (case(places, value=Decision.reference), *newest)
    return {"oldest": (Decision.published_at, Decision.id), "title": (Regulation.title, *newest)}.get(
        wanted.sort, newest
    )


def count_decisions(wanted: Wanted) -> int:
    return db.session.scalar(_from_decisions(func.count()).where(*_filters(wanted))) or 0


def count_by(facet: str, wanted: Wanted) -> list[tuple[str, str, int]]:
    """(value, words, decisions) of one facet under the other filters, the most frequent first."""
    value, words = FACETS[facet]
    others = replace(wanted, **{facet: ""})
    counted = _from_decisions(value, words, func.count()).where(*_filters(others)).group_by(value, words)
    return [(row[0], row[1], row[2]) for row in db.session.execute(counted.order_by(func.count().desc(), words))]


def count_departing(wanted: Wanted) -> dict[Capacity, int]:
    """How many decisions depart from each capacity under the other filters; absent from which none does."""
    counts = [func.count().filter(departs_from(who)) for who in Capacity]
    row = db.session.execute(_from_decisions(*counts).where(*_filters(replace(wanted, departs="")))).one()
    return {who: n for who, n in zip(Capacity, row, strict=True) if n}


def decision_with(reference: str) -> DecisionRow:
    """Raises NotFound."""
    row = db.session.execute(_from_decisions(*_COLUMNS).where(Decision.reference == reference)).one_or_none()
    if row is None:
        raise NotFound("There is no decision under this reference.")
    return DecisionRow(**row._mapping)


def decisions_on(regulation_id: int) -> list[DecisionRow]:
    """All decisions on a regulation, the standing one first."""
    wanted = _from_decisions(*_COLUMNS).where(Decision.regulation_id == regulation_id)
    return [DecisionRow(**row._mapping) for row in db.session.execute(wanted.order_by(Decision.id.desc()))]


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


def undecided(
    now: datetime, *, theme: str = "", department: int | None = None, offset: int = 0, limit: int | None = None
) -> list[Undecided]:
    """Closed and not decided, of one theme or of all, the longest wait first."""
    wanted = (
        select(
            Regulation.slug, Regulation.title, Theme.title.label("theme_title"), Department.name.label("department"),
            Theme.closes_at.label("closed_at"), Theme.decision_due_at.label("due_at"), Theme.frozen_at,
            Draft.status.label("draft_status"),
        )
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(Draft, Draft.regulation_id == Regulation.id)
        .where(*_waits(now), of_department(department), Theme.slug == theme if theme else true())
        .order_by(Theme.closes_at, Theme.title, Regulation.title, Regulation.id)
        .offset(offset)
    )  # fmt: skip
    return [Undecided(**row._mapping) for row in db.session.execute(wanted if limit is None else wanted.limit(limit))]


@dataclass(frozen=True)
class ClosedTheme:
    """A closed theme, with how many of its regulations wait for their decision."""

    slug: str
    title: str
    closed_at: datetime
    due_at: datetime
    waiting: int


def closed_themes(now: datetime, department: int | None = None) -> list[ClosedTheme]:
    """Those of which something waits, for one department or for any, the newest closing first."""
    columns = (Theme.slug, Theme.title, Theme.closes_at, Theme.decision_due_at)
    wanted = select(*columns, func.count()).join(Regulation, Regulation.theme_id == Theme.id)
    wanted = wanted.where(*_waits(now), of_department(department))
    rows = wanted.group_by(Theme.id, *columns).order_by(Theme.closes_at.desc(), Theme.title)
    return [ClosedTheme(*row) for row in db.session.execute(rows)]


def _waits(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Theme.closes_at <= now, Regulation.settled.is_(None)
