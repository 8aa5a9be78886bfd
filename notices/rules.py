"""What people can follow, how they want to hear of it, and how often anybody is written to unasked. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from core.errors import RuleBroken
from search.rules import LONGEST_QUERY, citations_in, plain_words, telling_words, without_citations

DIGEST_HOUR = 7
"""By the clock on the wall in the UK: once a day, before most people begin their work."""
MOST_FOLLOWS = 200
MOST_SEARCHES = 20
"""Of them. Each is held against everything that is listed or decided."""
UNASKED = 3
"""About one regulation, after the receipt: the decision, what came of it, and one more where it came late, was turned
round afterwards, or the reason somebody stood behind was erased. docs/decisions/hearing.md says which goes first."""
BOUNCES = 2
"""So often in a row an address is refused for good before nothing more is sent there."""
LISTED_IN_FULL = 10
MOST_KEPT = 100
"""Of regulations that are listed together, so many are named in a mail, and kept with a notice."""
SEARCHED = ("q", "theme", "department", "outcome", "sector")
"""What of a search can be followed. Not the stage: what is heard of is what moves on to another one."""
_UK = ZoneInfo("Europe/London")


class How(StrEnum):
    IMMEDIATELY = "immediately"
    DAILY = "daily"
    NEVER = "never"

    @property
    def label(self) -> str:
        return {"immediately": "As it happens", "daily": "Once a day, together", "never": "Never"}[self.value]


class FollowHow(StrEnum):
    """How to hear of one thing that is followed: as of everything, or otherwise."""

    AS_SET = "as_set"
    IMMEDIATELY = "immediately"
    DAILY = "daily"

    @property
    def label(self) -> str:
        return "As you have chosen for everything" if self is FollowHow.AS_SET else How(self.value).label


class Followed(StrEnum):
    REGULATION = "regulation"
    THEME = "theme"
    DEPARTMENT = "department"
    SEARCH = "search"
    THEMES = "themes"
    """Every new theme, whatever it is about."""


class Because(StrEnum):
    TOOK_PART = "took_part"
    FOLLOWS = "follows"


class Kind(StrEnum):
    DECISION = "decision"
    MILESTONE = "milestone"
    SLIPPAGE = "slippage"
    DONE = "done"
    OVERDUE = "overdue"
    EXTENDED = "extended"
    LISTED = "listed"
    THEME = "theme"
    ERASURE = "erasure"
    """The reason somebody stood behind is gone, while they can still give another."""


@dataclass(frozen=True)
class Told:
    """One thing as a mail tells it. ``quotes`` are somebody's words, each with whose they are."""

    heading: str
    about: str
    paragraphs: tuple[str, ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    """What is to be known of the words that are quoted, or are not."""
    links: tuple[tuple[str, str], ...] = ()


def next_digest(now: datetime) -> datetime:
    """The first moment after ``now`` at which the day's mail goes out, the clocks' changes minded."""
    local = now.astimezone(_UK)
    today = local.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0, fold=0)
    due = today if local < today else (today + timedelta(days=1))
    return due.astimezone(UTC)


def check_may_follow(kind: Followed, followed: int, searches: int) -> None:
    """``followed`` of every kind so far, ``searches`` among them."""
    if followed >= MOST_FOLLOWS:
        raise RuleBroken(
            f"You follow {followed:,} things, which is as many as we can keep. "
            "End some of them first, or follow a theme or a department in their place."
        )
    if kind is Followed.SEARCH and searches >= MOST_SEARCHES:
        raise RuleBroken(
            f"You follow {searches} searches, which is as many as we can look for. "
            "End one of them first, or follow a theme or a department in its place."
        )


def search_key(asked: Mapping[str, str]) -> str:
    """A search as it is kept: what of it can be followed, always in the same order."""
    words = " ".join(asked.get("q", "").split())[:LONGEST_QUERY]
    kept = {"q": words} | {name: asked.get(name, "")[:LONGEST_QUERY] for name in SEARCHED[1:]}
    return urlencode({name: value for name, value in kept.items() if value})


def searched(key: str) -> dict[str, str]:
    return {name: value for name, value in parse_qsl(key) if name in SEARCHED}


def followed_by(query: Mapping[str, str]) -> tuple[Followed, str] | None:
    """What a list's address asks to follow: a theme or a department where it names nothing else, or the search."""
    asked = searched(search_key(query))
    if set(asked) == {"theme"}:
        return Followed.THEME, asked["theme"]
    if set(asked) == {"department"}:
        return Followed.DEPARTMENT, asked["department"]
    return (Followed.SEARCH, search_key(asked)) if asked else None


def follow_address(kind: Followed, key: str = "") -> str:
    """Where somebody may begin to follow it."""
    return "/account/follow?" + urlencode({"kind": kind.value} | ({"key": key} if key else {}))


@dataclass(frozen=True)
class Findable:
    """A regulation as searches that are followed see it."""

    citation: str
    words: frozenset[str]
    """The stems of every word of its title, its text and its citation."""
    theme: str
    department: str
    outcomes: frozenset[str]
    """What was decided, or ``none``; both where that happened just now, as it was undecided when it was followed."""
    sectors: frozenset[str]


@dataclass(frozen=True)
class Asked:
    """A followed search, read once: what a regulation has to have to be found by it."""

    theme: str
    department: str
    outcome: str
    sector: str
    citations: tuple[str, ...]
    words: frozenset[str]
    """Stems."""

    def finds(self, regulation: Findable) -> bool:
        """Every word of it, and its citation.

        Stricter than the list, which goes on to what has any of the words: nobody wants to be written to about those.
        """
        return (
            self.words <= regulation.words
            and self.theme in ("", regulation.theme)
            and self.department in ("", regulation.department)
            and (not self.outcome or self.outcome in regulation.outcomes)
            and (not self.sector or bool(regulation.sectors & {self.sector, "all-sectors"}))
            and (not self.citations or any(_names(citation, regulation.citation) for citation in self.citations))
        )


def asked_in(key: str, stem: Callable[[str], str]) -> Asked:
    asked = searched(key)
    query = asked.get("q", "")
    return Asked(
        theme=asked.get("theme", ""),
        department=asked.get("department", ""),
        outcome=asked.get("outcome", ""),
        sector=asked.get("sector", ""),
        citations=tuple(citations_in(query)),
        words=stems_of(telling_words(plain_words(without_citations(query))), stem),
    )


def stems_of(words: Iterable[str], stem: Callable[[str], str]) -> frozenset[str]:
    return frozenset(stem(word) for word in words)


def _names(asked: str, citation: str) -> bool:
    """``asked`` is year/number or series/year/number; ``citation`` as in uksi-1992-2792."""
    return ("/" + citation.replace("-", "/")).endswith("/" + asked)


def in_short(words: str, longest: int = 600) -> str:
    """Somebody's words as a mail quotes them."""
    plain = re.sub(r"\s+", " ", words).strip()
    return plain if len(plain) <= longest else plain[: longest - 1].rsplit(" ", 1)[0] + " …"
