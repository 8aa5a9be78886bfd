"""What follows a close and a decision: days that go by or are moved, and steps that are done, dropped or late."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from core.clock import last_day, uk_day
from core.db import db
from decisions.milestones import add_milestone, change_milestone, miss_milestone, newly_missed
from decisions.models import Decision, Milestone
from decisions.queries import standing_decision
from decisions.reviews import plan_review, reviews_to_plan
from decisions.steps import State, Step
from regulations.due import extend_due, note_overdue, themes_newly_overdue
from regulations.models import Theme
from regulations.queries import regulation_with, theme_with
from seed_data.acts import Act, on_day
from seed_data.loader import SeedTheme
from seed_data.people import person
from seed_data.script import table

BEFORE_WORK = 6


def acts(today: datetime, seeds: list[SeedTheme]) -> Iterator[Act]:
    said = table("aftermath.toml")
    mornings = {seed.closes + seed.days_to_decide + 1 for seed in seeds}
    for given in said["extension"]:
        yield Act(on_day(today, given["on"], 16), partial(_extend, given, today))
    for given in said["step"]:
        yield Act(on_day(today, given["planned_on"], 14), partial(_plan, given, today))
        mornings.add(given["due"] + 1)
        for change in given.get("changes", ()):
            yield Act(on_day(today, change["on"], 14), partial(_change, given, change, today))
    for day in {*mornings, -1}:
        if day < 0:
            yield Act(on_day(today, day, BEFORE_WORK), _note_what_went_by)


def _note_what_went_by(now: datetime) -> None:
    """As the site does by itself, every few seconds."""
    for theme_id in themes_newly_overdue(now):
        note_overdue(theme=db.session.get_one(Theme, theme_id), now=now)
    for decision_id in reviews_to_plan():
        plan_review(decision=db.session.get_one(Decision, decision_id), now=now)
    for milestone_id in newly_missed(now):
        miss_milestone(milestone=db.session.get_one(Milestone, milestone_id), now=now)


def _extend(given: dict[str, Any], today: datetime, now: datetime) -> None:
    theme = theme_with(given["theme"])
    extend_due(
        theme=theme,
        until=uk_day(today) + timedelta(days=given["until"]),
        shown=last_day(theme.decision_due_at),
        reason=given["reason"],
        by=person("official", now),
        now=now,
    )


def _plan(given: dict[str, Any], today: datetime, now: datetime) -> None:
    decision = standing_decision(regulation_with(given["regulation"]).id)
    if decision is None:
        raise ValueError(f"{given['regulation']} has no decision yet on which a step could follow.")
    add_milestone(
        decision=decision,
        step=Step(given["step"]),
        words=given["words"],
        due_on=uk_day(today) + timedelta(days=given["due"]),
        by=person("official", now),
        now=now,
        demonstration=True,
    )


def _change(given: dict[str, Any], change: dict[str, Any], today: datetime, now: datetime) -> None:
    wanted = select(Milestone).filter_by(words=given["words"], demonstration=True)
    milestone = db.session.scalars(wanted).one()
    change_milestone(
        milestone=milestone,
        seen=milestone.entry_id or "",
        state=State(change["state"]),
        due_on=uk_day(today) + timedelta(days=change["due"]) if "due" in change else milestone.due_on,
        instrument=change.get("instrument", ""),
        reason=change.get("reason", ""),
        by=person("official", now),
        now=now,
    )
