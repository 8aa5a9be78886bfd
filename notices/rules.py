"""What people can follow, how they want to hear of it, and how often anybody is written to unasked. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from core.errors import RuleBroken
from search.rules import LONGEST_QUERY, citations_in, plain_words, telling_words, without_citations, words_of

DIGEST_HOUR = 7
"""By the clock on the wall in the UK: once a day, before most people begin their work."""
MOST_FOLLOWS = 200
UNASKED = 2
"""About one regulation, after the receipt: the decision, and what came of it. A late decision adds one more."""
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


@dataclass(frozen=True)
class Told:
    """One thing as a mail tells it. ``quotes`` are somebody's words, each with whose they are."""

    heading: str
    about: str
    paragraphs: tuple[str, ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    why: str = ""


def next_digest(now: datetime) -> datetime:
    """The first moment after ``now`` at which the day's mail goes out, the clocks' changes minded."""
    local = now.astimezone(_UK)
    today = local.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0, fold=0)
    due = today if local < today else (today + timedelta(days=1))
    return due.astimezone(UTC)


def check_may_follow(followed: int) -> None:
    if followed >= MOST_FOLLOWS:
        raise RuleBroken(
            f"You follow {followed:,} things, which is as many as we can keep. "
            "End some of them first, or follow a theme or a department in their place."
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

    title: str
    citation: str
    text: str
    theme: str
    department: str
    outcome: str
    sectors: frozenset[str]


def finds(key: str, regulation: Findable, stem: Mapping[str, str]) -> bool:
    """Whether a followed search finds it: every word of it, or its citation; ``stem`` gives words their stems.

    Stricter than the list, which goes on to what has any of the words: nobody wants to be written to about those.
    """
    asked = searched(key)
    for name in ("theme", "department", "outcome"):
        if asked.get(name, getattr(regulation, name)) != getattr(regulation, name):
            return False
    if "sector" in asked and not regulation.sectors & {asked["sector"], "all-sectors"}:
        return False
    query = asked.get("q", "")
    named = citations_in(query)
    if named and not any(_names(citation, regulation.citation) for citation in named):
        return False
    wanted = telling_words(plain_words(without_citations(query)))
    there = {stem.get(word, word) for word in words_of(f"{regulation.title} {regulation.text}")}
    return {stem.get(word, word) for word in wanted} <= there


def _names(asked: str, citation: str) -> bool:
    """``asked`` is year/number or series/year/number; ``citation`` as in uksi-1992-2792."""
    return ("/" + citation.replace("-", "/")).endswith("/" + asked)


def words_in(keys: Collection[str], regulation: Findable) -> set[str]:
    """Every word that deciding about these searches turns on."""
    asked = {word for key in keys for word in plain_words(searched(key).get("q", ""))}
    return asked | set(words_of(f"{regulation.title} {regulation.text}"))


def in_short(words: str, longest: int = 600) -> str:
    """Somebody's words as a mail quotes them."""
    plain = re.sub(r"\s+", " ", words).strip()
    return plain if len(plain) <= longest else plain[: longest - 1].rsplit(" ", 1)[0] + " …"
