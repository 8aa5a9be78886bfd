"""What lies on the desk of those who work here: days that are near or went by, steps, what waits for a look."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from accounts.models import Account, Department, Post
from analysis.models import Submission
from analysis.queries import comments_to_read, disputes_waiting
from analysis.submission_rules import Withheld
from core.clock import last_day, uk_day
from core.db import db
from decisions.milestones import ROW_COLUMNS, MilestoneRow, milestone_row
from decisions.models import AnswerDraft, Decision, Draft, DraftVersion, Milestone
from decisions.queries import ClosedTheme
from decisions.steps import RUNNING, State
from decisions.versions import partly_written_by
from regulations.due import days_overdue
from regulations.models import Regulation, Theme
from regulations.queries import ThemeRow
from regulations.responsible import of_department, slugs_shared_with_others, touches_department
from regulations.rules import Stage
from voting.models import Comment, ModerationAct
from voting.organisations import organisations_to_check
from voting.rules import CommentStatus

SOON = timedelta(days=30)
MOST_STEPS = 10
_later = aliased(Decision)


@dataclass(frozen=True)
class Counts:
    """What waits, in numbers, on one department's regulations or on all."""

    disputes: int
    unread: int
    """Comments under no point yet."""
    submissions: int
    papers: int
    """Submissions that nobody has looked at."""
    my_answers: int
    """Answers that a colleague has asked of me."""
    rewritten: int
    """Reasons that were hidden or covered, and that their authors have changed since."""
    unchecked: int
    """Organisations whose votes wait to be checked while that still changes a count."""
    steps: int
    """Missed, or due within a month."""
    letters: int
    """Letters that are to be written to those who asked to hear."""
    department: str
    """The name of the one; empty for all."""
    shared: str
    """The slugs of themes in which other departments have regulations too, with spaces between them."""


def counts(account_id: int, now: datetime, department: int | None, letters: Select[Any]) -> Counts:
    """All in one question. ``letters`` counts those to be written, which a floor above this one knows."""
    of_mine = of_department(department)
    sent = _count(Submission).join(Theme, Theme.id == Submission.theme_id)
    sent = sent.outerjoin(Regulation, Regulation.id == Submission.regulation_id).where(touches_department(department))
    answers = _count(AnswerDraft).where(AnswerDraft.assigned_to_id == account_id, AnswerDraft.verdict.is_(None))
    parts = (
        disputes_waiting().where(of_mine),
        comments_to_read().where(of_mine),
        sent,
        sent.where(Submission.withheld_because == Withheld.WAITING),
        answers,
        rewritten(),
        organisations_to_check(),
        select(func.count()).select_from(_near_steps(now, department).subquery()),
        letters,
        select(func.coalesce(func.max(Department.name), "")).where(Department.id == department),
        slugs_shared_with_others(department),
    )
    return Counts(*db.session.execute(select(*(part.scalar_subquery() for part in parts))).one())


def _count(model: Any) -> Any:
    return select(func.count()).select_from(model)


def rewritten(theme_id: int | None = None) -> Select[Any]:
    """How many reasons were hidden or covered by a moderator and changed by their authors since."""
    latest = (
        select(ModerationAct.target)
        .where(ModerationAct.comment_id == Comment.id)
        .order_by(ModerationAct.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    shut = Comment.status.in_((CommentStatus.HIDDEN, CommentStatus.MASKED))
    wanted = _count(Comment).where(shut, latest != Comment.entry_id)
    if theme_id is None:
        return wanted
    return wanted.join(Regulation, Regulation.id == Comment.regulation_id).where(Regulation.theme_id == theme_id)


@dataclass(frozen=True)
class Asked:
    """A regulation on which a colleague has asked answers of somebody."""

    slug: str
    title: str
    answers: int


def asked_of(account_id: int) -> list[Asked]:
    wanted = (
        select(Regulation.slug, Regulation.title, func.count())
        .join(AnswerDraft, AnswerDraft.regulation_id == Regulation.id)
        .where(AnswerDraft.assigned_to_id == account_id, AnswerDraft.verdict.is_(None))
        .group_by(Regulation.id, Regulation.slug, Regulation.title)
        .order_by(Regulation.title)
    )
    return [Asked(*row) for row in db.session.execute(wanted)]


@dataclass(frozen=True)
class DraftRow:
    """A decision in the making, as the desk lists it."""

    slug: str
    title: str
    theme_title: str
    department: str
    status: str
    return_note: str
    changed_at: datetime
    submitted_at: datetime | None
    written_by_id: int
    office: str
    is_partly_mine: bool
    """Words of whoever asks stand in it, and so they cannot approve it."""


def drafts(account_id: int, department: int | None = None) -> list[DraftRow]:
    """Everything being written, or that on one department's regulations, what waited longest first."""
    saved = exists().where(
        DraftVersion.regulation_id == Draft.regulation_id, DraftVersion.decision_id.is_(None),
        DraftVersion.written_by_id == account_id,
    )  # fmt: skip
    wanted = (
        select(
            Regulation.slug, Regulation.title, Theme.title.label("theme_title"), Department.name.label("department"),
            Draft.status, Draft.return_note, Draft.changed_at, Draft.submitted_at, Draft.written_by_id,
            func.coalesce(Post.office, "").label("office"), Draft.regulation_id, saved.label("saved_it"),
        )
        .join(Regulation, Regulation.id == Draft.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .join(Account, Account.id == Draft.written_by_id)
        .outerjoin(Post, Post.account_id == Account.id)
        .where(of_department(department))
        .order_by(func.coalesce(Draft.submitted_at, Draft.changed_at), Draft.id)
    )  # fmt: skip
    rows = [dict(row._mapping) for row in db.session.execute(wanted)]
    saved_by_me = {row["regulation_id"] for row in rows if row.pop("saved_it")}
    mine = partly_written_by(account_id, saved_by_me)
    return [DraftRow(is_partly_mine=row.pop("regulation_id") in mine, **row) for row in rows]


@dataclass(frozen=True)
class NearStep:
    """A step that is due within a month, or whose day went by, with where it belongs."""

    step: MilestoneRow
    reference: str
    title: str
    department: str


def near_steps(now: datetime, department: int | None) -> list[NearStep]:
    """Those missed first, then by their day."""
    wanted = _near_steps(now, department).order_by(
        case((Milestone.state == State.MISSED, 0), else_=1), Milestone.due_on, Milestone.id
    )
    rows = []
    for row in db.session.execute(wanted.limit(MOST_STEPS)):
        given = dict(row._mapping)
        place = [given.pop(name) for name in ("reference", "regulation_title", "department_name")]
        rows.append(NearStep(milestone_row(given), *place))
    return rows


def _near_steps(now: datetime, department: int | None) -> Any:
    near = (Milestone.state.in_(RUNNING)) & (Milestone.due_on <= uk_day(now) + SOON)
    wanted = (
        select(
            *ROW_COLUMNS, Decision.reference, Regulation.title.label("regulation_title"),
            Department.name.label("department_name"),
        )
        .join(Decision, Decision.id == Milestone.decision_id)
        .join(Regulation, Regulation.id == Decision.regulation_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(_later, _later.supersedes_id == Decision.id)
        .where(_later.id.is_(None), or_(near, Milestone.state == State.MISSED))
    )  # fmt: skip
    return wanted.where(of_department(department))


@dataclass(frozen=True)
class ThemeClock:
    """A theme as the desk shows it: its stage, its next day, and how far that is off."""

    slug: str
    title: str
    stage: Stage
    regulations: int
    waiting: int
    day: date
    days: int
    """Until the day; below zero once it went by."""

    @property
    def days_over(self) -> int:
        return -self.days if self.stage is Stage.UNDER_CONSIDERATION and self.days < 0 else 0


def theme_clocks(
    themes: list[ThemeRow], closed: list[ClosedTheme], now: datetime
) -> list[tuple[Stage, list[ThemeClock]]]:
    """By stage: what is to be decided first, the longest overdue at its head; what is all decided is left out."""
    waiting = {theme.slug: theme.waiting for theme in closed}
    shown: dict[Stage, list[ThemeClock]] = {Stage.UNDER_CONSIDERATION: [], Stage.OPEN: [], Stage.UPCOMING: []}
    for theme in themes:
        if theme.stage in shown:
            shown[theme.stage].append(_clock(theme, waiting.get(theme.slug, 0), now))
    return [
        (stage, sorted(clocks, key=lambda clock: (clock.day, clock.title))) for stage, clocks in shown.items() if clocks
    ]


def _clock(theme: ThemeRow, waiting: int, now: datetime) -> ThemeClock:
    day = {
        Stage.UPCOMING: uk_day(theme.window.opens),
        Stage.OPEN: last_day(theme.window.closes),
    }.get(theme.stage, last_day(theme.decision_due_at))
    return ThemeClock(theme.slug, theme.title, theme.stage, theme.regulations, waiting, day, (day - uk_day(now)).days)


def overdue_in(closed: list[ClosedTheme], now: datetime) -> int:
    """How many regulations wait beyond the day their decision was due."""
    return sum(theme.waiting for theme in closed if days_overdue(theme.due_at, now))
