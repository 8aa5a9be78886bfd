"""The time at the edges. Services and rules are told the time; only routes, commands and workers ask for it here."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

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
