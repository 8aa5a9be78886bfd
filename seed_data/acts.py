"""What happens in the demonstration's past, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock


@dataclass(frozen=True)
class Act:
    """One thing that happened at some moment of the invented past."""

    at: datetime
    do: Callable[[datetime], object]
    can_wait: bool = False
    """Nobody looks at what comes of it on the same day, so it may be counted with the next day’s."""


def on_day(today: datetime, days: int, hour: int = 10) -> datetime:
    """``days`` from today, as in the files of invented/: the past is below 0. The hour is the one in the UK."""
    return clock.day_begins(clock.uk_day(today) + timedelta(days=days)) + timedelta(hours=hour)
