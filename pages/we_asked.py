"""We asked, you said, we did: a theme's whole story, put together from what is kept of it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from analysis.folding import SentRound, sent_round_in
from analysis.models import Point
from analysis.queries import PointRow, points_of_theme
from core import clock
from core.db import db
from decisions.milestones import ROW_COLUMNS, MilestoneRow, milestone_row
from decisions.models import Answer, Decision, Milestone
from decisions.queries import DecisionRow, decisions
from decisions.queries import Wanted as WantedDecisions
from decisions.rules import EVERYONE, Comparison, Verdict
from decisions.steps import State
from opendata.queries import RegulationRow, regulations
from opendata.queries import Wanted as WantedRegulations
from pages.points import readable
from pages.who_answered import who_answered
from regulations.models import Regulation, Theme
from regulations.rules import Split, Stage
from voting.rules import Choice

WAITING = (Stage.UPCOMING, Stage.OPEN, Stage.UNDER_CONSIDERATION)
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
    only_few: list[str]
    """Choices that people made whose reasons stand under nothing but what few people raised."""
    silent: list[str]
    """Choices that people made and of which no reason stands under anything."""
    decisions: list[DecisionRow]
    """The one that stands, then those whose place it took, the latest first."""
    steps: list[MilestoneRow] = field(default_factory=list)
    sent: list[SentRound] = field(default_factory=list)

    @property
    def decision(self) -> DecisionRow | None:
        return self.decisions[0] if self.decisions else None


def report(theme: Theme, now: datetime) -> dict[str, Any]:
    """Everything the page says, as JSON can hold it: offices' words, and none of those who answered."""
    told = stories(theme, now)
    sealed = theme.split == Split.KEPT and theme.frozen_at is None
    answered = who_answered(theme, before=told_before(theme, now), sealed=sealed)
    sent = [each for story in told for each in story.sent]
    answers = [said for story in told for said in story.said]
    steps = [step for story in told for step in story.steps]
    return {
        "slug": theme.slug, "title": theme.title, "stage": theme.window.stage(now), "summary": theme.summary,
        "on_the_table": theme.on_the_table, "off_the_table": theme.off_the_table,
        "closed_early_because": theme.closed_early_because or None,
        "opens_on": clock.uk_day(theme.window.opens), "closes_on": clock.last_day(theme.window.closes),
        "decision_due_on": clock.last_day(theme.decision_due_at),
        "final_on": clock.uk_day(theme.frozen_at) if theme.frozen_at else None,
        "regulations": len(told),
        "votes": sum(row["votes"] for row in answered.who),
        "comments": sum(story.regulation.comments or 0 for story in told),
        "points": len(answers),
        "answered": sum(bool(said.verdict) for said in answers),
        "decided": sum(story.decision is not None for story in told),
        "undecided": sum(story.decision is None and story.regulation.stage in WAITING for story in told),
        "steps": len(steps),
        "steps_done": sum(step.state is State.DONE for step in steps),
        "steps_missed": sum(step.state is State.MISSED for step in steps),
        "who": answered.who, "told_of_themselves": answered.told_of_themselves, "submissions": answered.submissions,
        "sent_round": {"texts": len(sent), "people": sum(each.people for each in sent)},
        "regulations_told": [_plain(story) for story in told],
    }  # fmt: skip


def told_before(theme: Theme, now: datetime) -> datetime | None:
    """While votes come in, what their givers tell of themselves counts from the next day on."""
    return None if theme.frozen_at else clock.day_begins(clock.uk_day(now))


def _plain(story: Story) -> dict[str, Any]:
    row, decision = story.regulation, story.decision
    return {
        "slug": row.slug, "citation": str(row.citation), "title": row.title, "department": row.department,
        "stage": row.stage, "participants": row.participants, "scrap": row.scrap, "improve": row.improve,
        "keep": row.keep, "comments": row.comments,
        "points": [
            {
                "point": said.point.public_id, "title": said.point.title, "behind": said.point.behind,
                "by_choice": said.point.by_choice, "submissions": said.point.submissions, "few": said.point.few,
                "strongest_for": said.strongest_for, "answer": said.verdict or None, "reasons": said.reasons or None,
            }
            for said in story.said
        ],
        "only_raised_by_few": story.only_few,
        "under_no_point": story.silent,
        "sent_round": {"texts": len(story.sent), "people": sum(each.people for each in story.sent)},
        "decision": decision.reference if decision else None,
        "outcome": decision.outcome if decision else None,
        "statement": decision.statement if decision else None,
        "published_on": clock.uk_day(decision.published_at) if decision else None,
        "comparison": decision.comparison if decision else None,
        "compared": _compared(decision) if decision else [],
        "responsible": decision.responsible or None if decision else None,
        "review_on": decision.review_on if decision else None,
        "took_the_place_of": [
            {
                "decision": earlier.reference, "outcome": earlier.outcome, "statement": earlier.statement,
                "published_on": clock.uk_day(earlier.published_at),
            }
            for earlier in story.decisions[1:]
        ],
        "milestones": [
            {
                "step": step.label, "kind": step.step, "state": step.state, "due_on": step.due_on,
                "first_due_on": step.first_due_on, "changed_on": clock.uk_day(step.changed_at),
                "instrument": step.instrument, "reason": step.reason,
            }
            for step in story.steps
        ],
    }  # fmt: skip


def _compared(decision: DecisionRow) -> list[str]:
    """How the decision stands to the vote, then each group that asked for something else."""
    others = [how for who, how in decision.comparisons.items() if who != EVERYONE]
    differing = [how["sentence"] for how in others if how["comparison"] == Comparison.DIFFERS]
    return [*filter(None, [decision.comparison_sentence]), *differing]


def stories(theme: Theme, now: datetime) -> list[Story]:
    """Of every regulation in the theme: those that most people spoke about first."""
    points = {point.id: point for point in readable(points_of_theme(theme.id))}
    said, steps = _said(theme, points), _steps(theme)
    sent = sent_round_in(theme.id) if theme.frozen_at else {}  # a second's work of 30,000 reasons: not for each vote
    published: dict[str, list[DecisionRow]] = defaultdict(list)
    for decision in decisions(WantedDecisions(theme=theme.slug)):
        published[decision.slug].append(decision)
    rows = regulations(WantedRegulations(theme=theme.slug, sort="most_votes"), now)
    return [_story(row, said[row.slug], published[row.slug], steps, sent) for row in rows]


def _story(
    row: RegulationRow,
    said: list[Said],
    published: list[DecisionRow],
    steps: dict[str, list[MilestoneRow]],
    sent: dict[str, list[SentRound]],
) -> Story:
    strongest = {
        choice: max((_behind(each, choice) for each in said if not each.point.few), default=0) for choice in Choice
    }
    marked = [
        Said(each.point, each.verdict, each.reasons, _speaks_most_for(each.point, strongest))
        for each in sorted(said, key=lambda each: (each.point.few, -each.point.behind, each.point.id))
    ]
    apart = [choice for choice in Choice if not strongest[choice] and getattr(row, choice)]
    few = {choice for choice in apart if any(_behind(each, choice) for each in said)}
    ordered = sorted(published, key=lambda decision: decision.superseded_by is not None)
    return Story(
        row, marked, [c.value for c in apart if c in few], [c.value for c in apart if c not in few], ordered,
        steps[ordered[0].reference] if ordered else [], [] if row.sealed else sent.get(row.slug, []),
    )  # fmt: skip


def _behind(said: Said, choice: Choice) -> int:
    return said.point.by_choice.get(choice, 0)


def _speaks_most_for(point: PointRow, strongest: dict[Choice, int]) -> tuple[str, ...]:
    if point.few:
        return ()
    return tuple(c.value for c, most in strongest.items() if most and point.by_choice.get(c, 0) == most)


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
