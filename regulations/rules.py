"""Themes, windows, citations and stages. Pure: no Flask, no database, no clock."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.errors import RuleBroken

GRACE = timedelta(hours=24)
DAYS_TO_DECIDE = 90
"""Unless a theme's own number was set."""
FEWEST_DAYS, MOST_DAYS = 14, 366
CLOSING_REASON_LENGTH = 1_000
DUE_REASON_LENGTH = 1_000
LONGEST_EXTENSION = timedelta(days=366)
ALL_SECTORS = "all-sectors"
SECTORS = {
    "agriculture": "Agriculture",
    "construction": "Construction",
    "education": "Education",
    "energy": "Energy",
    "finance": "Finance",
    "health": "Health and care",
    "hospitality": "Hospitality, food and drink",
    "leisure": "Leisure and sport",
    "manufacturing": "Manufacturing",
    "media": "Media and creative",
    "professional-services": "Professional services",
    "property": "Property and housing",
    "public-sector": "Public sector",
    "retail": "Retail",
    "technology": "Technology",
    "transport": "Transport",
    "voluntary-sector": "Voluntary sector",
    "water": "Water",
    ALL_SECTORS: "All sectors",
}


class ThemeKind(StrEnum):
    SPOTLIGHT = "spotlight"
    CROSS_CUTTING = "cross_cutting"


class Split(StrEnum):
    """Whether a theme's running tally is shown, folded behind a click, or kept until the close."""

    SHOWN = "shown"
    FOLDED = "folded"
    KEPT = "kept"


class Stage(StrEnum):
    UPCOMING = "upcoming"
    OPEN = "open"
    UNDER_CONSIDERATION = "under_consideration"
    DECIDED = "decided"
    BEING_IMPLEMENTED = "being_implemented"
    DONE = "done"
    MOVED = "moved"
    ALREADY_SPENT = "already_spent"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Window:
    """When votes are taken: from ``opens`` up to, not including, ``closes``."""

    opens: datetime
    closes: datetime

    def is_open(self, now: datetime) -> bool:
        return self.opens <= now < self.closes

    def has_closed(self, now: datetime) -> bool:
        return now >= self.closes

    def takes_confirmations(self, now: datetime) -> bool:
        """What was given before the close may be confirmed for a day after it."""
        return self.opens <= now < self.closes + GRACE

    def stage(self, now: datetime) -> Stage:
        if now < self.opens:
            return Stage.UPCOMING
        return Stage.OPEN if self.is_open(now) else Stage.UNDER_CONSIDERATION


@dataclass(frozen=True)
class Citation:
    """An instrument's official number, such as uksi 1992/2792."""

    kind: str
    year: int
    number: int

    FORMS = {
        "uksi": "SI",
        "ssi": "SSI",
        "wsi": "WSI",
        "nisr": "SR",
    }

    def __str__(self) -> str:
        """As the downloads spell it: uksi 1992/2792."""
        return f"{self.kind} {self.year}/{self.number}"

    @property
    def slug(self) -> str:
        return f"{self.kind}-{self.year}-{self.number}"

    @property
    def official(self) -> str:
        """As lawyers write it: SI 1992/2792."""
        return f"{self.FORMS[self.kind]} {self.year}/{self.number}"

    @property
    def link(self) -> str:
        return f"https://www.legislation.gov.uk/{self.kind}/{self.year}/{self.number}"

    @classmethod
    def read(cls, kind: str, year: str, number: str) -> "Citation":
        if kind not in cls.FORMS or not re.fullmatch(r"(19|20)\d\d", year) or not re.fullmatch(r"[1-9]\d{0,4}", number):
            raise RuleBroken(f"{kind} {year}/{number} is not a citation of the kinds known here.", field="citation")
        return cls(kind, int(year), int(number))


def check_window(window: Window) -> None:
    if window.closes <= window.opens:
        raise RuleBroken("A window has to close after it opens.", field="closes_at")


def check_closing_early(window: Window, reason: str, now: datetime) -> None:
    if not window.is_open(now):
        raise RuleBroken("This theme is not open, so it cannot be closed early.")
    if len(reason) < 10:
        raise RuleBroken("Say in a sentence why the window closes early. It is published.", field="reason")


def due_after(window: Window, days: int) -> datetime:
    """The end of the last day on which a decision still counts as on time."""
    return window.closes + timedelta(days=days)


def check_days(days: int) -> None:
    if not FEWEST_DAYS <= days <= MOST_DAYS:
        raise RuleBroken(f"Choose between {FEWEST_DAYS} and {MOST_DAYS} days.", field="days")


def check_setting_days(window: Window, days_now: int, days: int, reason: str, now: datetime) -> None:
    """Before the close it is said how long deciding will take; afterwards a day is only moved, and later."""
    if window.has_closed(now):
        raise RuleBroken("This theme has closed, so its day is fixed. It can be moved to a later one, with a reason.")
    check_days(days)
    if days == days_now:
        raise RuleBroken("That is how many days there are already.", field="days")
    if len(reason) < 10:
        raise RuleBroken("Say in a sentence why it should be so many days. It is published.", field="reason")


def check_extending(
    window: Window, due_on: date, until: date, undecided: int, reason: str, now: datetime, *, today: date
) -> None:
    """A later day, not too far off, for decisions that are still missing, and why."""
    if not window.has_closed(now):
        raise RuleBroken("The day on which decisions are due follows from the close, and this theme has not closed.")
    if not undecided:
        raise RuleBroken("Every regulation in this theme is decided, so there is no day to move.")
    if until <= due_on:
        raise RuleBroken(
            "Choose a day after the one that holds now. It can only be moved to a later day.", field="until"
        )
    if until < today:
        raise RuleBroken("Choose a day that has not gone by already.", field="until")
    if until > today + LONGEST_EXTENSION:
        raise RuleBroken("Choose a day within a year from today. It can be moved again, with a reason.", field="until")
    if len(reason) < 10:
        raise RuleBroken("Say in a sentence why more time is needed. It is published.", field="reason")


def stage_of(settled: Stage | None, window: Window, now: datetime) -> Stage:
    """What was settled about a regulation stands; until then its theme's window says where it is."""
    return settled or window.stage(now)
