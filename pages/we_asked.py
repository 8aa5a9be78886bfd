"""We asked, you said, we did: a theme's whole story, put together from what is kept of it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import aliased

from accounts.rules import Capacity, Level
from analysis.models import Point
from analysis.queries import PointRow, points_of_theme
from core.db import db
from decisions.milestones import ROW_COLUMNS, MilestoneRow, milestone_row
from decisions.models import Answer, Decision, Milestone
from decisions.queries import DecisionRow, decisions
from decisions.queries import Wanted as WantedDecisions
from decisions.rules import Verdict
from opendata.queries import RegulationRow, regulations
from opendata.queries import Wanted as WantedRegulations
from regulations.models import Regulation, Theme
from voting.models import TallyCell
from voting.rules import Choice

_later = aliased(Decision)


@dataclass(frozen=True)
class Said:
    """One point with what was answered to it, if anything was."""

    point: PointRow
    verdict: str = ""
    reasons: str = ""
    strongest_for: tuple[str, ...] = ()
    """The choices of which no other point on the regulation has more people behind it."""


@dataclass(frozen=True)
class Story:
    """What was asked about one regulation, said and done."""

    regulation: RegulationRow
    said: list[Said]
    silent: list[str]
    """Choices that people made and that no point speaks for."""
    decision: DecisionRow | None
    steps: list[MilestoneRow] = field(default_factory=list)

    @property
    def has_something(self) -> bool:
        return bool(self.regulation.participants or self.decision)


def stories(theme: Theme, now: datetime) -> list[Story]:
    """Of every regulation in the theme: those that most people spoke about first."""
    points = {point.id: point for point in points_of_theme(theme.id)}
    said = _said(theme, points)
    standing = {d.slug: d for d in decisions(WantedDecisions(theme=theme.slug)) if d.superseded_by is None}
    steps = _steps(theme)
    rows = regulations(WantedRegulations(theme=theme.slug, sort="most_votes"), now)
    return [_story(row, said[row.slug], standing.get(row.slug), steps) for row in rows]


def _story(
    row: RegulationRow, said: list[Said], decision: DecisionRow | None, steps: dict[str, list[MilestoneRow]]
) -> Story:
    strongest = {
        choice: max((each.point.by_choice.get(choice, 0) for each in said if not each.point.few), default=0)
        for choice in Choice
    }
    marked = [
        Said(each.point, each.verdict, each.reasons, _speaks_most_for(each.point, strongest))
        for each in _by_weight(said)
    ]
    silent = [choice.value for choice in Choice if not strongest[choice] and getattr(row, choice)]
    return Story(row, marked, silent, decision, steps[decision.reference] if decision else [])


def _speaks_most_for(point: PointRow, strongest: dict[Choice, int]) -> tuple[str, ...]:
    if point.few:
        return ()
    return tuple(c.value for c, most in strongest.items() if most and point.by_choice.get(c, 0) == most)


def _by_weight(said: list[Said]) -> list[Said]:
    return sorted(said, key=lambda each: (each.point.few, -each.point.behind, each.point.id))


def _said(theme: Theme, points: dict[int, PointRow]) -> dict[str, list[Said]]:
    """By regulation: its points, each with the answer that the standing decision gives."""
    standing = select(Answer.id, Answer.point_id, Answer.verdict, Answer.reasons).join(Decision)
    given = standing.where(~exists().where(_later.supersedes_id == Decision.id)).subquery()
    wanted = (
        select(Point.id, Regulation.slug, given.c.verdict, given.c.reasons)
        .join(Regulation, Regulation.id == Point.regulation_id)
        .outerjoin(given, given.c.point_id == Point.id)
        .where(Regulation.theme_id == theme.id, Point.withdrawn_at.is_(None))
    )
    found: dict[str, list[Said]] = defaultdict(list)
    for row in db.session.execute(wanted):
        if row.id in points:
            verdict = Verdict(row.verdict).told if row.verdict else ""
            found[row.slug].append(Said(points[row.id], verdict, row.reasons or ""))
    return found


def _steps(theme: Theme) -> dict[str, list[MilestoneRow]]:
    wanted = (
        select(Decision.reference, *ROW_COLUMNS)
        .join(Decision, Decision.id == Milestone.decision_id)
        .join(Regulation, Regulation.id == Decision.regulation_id)
        .where(Regulation.theme_id == theme.id)
        .order_by(Milestone.due_on, Milestone.id)
    )
    found: dict[str, list[MilestoneRow]] = defaultdict(list)
    for row in db.session.execute(wanted):
        given = dict(row._mapping)
        found[given.pop("reference")].append(milestone_row(given))
    return found


def who_answered(theme: Theme) -> list[dict[str, Any]]:
    """Votes counted in the theme by who people speak for, each with how far that was confirmed."""
    wanted = (
        select(TallyCell.capacity, TallyCell.level, func.sum(TallyCell.votes).label("votes"))
        .join(Regulation, and_(Regulation.id == TallyCell.regulation_id, Regulation.theme_id == theme.id))
        .where(TallyCell.votes > 0)
        .group_by(TallyCell.capacity, TallyCell.level)
    )
    cells = {(row.capacity, row.level): int(row.votes) for row in db.session.execute(wanted)}
    rows = []
    for capacity in Capacity:
        levels = {level: cells.get((capacity.value, level.value), 0) for level in SHOWN_LEVELS}
        if any(levels.values()):
            said = {"capacity": capacity.value, "who": capacity.plural, "votes": sum(levels.values())}
            rows.append(said | {level.name.lower(): number for level, number in levels.items()})
    return rows


SHOWN_LEVELS = (Level.EMAIL_CONFIRMED, Level.ORGANISATION_MATCHED, Level.CHECKED_BY_STAFF)
