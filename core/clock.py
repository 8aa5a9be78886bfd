"""The time at the edges. Services and rules are told the time; only routes, commands and workers ask for it here."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_pretended: ContextVar[datetime | None] = ContextVar("pretended_time", default=None)


def now() -> datetime:
    """The present moment in UTC, to the second: nothing here is decided by less."""
    return _pretended.get() or datetime.now(UTC).replace(microsecond=0)


@contextmanager
def pretending(moment: datetime) -> Iterator[None]:
    """Play the past: the demonstration and the tests walk through weeks this way."""
    token = _pretended.set(moment)
    try:
        yield
    finally:
        _pretended.reset(token)


_UK = ZoneInfo("Europe/London")


def in_uk(moment: datetime) -> datetime:
    """The same moment by the clock on the wall in the UK."""
    return moment.astimezone(_UK)


def day_begins(day: date) -> datetime:
    """Midnight in the UK at the start of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=_UK).astimezone(UTC)


def from_uk(on_the_wall: datetime) -> datetime:
    """The moment at which the clock on the wall in the UK shows a day and time."""
    return on_the_wall.replace(tzinfo=_UK).astimezone(UTC)


def uk_day(moment: datetime) -> date:
    return in_uk(moment).date()


def last_day(closes: datetime) -> date:
    """The last day on which it is open until then: midnight still belongs to the day before."""
    return uk_day(closes - timedelta(seconds=1))
