"""The rows behind the public lists of regulations and themes, the same for pages and downloads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from accounts.models import Department
from core import clock
from core.db import db
from core.errors import NotFound
from decisions.models import Decision
from opendata.rules import NO_DECISION
from regulations.models import Regulation, RegulationSector, Theme
from regulations.queries import stage_expression
from regulations.rules import ALL_SECTORS, Citation, Split, Stage
from voting.models import TallyTotal
from voting.rules import Choice


@dataclass(frozen=True)
class Wanted:
    """Which regulations to list, and in what order. Empty means any."""

    theme: str = ""
    department: str = ""
    stage: str = ""
    outcome: str = ""
    """An outcome's name, or "none" for those without a decision."""
    sector: str = ""
    found: Sequence[str] | None = None
    """Slugs that search found, best first; None when nothing was searched for."""
    words: Sequence[str] = ()
    """Words that title or citation must hold: the plain way, while search is being rebuilt."""
    sort: str = "title"


@dataclass(frozen=True)
class RegulationRow:
    """One regulation in a list. The split is None while its theme keeps it until the close."""

    slug: str
    citation: Citation
    title: str
    sentence: str
    theme: str
    theme_title: str
    department: str
    stage: Stage
    split: Split
    opens_at: datetime
    closes_at: datetime
    due_at: datetime
    outcome: str | None
    participants: int
    scrap: int | None
    improve: int | None
    improve_lighter: int | None
    improve_clearer: int | None
    improve_stricter: int | None
    improve_other: int | None
    keep: int | None
    comments: int | None
    reasons: int

    @property
    def sealed(self) -> bool:
        return self.scrap is None

    @property
    def opens_on(self) -> date:
        return clock.uk_day(self.opens_at)

    @property
    def closes_on(self) -> date:
        return clock.last_day(self.closes_at)

    @property
    def due_on(self) -> date:
        return clock.last_day(self.due_at)


_COUNTS = (
    "improve",
    "improve_lighter",
    "improve_clearer",
    "improve_stricter",
    "improve_other",
    "scrap",
    "keep",
    "comments",
)
_participants = func.coalesce(TallyTotal.participants, 0)
_later = aliased(Decision)
_standing = ~select(_later.id).where(_later.supersedes_id == Decision.id).exists()
_sealed = and_(Theme.split == Split.KEPT, Theme.frozen_at.is_(None))


def joined(*columns: Any) -> Select[Any]:
    """The columns of regulations with theme, department, folded tally and standing decision beside each."""
    return (
        select(*columns)
        .select_from(Regulation)
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(TallyTotal, TallyTotal.regulation_id == Regulation.id)
        .outerjoin(Decision, and_(Decision.regulation_id == Regulation.id, _standing))
    )


def narrowed(rows: Select[Any], wanted: Wanted, now: datetime) -> Select[Any]:
    """Only the regulations asked for, out of what joined() selects."""
    if wanted.theme:
        rows = rows.where(Theme.slug == wanted.theme)
    if wanted.department:
        rows = rows.where(Department.slug == wanted.department)
    if wanted.stage:
        rows = rows.where(stage_expression(now) == wanted.stage)
    if wanted.outcome:
        rows = rows.where(
            Decision.id.is_(None) if wanted.outcome == NO_DECISION else Decision.outcome == wanted.outcome
        )
    if wanted.sector:
        rows = rows.where(bears_on(wanted.sector))
    if wanted.found is not None:
        slug = _found(wanted.found)
        rows = rows.join(slug.table, slug == Regulation.slug)
    for word in wanted.words:
        rows = rows.where(
            or_(Regulation.title.icontains(word, autoescape=True), Regulation.slug.contains(word, autoescape=True))
        )
    return rows


def bears_on(sector: str) -> ColumnElement[bool]:
    """What is marked for all sectors counts for every one."""
    marked = select(RegulationSector.regulation_id).where(
        RegulationSector.regulation_id == Regulation.id, RegulationSector.sector.in_({sector, ALL_SECTORS})
    )
    return marked.exists()


def _found(slugs: Sequence[str]) -> Any:
    """The slugs as a table of their own: one parameter however many, and their order kept for _place()."""
    if db.engine.dialect.name == "postgresql":
        listed = func.unnest(cast(list(slugs), ARRAY(String))).table_valued(
            "slug", with_ordinality="place", name="found"
        )
        return listed.render_derived(name="found").c.slug
    return func.json_each(json.dumps(list(slugs))).table_valued("value", "key", name="found").c.value


def _place() -> ColumnElement[int]:
    return literal_column("found.place" if db.engine.dialect.name == "postgresql" else "found.key")


def regulations(wanted: Wanted, now: datetime, *, offset: int = 0, limit: int | None = None) -> list[RegulationRow]:
    """The regulations asked for, in the order asked for; all of them unless told how many."""
    rows = regulations_query(wanted, now).offset(offset)
    return [_regulation_row(row) for row in db.session.execute(rows if limit is None else rows.limit(limit))]


def regulation(slug: str, now: datetime) -> RegulationRow:
    """One regulation as the lists give it. Raises NotFound."""
    row = db.session.execute(regulations_query(Wanted(), now).where(Regulation.slug == slug)).one_or_none()
    if row is None:
        raise NotFound("There is no regulation at this address.")
    return _regulation_row(row)


def regulations_query(wanted: Wanted, now: datetime) -> Select[Any]:
    split = [case((_sealed, null()), else_=func.coalesce(getattr(TallyTotal, n), 0)).label(n) for n in _COUNTS]
    rows = joined(
        Regulation.slug, Regulation.kind, Regulation.year, Regulation.number, Regulation.title, Regulation.sentence,
        Theme.slug.label("theme"), Theme.title.label("theme_title"), Department.name.label("department"),
        stage_expression(now).label("stage"), Theme.split, Theme.opens_at, Theme.closes_at,
        Theme.decision_due_at.label("due_at"), Decision.outcome, _participants.label("participants"), *split,
        func.coalesce(TallyTotal.reasons, 0).label("reasons"),
    )  # fmt: skip
    return narrowed(rows, wanted, now).order_by(*_order(wanted, now))


def _regulation_row(row: Row[Any]) -> RegulationRow:
    given = dict(row._mapping)
    citation = Citation(given.pop("kind"), given.pop("year"), given.pop("number"))
    given |= {"stage": Stage(row.stage), "split": Split(row.split)}
    return RegulationRow(citation=citation, **given)


def _order(wanted: Wanted, now: datetime) -> tuple[Any, ...]:
    by_title = (Regulation.title, Regulation.id)
    orders: dict[str, tuple[Any, ...]] = {
        "needs_voices": (stage_expression(now) != Stage.OPEN.value, _participants, *by_title),
        "most_votes": (_participants.desc(), *by_title),
        "closest": (*_closest(now), *by_title),
        "newest": (Regulation.listed_at.desc(), Regulation.year.desc(), Regulation.number.desc(), Regulation.id),
        "closing_soonest": (*_closing_soonest(now), *by_title),
    }
    if wanted.sort == "relevance" and wanted.found is not None:
        return (_place(),)
    return orders.get(wanted.sort, by_title)


def _closest(now: datetime) -> tuple[Any, ...]:
    """Closed regulations by how far the leading choice is ahead, as a share of those who voted; then all others."""
    first, second, third = (getattr(TallyTotal, choice) for choice in Choice)
    margin = case(
        (and_(first >= second, first >= third), first - case((second >= third, second), else_=third)),
        (second >= third, second - case((first >= third, first), else_=third)),
        else_=third - case((first >= second, first), else_=second),
    )
    closed = stage_expression(now).not_in([Stage.UPCOMING.value, Stage.OPEN.value])
    share = case((and_(closed, not_(_sealed), _participants > 0), margin * 1.0 / TallyTotal.participants))
    return share.is_(None), share, _participants.desc()


def _closing_soonest(now: datetime) -> tuple[Any, ...]:
    """Open ones first, the soonest to close first; then those still to open; then the closed, the latest first."""
    stage = stage_expression(now)
    is_open, is_upcoming = stage == Stage.OPEN.value, stage == Stage.UPCOMING.value
    return (
        case((is_open, 0), (is_upcoming, 1), else_=2),
        case((is_open, Theme.closes_at), (is_upcoming, Theme.opens_at)),
        Theme.closes_at.desc(),
    )


@dataclass(frozen=True)
class ThemeNumbers:
    """What was counted in a theme. An answer is one person's vote on one regulation."""

    regulations: int = 0
    settled: int = 0
    spent: int = 0
    answers: int = 0
    reasons: int = 0
    comments: int = 0


def theme_numbers() -> dict[str, ThemeNumbers]:
    """By the theme's slug; themes without regulations are absent."""
    spent = case((Regulation.settled == Stage.ALREADY_SPENT.value, 1), else_=0)
    wanted = (
        select(
            Theme.slug,
            func.count(Regulation.id),
            func.count(Regulation.settled),
            func.coalesce(func.sum(spent), 0),
            *(
                func.coalesce(func.sum(column), 0)
                for column in (TallyTotal.participants, TallyTotal.reasons, TallyTotal.comments)
            ),
        )
        .join(Regulation, Regulation.theme_id == Theme.id)
        .outerjoin(TallyTotal, TallyTotal.regulation_id == Regulation.id)
        .group_by(Theme.slug)
    )
    return {row[0]: ThemeNumbers(*row[1:]) for row in db.session.execute(wanted)}
