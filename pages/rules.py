"""How a list is asked for in an address, and how its facets are counted. Pure: no Flask, no database, no clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import urlencode

from decisions.rules import Outcome
from opendata.rules import NO_DECISION
from regulations.rules import ALL_SECTORS, SECTORS, Citation, Stage
from voting.rules import ORDERS, Choice, choices_in_order

SORTS = {
    "relevance": "Best match",
    "needs_voices": "Needs more voices",
    "closing_soonest": "Closing soonest",
    "most_votes": "Most votes",
    "closest": "Closest split",
    "newest": "Newest",
    "title": "Title",
}
SORT_NOTES = {
    "needs_voices": "Open ones come first, those that fewest people have answered at the top.",
    "closest": "Closed regulations come first, the closest vote at the top.",
}
FACETS = {
    "theme": "Theme",
    "department": "Department",
    "stage": "Stage",
    "outcome": "Outcome",
    "sector": "My sector",
}
STAGE_WORDS = {stage.value: stage.label for stage in Stage} | {
    Stage.UPCOMING.value: "Not open yet",
    Stage.MOVED.value: "Moved elsewhere",
}
OUTCOME_WORDS = {outcome.value: outcome.label for outcome in Outcome} | {
    Outcome.MOVED.value: "Moved elsewhere",
    NO_DECISION: "No decision yet",
}


@dataclass(frozen=True)
class Asked:
    """What an address asks a list of regulations for."""

    path: str
    q: str = ""
    theme: str = ""
    department: str = ""
    stage: str = ""
    outcome: str = ""
    sector: str = ""
    sort: str = ""
    page: int = 1
    of_theme: bool = False
    """True on a theme's own page, whose address names the theme already."""

    @property
    def facets(self) -> list[str]:
        return [name for name in FACETS if not (self.of_theme and name == "theme")]

    @property
    def chosen(self) -> dict[str, str]:
        """The facets in use with their values."""
        return {name: getattr(self, name) for name in self.facets if getattr(self, name)}

    def address(self, form: str = "", **changes: Any) -> str:
        """This list changed so; back on its first page unless told otherwise."""
        wanted = replace(self, **({"page": 1} | changes))
        kept = {f.name: getattr(wanted, f.name) for f in fields(Asked) if f.name not in ("path", "of_theme")}
        if wanted.of_theme:
            del kept["theme"]
        if wanted.page == 1:
            del kept["page"]
        query = urlencode({name: value for name, value in kept.items() if value})
        return wanted.path + (f".{form}" if form else "") + (f"?{query}" if query else "")

    def without_filters(self, **changes: Any) -> "Asked":
        cleared: dict[str, Any] = dict.fromkeys(self.facets, "")
        return replace(self, **cleared, page=1, **changes)


def clock_of(stage: Stage, opens_on: date, closes_on: date, due_on: date, today: date) -> dict[str, Any]:
    """What the clock beside a theme or regulation shows: the days left are those to its next day."""
    waits = stage is Stage.UNDER_CONSIDERATION
    until = closes_on if stage is Stage.OPEN else due_on if waits and today <= due_on else None
    return {
        "opens_on": opens_on,
        "closes_on": closes_on,
        "days_left": (until - today).days if until else None,
        "due_on": due_on,
        "days_overdue": (today - due_on).days if waits and today > due_on else None,
    }


def to_the_minute(moment: datetime) -> str:
    """A moment in words, "2:05pm on 22 November"."""
    half = "am" if moment.hour < 12 else "pm"
    return f"{moment.hour % 12 or 12}:{moment:%M}{half} on {moment.day} {moment:%B}"


@dataclass(frozen=True)
class Slice:
    """So many regulations of one theme, department, stage and outcome."""

    theme: str
    theme_title: str
    department: str
    department_name: str
    stage: str
    outcome: str
    n: int


def matching(slices: Iterable[Slice], asked: Asked, but: str = "") -> list[Slice]:
    """The slices every facet but one allows."""
    narrow = {name: getattr(asked, name) for name in ("theme", "department", "stage", "outcome") if name != but}
    return [s for s in slices if all(not value or getattr(s, name) == value for name, value in narrow.items())]


def how_many(slices: Iterable[Slice]) -> int:
    return sum(s.n for s in slices)


def sort_of(asked: Asked, slices: Iterable[Slice]) -> str:
    """The order asked for, or the one that helps most: few voices first wherever people can still add theirs."""
    if asked.sort in SORTS and (asked.sort != "relevance" or asked.q):
        return asked.sort
    if asked.q:
        return "relevance"
    stages = {s.stage for s in matching(slices, asked, but="stage")} if asked.theme else set()
    if asked.stage == Stage.OPEN or (not asked.stage and Stage.OPEN in stages):
        return "needs_voices"
    if asked.theme:
        return "title" if stages <= {Stage.UPCOMING, Stage.ALREADY_SPENT} else "most_votes"
    return "closing_soonest"


def sort_links(asked: Asked, current: str, any_open: bool) -> list[dict[str, Any]]:
    """The orders there is a use for: where no regulation is open, no voice can be added."""
    useless = {
        "relevance": not asked.q,
        "needs_voices": not any_open,
        "closing_soonest": bool(asked.theme),
    }
    offered = [name for name in SORTS if not useless.get(name) or name == current]
    return [
        {"label": SORTS[name], "url": asked.address(sort=name), "active": name == current}
        for name in offered
    ]  # fmt: skip


@dataclass(frozen=True)
class Facet:
    """One way to narrow a list, each value with how many there would be."""

    name: str
    title: str
    items: Sequence[Mapping[str, Any]]
    clear_url: str

    @property
    def narrows(self) -> bool:
        """False when there is nothing to choose between."""
        return len(self.items) > 1 or any(item["active"] for item in self.items)


def facets(slices: Sequence[Slice], sectors: Mapping[str, int], for_all: int, asked: Asked) -> list[Facet]:
    """The facets of a list, each counted under the others; what is marked for all sectors counts for every one."""
    made = []
    for name in asked.facets:
        if name == "sector":
            words: dict[str, str] = {s: word for s, word in SECTORS.items() if s != ALL_SECTORS}
            counts = {sector: sectors.get(sector, 0) + for_all for sector in words}
        else:
            words = _words(name, slices)
            counts = {}
            for s in matching(slices, asked, but=name):
                value = getattr(s, name)
                counts[value] = counts.get(value, 0) + s.n
        made.append(_facet(name, words, counts, asked))
    return made


def _words(name: str, slices: Iterable[Slice]) -> dict[str, str]:
    """The values of a facet in the order to show them, with their words."""
    if name == "stage":
        return STAGE_WORDS
    if name == "outcome":
        return OUTCOME_WORDS
    said = {(s.theme_title, s.theme) if name == "theme" else (s.department_name, s.department) for s in slices}
    return {slug: title for title, slug in sorted(said)}


def _facet(name: str, words: Mapping[str, str], counts: Mapping[str, int], asked: Asked) -> Facet:
    active = getattr(asked, name)
    values = [value for value in words if counts.get(value)]
    if active and active not in values:
        values.insert(0, active)
    items = [
        {
            "label": words.get(value) or in_words(value),
            "count": counts.get(value, 0),
            "url": asked.address(**{name: "" if value == active else value}),
            "active": value == active,
        }
        for value in values
    ]
    return Facet(name, FACETS[name], items, asked.address(**{name: ""}))


def in_words(slug: str) -> str:
    """For a value nobody has a name for, such as one typed into the address."""
    return slug.replace("-", " ").replace("_", " ").capitalize()


def filters_in_use(made: Iterable[Facet], asked: Asked) -> list[dict[str, str]]:
    """What narrows the list, each with the address that takes it off."""
    used = [{"label": "Search", "value": asked.q, "remove_url": asked.address(q="", sort="")}] if asked.q else []
    for facet in made:
        for item in facet.items:
            if item["active"]:
                used.append({"label": facet.title, "value": item["label"], "remove_url": facet.clear_url})
    return used


def near_misses(
    year: int, number: int, known: Iterable[tuple[Citation, str]], limit: int = 4
) -> list[tuple[Citation, str]]:
    """Citations that differ from the one asked for by about a slip of the finger, the likeliest first."""
    asked = f"{year}/{number}"
    rated = [
        (SequenceMatcher(None, asked, f"{citation.year}/{citation.number}").ratio(), citation, title)
        for citation, title in known
    ]
    close = sorted((r for r in rated if r[0] >= 0.8), key=lambda r: (-r[0], r[1].slug))
    return [(citation, title) for _, citation, title in close[:limit]]


BALLOT_ORDER_FIELDS = ("first", "second", "third", "choice", "votes")


def votes_by_order(counts: Iterable[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """How often each choice was made under each of the six orders, all eighteen rows, from (order, choice, votes)."""
    votes = {(choices_in_order(order), choice): n for order, choice, n in counts}
    return [
        {
            "first": order[0],
            "second": order[1],
            "third": order[2],
            "choice": choice,
            "votes": votes.get((order, choice), 0),
        }
        for order in ORDERS
        for choice in Choice
    ]


@dataclass(frozen=True)
class Shares:
    """How often a choice was made by the place it stood in: so many of so many, first, second and third."""

    choice: Choice
    places: tuple[tuple[int, int], ...]


def shares_by_place(rows: Sequence[Mapping[str, Any]]) -> list[Shares]:
    """From votes_by_order(). If the place had no effect, the three shares of a choice would be about the same."""
    shares = []
    for choice in Choice:
        places = []
        for place in ("first", "second", "third"):
            shown = [row for row in rows if row[place] == choice]
            places.append((sum(r["votes"] for r in shown if r["choice"] == choice), sum(r["votes"] for r in shown)))
        shares.append(Shares(choice, tuple(places)))
    return shares
