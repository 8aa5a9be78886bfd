"""How far each theme and department has come: what is decided, what is overdue and by how much, and the steps after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.orm import aliased

from accounts.models import Department
from core.clock import last_day
from core.db import db
from decisions.milestones import ROW_COLUMNS, THE_SITE, MilestoneRow, milestone_row
from decisions.models import Decision, Milestone, MilestoneAct
from decisions.steps import RUNNING, State, Step
from regulations.due import EXTENDED, DueMove, days_overdue, due_moves
from regulations.models import DueChange, Regulation, Theme
from regulations.rules import Stage

NEWS = 200
PUT_OFF = "put_off"
"""Asked for like a state: the steps whose day was moved to a later one, wherever they stand."""
_later = aliased(Decision)
_was_put_off = exists().where(MilestoneAct.milestone_id == Milestone.id, MilestoneAct.moved_from < MilestoneAct.due_on)


@dataclass(frozen=True)
class Asked:
    """What an address asks of the progress: everything, or one theme's or department's part."""

    theme: str = ""
    department: str = ""
    state: str = ""

    @property
    def filters(self) -> list[ColumnElement[bool]]:
        chosen = [(Theme.slug, self.theme), (Department.slug, self.department)]
        return [column == value for column, value in chosen if value]


@dataclass(frozen=True)
class Part:
    """What one department has to decide in one closed theme, and what became of it."""

    theme: str
    theme_title: str
    department: str
    department_name: str
    closed_on: date
    due_on: date
    to_decide: int
    decided: int
    days_late: int
    """Since the day decisions were due; 0 where none is missing."""
    moves: Sequence[DueMove] = ()
    steps: dict[str, int] = field(default_factory=dict)
    put_off: int = 0
    """Steps whose day was moved to a later one."""
    next_review_on: date | None = None

    @property
    def undecided(self) -> int:
        return self.to_decide - self.decided

    @property
    def overdue(self) -> int:
        return self.undecided if self.days_late else 0


def parts(asked: Asked, now: datetime) -> list[Part]:
    """Of closed themes in which there is something to decide, the longest closed first."""
    spent = case((Regulation.settled == Stage.ALREADY_SPENT, 1), else_=0)
    columns: tuple[Any, ...] = (
        Theme.id, Theme.slug, Theme.title, Theme.closes_at, Theme.decision_due_at, Department.slug, Department.name,
    )  # fmt: skip
    asked_without_answer = case((Decision.id.is_(None), spent), else_=0)
    wanted = (
        select(
            *columns[:5], columns[5].label("department"), columns[6].label("department_name"),
            func.count(Regulation.id).label("listed"),
            func.count(Regulation.settled).label("settled"),
            func.sum(asked_without_answer).label("spent"),
        )
        .join(Regulation, Regulation.theme_id == Theme.id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(Decision, (Decision.regulation_id == Regulation.id) & _stands())
        .where(Theme.closes_at <= now, *asked.filters)
        .group_by(*columns)
        .order_by(Theme.closes_at, Theme.title, Department.name)
    )  # fmt: skip
    moves, steps, slipped = due_moves(), _steps_by_part(asked), _slipped_and_reviewed(asked)
    found = []
    for row in db.session.execute(wanted):
        to_decide, decided = row.listed - row.spent, row.settled - row.spent
        if not to_decide:
            continue
        late = days_overdue(row.decision_due_at, now) if decided < to_decide else 0
        found.append(
            Part(
                row.slug, row.title, row.department, row.department_name, last_day(row.closes_at),
                last_day(row.decision_due_at), to_decide, decided, late, moves.get(row.id, []),
                steps.get((row.slug, row.department), {}), *slipped.get((row.slug, row.department), (0, None)),
            )
        )  # fmt: skip
    return found


def _stands() -> ColumnElement[bool]:
    return ~select(_later.id).where(_later.supersedes_id == Decision.id).exists()


def _followed(*columns: Any) -> Select[Any]:
    """Steps of decisions that stand, with where they belong."""
    return (
        select(*columns)
        .select_from(Milestone)
        .join(Decision, Decision.id == Milestone.decision_id)
        .join(Regulation, Regulation.id == Decision.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .where(_stands())
    )


def _steps_by_part(asked: Asked) -> dict[tuple[str, str], dict[str, int]]:
    wanted = _followed(Theme.slug, Department.slug, Milestone.state, func.count()).where(*asked.filters)
    counted: dict[tuple[str, str], dict[str, int]] = {}
    for theme, department, state, number in db.session.execute(
        wanted.group_by(Theme.slug, Department.slug, Milestone.state)
    ):
        counted.setdefault((theme, department), {})[state] = number
    return counted


def _slipped_and_reviewed(asked: Asked) -> dict[tuple[str, str], tuple[int, date | None]]:
    """By part: how many steps were put off, and the day of the next review."""
    waits = and_(Milestone.step == Step.REVIEW, Milestone.state.in_(RUNNING))
    each = (
        _followed(
            Theme.slug.label("theme"), Department.slug.label("department"),
            case((_was_put_off, 1), else_=0).label("put_off"), case((waits, Milestone.due_on)).label("review_on"),
        )
        .where(*asked.filters)
        .subquery()
    )  # fmt: skip
    wanted = select(each.c.theme, each.c.department, func.sum(each.c.put_off), func.min(each.c.review_on))
    found = db.session.execute(wanted.group_by(each.c.theme, each.c.department))
    return {(row[0], row[1]): (int(row[2]), row[3]) for row in found}


@dataclass(frozen=True)
class Sum:
    """The parts of one theme, or of one department, added up."""

    slug: str
    title: str
    parts: Sequence[Part]

    @property
    def to_decide(self) -> int:
        return sum(part.to_decide for part in self.parts)

    @property
    def decided(self) -> int:
        return sum(part.decided for part in self.parts)

    @property
    def undecided(self) -> int:
        return sum(part.undecided for part in self.parts)

    @property
    def overdue(self) -> int:
        return sum(part.overdue for part in self.parts)

    @property
    def days_late(self) -> int:
        """Of what is longest overdue."""
        return max(part.days_late for part in self.parts)

    @property
    def put_off(self) -> int:
        return sum(part.put_off for part in self.parts)

    @property
    def next_review_on(self) -> date | None:
        return min((part.next_review_on for part in self.parts if part.next_review_on), default=None)

    def steps(self, *states: str) -> int:
        return sum(part.steps.get(state, 0) for part in self.parts for state in states or tuple(State))


def by_theme(found: Iterable[Part]) -> list[Sum]:
    """In the order the parts have."""
    return _summed(((part.theme, part.theme_title), part) for part in found)


def by_department(found: Iterable[Part]) -> list[Sum]:
    """Those with most days overdue first, then by name."""
    sums = _summed(((part.department, part.department_name), part) for part in found)
    return sorted(sums, key=lambda one: (-one.days_late, one.title))


def _summed(named: Iterable[tuple[tuple[str, str], Part]]) -> list[Sum]:
    groups: dict[tuple[str, str], list[Part]] = {}
    for name, part in named:
        groups.setdefault(name, []).append(part)
    return [Sum(slug, title, kept) for (slug, title), kept in groups.items()]


@dataclass(frozen=True)
class PlacedStep:
    """A step with the decision it follows."""

    step: MilestoneRow
    reference: str
    slug: str
    title: str
    theme: str
    department: str


_NEXT_DAY = (
    case((Milestone.state == State.MISSED, 0), (Milestone.state.in_(("planned", "under_way")), 1), else_=2),
    Milestone.due_on,
    Milestone.id,
)


def steps(asked: Asked, *, offset: int = 0, limit: int | None = None) -> list[PlacedStep]:
    """Those missed first, then those to come by their day, then what is done or dropped."""
    wanted = _followed(
        *ROW_COLUMNS, Decision.reference, Regulation.slug, Regulation.title,
        Theme.slug.label("theme_slug"), Department.name.label("department_name"),
    )  # fmt: skip
    wanted = wanted.where(*asked.filters, *_in_state(asked)).order_by(*_NEXT_DAY).offset(offset)
    rows = []
    for row in db.session.execute(wanted if limit is None else wanted.limit(limit)):
        given = dict(row._mapping)
        place = [given.pop(name) for name in ("reference", "slug", "title", "theme_slug", "department_name")]
        rows.append(PlacedStep(milestone_row(given), *place))
    return rows


def count_steps(asked: Asked) -> int:
    return db.session.scalar(_followed(func.count()).where(*asked.filters, *_in_state(asked))) or 0


def _in_state(asked: Asked) -> list[ColumnElement[bool]]:
    if asked.state == PUT_OFF:
        return [_was_put_off]
    return [Milestone.state == asked.state] if asked.state else []


@dataclass(frozen=True)
class News:
    """Something that happened to a day, or to a step: for the feed."""

    at: datetime
    title: str
    text: str
    entry_id: str
    by: str


def news(asked: Asked) -> list[News]:
    """Days that were moved or went by, and what became of steps, the newest first."""
    told = [] if asked.department else _news_of_days(asked)
    return sorted([*told, *_news_of_steps(asked)], key=lambda each: each.at, reverse=True)[:NEWS]


def _news_of_days(asked: Asked) -> list[News]:
    wanted = select(DueChange, Theme.title).join(Theme).order_by(DueChange.id.desc()).limit(NEWS)
    told = []
    for change, title in db.session.execute(wanted.where(Theme.slug == asked.theme) if asked.theme else wanted):
        on = last_day(change.due_at)
        what = f"{title}: decisions are due by {_in_words(on)} now" if change.act == EXTENDED else f"{title}: overdue"
        text = change.reason or f"{change.undecided:,} missing when {_in_words(on)} had gone by."
        told.append(News(change.done_at, what, text, change.entry_id or "", change.by))
    return told


def _news_of_steps(asked: Asked) -> list[News]:
    wanted = _followed(MilestoneAct, Milestone.step, Regulation.title).join(
        MilestoneAct, MilestoneAct.milestone_id == Milestone.id
    )
    wanted = wanted.where(*asked.filters).order_by(MilestoneAct.id.desc()).limit(NEWS)
    told = []
    for act, step, title in db.session.execute(wanted):
        moved = act.moved_from and ("Put off" if act.due_on > act.moved_from else "Brought forward")
        came = act.done_by == THE_SITE and act.state != State.MISSED
        state = moved or ("Due now" if came else State(act.state).label)
        what = f"{state}: {act.words or step.replace('_', ' ').capitalize()} – {title}"
        text = " ".join(filter(None, (_due_by(act), act.instrument, act.reason)))
        told.append(News(act.done_at, what, text, act.entry_id, act.done_by))
    return told


def _due_by(act: MilestoneAct) -> str:
    instead = f", and no longer by {_in_words(act.moved_from)}" if act.moved_from else ""
    return f"Due by {_in_words(act.due_on)}{instead}."


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
