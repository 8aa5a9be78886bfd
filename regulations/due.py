"""The day by which a theme's decisions are due: moved with a reason, and noted when it goes by with some missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from accounts.models import Account
from accounts.rules import Role
from audit.entries import DueSet, Overdue
from audit.services import Sealed, record
from core.clock import day_begins, last_day, uk_day
from core.db import db, take_turn
from core.errors import Clash, NotAllowed
from regulations import rules
from regulations.models import DueChange, Regulation, Theme
from regulations.responsible import check_may_work_on_all_of
from regulations.rules import Window
from regulations.services import window_entry

EXTENDERS = (Role.OFFICIAL, Role.ADMINISTRATOR)
EXTENDED = "extended"
OVERDUE = "overdue"
DAYS_SET = "days_set"


def days_overdue(due_at: datetime, now: datetime) -> int:
    """0 up to the end of the day itself, by the calendar in the UK."""
    return max(0, (uk_day(now) - last_day(due_at)).days)


def went_by(now: datetime) -> ColumnElement[bool]:
    """days_overdue() > 0 in SQL; a test holds the two against each other."""
    return Theme.decision_due_at <= day_begins(uk_day(now))


def set_days_to_decide(*, theme: Theme, days: int, shown: int, reason: str, by: Account, now: datetime) -> None:
    """Say before the close how many days after it decisions fall due. ``shown`` is the number its author saw.

    The reason is published. Raises Clash when somebody set another meanwhile.
    """
    _check_extender(by, theme)
    take_turn(f"due {theme.slug}")
    db.session.refresh(theme, ["opens_at", "closes_at", "days_to_decide", "decision_due_at"])
    if theme.days_to_decide != shown:
        raise Clash(
            f"A colleague has set this since you opened the page: it is {theme.days_to_decide} days now. "
            "Look at it again, and send yours if it is still needed."
        )
    rules.check_setting_days(theme.window, theme.days_to_decide, days, reason, now)
    theme.days_to_decide, theme.decision_due_at = days, rules.due_after(theme.window, days)
    sealed = Sealed.of("window-reason", reason)
    body = window_entry(theme, DAYS_SET, by.office, sealed.commit)
    record(body, about=theme, now=now, openings={"reason_commit": sealed})


def _check_extender(by: Account, theme: Theme) -> None:
    if by.role not in EXTENDERS:
        raise NotAllowed("Only officials and administrators may move the day on which decisions are due.")
    check_may_work_on_all_of(by, theme)


def extend_due(*, theme: Theme, until: date, shown: date, reason: str, by: Account, now: datetime) -> DueChange:
    """Give a theme's decisions longer. The reason is published. ``shown`` is the day its author saw it due by.

    Raises Clash when somebody moved it meanwhile.
    """
    _check_extender(by, theme)
    take_turn(f"due {theme.slug}")
    db.session.refresh(theme, ["decision_due_at"])
    due_on = last_day(theme.decision_due_at)
    if due_on != shown:
        raise Clash(
            f"A colleague has moved this day since you opened the page: it is {_in_words(due_on)} now. "
            "Look at it again, and send yours if it is still needed."
        )
    rules.check_extending(theme.window, due_on, until, _undecided(theme), reason, now, today=uk_day(now))
    theme.decision_due_at = day_begins(until + timedelta(days=1))
    change = DueChange(
        theme=theme, act=EXTENDED, due_at=theme.decision_due_at, undecided=0, reason=reason, by=by.office, done_at=now
    )
    db.session.add(change)
    sealed = Sealed.of("due-reason", reason)
    body = DueSet(
        theme=theme.slug, due=int(theme.decision_due_at.timestamp()), actor=by.office, reason_commit=sealed.commit
    )
    change.entry_id = record(body, about=[theme, change], now=now, openings={"reason_commit": sealed}).id
    return change


def themes_newly_overdue(now: datetime) -> list[int]:
    """Closed themes whose day went by with decisions missing, and of which the record doesn't say so yet."""
    return list(db.session.scalars(select(Theme.id).where(*_newly_overdue(now)).order_by(Theme.decision_due_at)))


def note_overdue(*, theme: Theme, now: datetime) -> DueChange | None:
    """Put on the record that the day went by. Once for each such day, however many workers look."""
    take_turn(f"due {theme.slug}")
    db.session.refresh(theme, ["decision_due_at"])
    if db.session.scalar(select(Theme.id).where(Theme.id == theme.id, *_newly_overdue(now))) is None:
        return None
    missing = _undecided(theme)
    change = DueChange(
        theme=theme, act=OVERDUE, due_at=theme.decision_due_at, undecided=missing, reason="", by="", done_at=now
    )
    db.session.add(change)
    body = Overdue(theme=theme.slug, due=int(theme.decision_due_at.timestamp()), undecided=missing)
    change.entry_id = record(body, about=[theme, change], now=now).id
    return change


def _newly_overdue(now: datetime) -> tuple[ColumnElement[bool], ...]:
    noted = select(DueChange.id).where(
        DueChange.theme_id == Theme.id, DueChange.act == OVERDUE, DueChange.due_at == Theme.decision_due_at
    )
    missing = select(Regulation.id).where(Regulation.theme_id == Theme.id, Regulation.settled.is_(None))
    return Theme.closes_at <= now, went_by(now), missing.exists(), ~noted.exists()


def _undecided(theme: Theme) -> int:
    wanted = select(func.count()).where(Regulation.theme_id == theme.id, Regulation.settled.is_(None))
    return db.session.scalar(wanted) or 0


@dataclass(frozen=True)
class DueMove:
    """The day was moved once: from and to the end of which days, by whom and why."""

    theme: str
    moved_from: date
    moved_to: date
    reason: str
    by: str
    moved_on: date
    entry_id: str


def due_moves(themes: Iterable[int] | None = None) -> dict[int, list[DueMove]]:
    """By theme, in the order they were made; of all themes unless told which. A theme never moved is absent."""
    columns = (
        DueChange.theme_id, DueChange.due_at, DueChange.reason, DueChange.by, DueChange.done_at, DueChange.entry_id,
        Theme.slug, Theme.opens_at, Theme.closes_at, Theme.days_to_decide,
    )  # fmt: skip
    wanted = select(*columns).join(Theme).where(DueChange.act == EXTENDED).order_by(DueChange.id)
    if themes is not None:
        wanted = wanted.where(DueChange.theme_id.in_(list(themes)))
    moves: dict[int, list[DueMove]] = {}
    for row in db.session.execute(wanted):
        earlier = moves.setdefault(row.theme_id, [])
        first = rules.due_after(Window(row.opens_at, row.closes_at), row.days_to_decide)
        before = earlier[-1].moved_to if earlier else last_day(first)
        move = DueMove(
            row.slug, before, last_day(row.due_at), row.reason, row.by, uk_day(row.done_at), row.entry_id or ""
        )
        earlier.append(move)
    return moves


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
