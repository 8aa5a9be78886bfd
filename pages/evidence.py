"""The evidence on one regulation: who chose what, what it costs them, what else came in, and what is new in it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

from sqlalchemy import String, and_, case, cast, func, or_, select

from accounts.rules import Capacity, Level
from analysis.models import Submission
from analysis.queries import PointRow
from analysis.rules import FEWEST, shown_apart
from core.db import db
from decisions.queries import DecisionRow
from pages.crossing import NOT_SAID, OTHER, THINGS, cell
from regulations.models import Regulation
from voting.models import Vote, VoteDetail
from voting.rules import Cell, Tally, add_up


@dataclass(frozen=True)
class Crossed:
    """The folded votes of one capacity at one level."""

    capacity: Capacity
    level: int
    tally: Tally

    @property
    def label(self) -> str:
        return f"{self.capacity.plural}, {Level(self.level).name.replace('_', ' ').lower()}"


def crossed_tally(cells: Sequence[Cell]) -> list[Crossed]:
    """One tally for each capacity and level that anybody voted in; they add up to the whole."""
    crossed = [
        Crossed(capacity, level, add_up(c for c in cells if c.capacity is capacity and c.level == level))
        for capacity in Capacity
        for level in Level
    ]
    return [part for part in crossed if part.tally.participants]


@dataclass(frozen=True)
class Cut:
    """Votes by something that people told of themselves. Without parts, too few told it to show anything."""

    name: str
    title: str
    parts: Sequence[tuple[str, str, Tally]]
    """The word in the data, its label, and the votes."""
    whole: Tally


@dataclass(frozen=True)
class Cost:
    """What people said that a regulation costs them in a year, in one unit. Fewer than five are only counted."""

    unit: str
    said: int
    of: int
    total: int | None = None
    lower_quartile: int | None = None
    median: int | None = None
    upper_quartile: int | None = None


@dataclass(frozen=True)
class Told:
    """All that people added to their votes, as far as it can be shown."""

    cuts: Sequence[Cut]
    costs: Sequence[Cost]
    votes: Sequence[Any] = ()
    """Kinds of votes, each with how many there are of it. Never shown as they are."""


CUTS = {
    "size_band": "By how many people work there",
    "sector": "By line of business",
    "nation": "By where they are",
}
MOST_SAID = 3
"""So many points are named with those who speak in one capacity."""


@dataclass(frozen=True)
class Says:
    """What those who speak in one capacity chose, and the points that most of them make, each with how many do."""

    capacity: Capacity
    tally: Tally
    points: Sequence[tuple[PointRow, int]]


def said_by(tally: Tally, points: Sequence[PointRow]) -> list[Says]:
    """Of every capacity that anybody spoke in, those with most people first."""
    parts = dict(tally.by_capacity)
    spoke = sorted((c for c in Capacity if c.plural in parts), key=lambda c: -parts[c.plural].participants)
    return [Says(capacity, parts[capacity.plural], _most_said(capacity, points)) for capacity in spoke]


def _most_said(capacity: Capacity, points: Sequence[PointRow]) -> list[tuple[PointRow, int]]:
    made = [(point, point.by_capacity[capacity]) for point in points if capacity in point.by_capacity and not point.few]
    return sorted(made, key=lambda each: -each[1])[:MOST_SAID]


def told_by_voters(regulation_id: int, before: datetime | None) -> Told:
    """By size, sector and nation, with stated costs; ``before`` leaves out votes cast since.

    While votes come in, whoever watched the numbers could else see which line of the record a new answer belongs to.
    """
    told = (VoteDetail.size_band, VoteDetail.sector, VoteDetail.nation)
    columns = (Vote.choice, Vote.direction, Vote.capacity, Vote.level, *told)
    given = [
        func.aggregate_strings(cast(column, String), ",").label(column.key)
        for column in (VoteDetail.cost_pounds, VoteDetail.cost_hours)
    ]
    wanted = select(*columns, func.count().label("votes"), *given).outerjoin(VoteDetail, VoteDetail.vote_id == Vote.id)
    wanted = wanted.where(Vote.regulation_id == regulation_id, Vote.choice.is_not(None))
    if before is not None:
        wanted = wanted.where(Vote.cast_at < before)
    rows = db.session.execute(wanted.group_by(*columns)).all()
    whole = add_up(cell(row) for row in rows)
    return Told(
        cuts=[cut_by(name, title, rows, whole) for name, title in CUTS.items()],
        costs=[_cost(unit, rows, whole.participants) for unit in ("cost_pounds", "cost_hours")],
        votes=rows,
    )


def cut_by(name: str, title: str, rows: Sequence[Any], whole: Tally) -> Cut:
    """Rows of votes by one thing that people told; each has a choice, a direction, and how many votes there are."""
    sizes: Counter[str] = Counter()
    words = THINGS[name][1]
    for row in rows:
        if value := getattr(row, name):
            sizes[value] += row.votes
    apart = shown_apart(sizes)
    if apart is None:
        return Cut(name, title, (), whole)
    parts = [
        (word, words.get(word, word), add_up(cell(row) for row in rows if getattr(row, name) == word))
        for word in (*words, *sorted(apart - words.keys()))
        if word in apart
    ]
    rest = add_up(cell(row) for row in rows if (said := getattr(row, name)) and said not in apart)
    silent = add_up(cell(row) for row in rows if not getattr(row, name))
    parts += [(OTHER, f"Others, fewer than {FEWEST} each", rest)] if rest.participants else []
    parts += [(NOT_SAID, "Did not say", silent)] if silent.participants else []
    return Cut(name, title, parts, whole)


def _cost(unit: str, rows: Sequence[Any], of: int) -> Cost:
    said = sorted(int(each) for row in rows for each in (getattr(row, unit) or "").split(",") if each)
    name = unit.removeprefix("cost_")
    if len(said) < FEWEST:
        return Cost(name, len(said), of)
    lower, median, upper = (round(each) for each in quantiles(said, n=4, method="inclusive"))
    return Cost(name, len(said), of, sum(said), lower, median, upper)


@dataclass(frozen=True)
class Received:
    """What came by one way other than the ballot."""

    how: str
    received: int = 0
    withheld: int = 0
    """Of those received: counted, and not to be read."""
    signatures: int = 0
    """Shown as such, never added to votes."""
    of_theme: int = 0
    """More of them on the whole theme."""
    new: int = 0
    """Of those received: since the decision."""


def received(regulation: Regulation, decided_at: datetime | None) -> list[Received]:
    """Submissions by the way they came, about this regulation, and how many more were about all of its theme."""
    on_theme = and_(Submission.regulation_id.is_(None), Submission.theme_id == regulation.theme_id)
    is_new = Submission.entered_at > (decided_at or datetime.max.replace(tzinfo=UTC))
    columns = (Submission.how, Submission.withheld, Submission.regulation_id)
    wanted = select(
        *columns,
        func.count().label("number"),
        func.sum(Submission.signatures).label("signatures"),
        func.sum(case((is_new, 1), else_=0)).label("new"),
    )
    wanted = wanted.where(or_(Submission.regulation_id == regulation.id, on_theme)).group_by(*columns)
    ways: dict[str, Counter[str]] = {}
    for row in db.session.execute(wanted.order_by(Submission.how)):
        way = ways.setdefault(row.how, Counter())
        if row.regulation_id is None:
            way["of_theme"] += row.number
            continue
        way["received"] += row.number
        way["withheld"] += row.number if row.withheld else 0
        way["new"] += int(row.new)
        way["signatures"] += int(row.signatures or 0)
    return [Received(how, **way) for how, way in ways.items()]


@dataclass(frozen=True)
class Since:
    """What has changed in the evidence since a decision was published."""

    reference: str
    published_at: datetime
    votes: int
    points: int
    """Made or worded anew."""
    submissions: int

    @property
    def anything(self) -> bool:
        return bool(self.votes or self.points or self.submissions)


def since(decision: DecisionRow, tally: Tally, points: Sequence[PointRow], came: Sequence[Received]) -> Since:
    return Since(
        reference=decision.reference,
        published_at=decision.published_at,
        votes=tally.participants - decision.tally.get("participants", 0),
        points=sum(point.changed_at > decision.published_at for point in points),
        submissions=sum(each.new for each in came),
    )
