"""The day by which a decision is to be looked at again: a step like others, and an event when it comes."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from core.clock import uk_day
from core.db import db
from decisions.milestones import FOLLOWED, THE_SITE, hold_regulation, record_step
from decisions.models import Decision, Milestone, MilestoneAct
from decisions.steps import RUNNING, State, Step
from regulations.models import Regulation

_later = aliased(Decision)


def reviews_to_plan() -> list[int]:
    """Standing decisions that name a day for their review, and have no step for it yet."""
    is_a_step = exists().where(Milestone.decision_id == Decision.id, Milestone.step == Step.REVIEW)
    wanted = select(Decision.id).join(Regulation, Regulation.id == Decision.regulation_id)
    wanted = wanted.outerjoin(_later, _later.supersedes_id == Decision.id).where(
        _later.id.is_(None), Decision.review_on.is_not(None), Regulation.settled.in_(FOLLOWED), ~is_a_step
    )
    return list(db.session.scalars(wanted.order_by(Decision.id)))


def plan_review(*, decision: Decision, now: datetime) -> Milestone | None:
    """Follow the review that a decision promised, in the name of who decided. Once, however many workers look."""
    hold_regulation(decision)
    if decision.review_on is None or decision.id not in reviews_to_plan():
        return None
    milestone = Milestone(
        decision=decision, step=Step.REVIEW, words="", due_on=decision.review_on, state=State.PLANNED,
        changed_by=decision.decided_by, changed_at=now, demonstration=decision.demonstration,
    )  # fmt: skip
    db.session.add(milestone)
    record_step(milestone, now)
    return milestone


def reviews_come(now: datetime) -> list[int]:
    """Reviews whose day is today, and of which the record doesn't say so yet. A day that went by is missed."""
    said = exists().where(
        MilestoneAct.milestone_id == Milestone.id, MilestoneAct.done_by == THE_SITE,
        MilestoneAct.due_on == Milestone.due_on,
    )  # fmt: skip
    wanted = select(Milestone.id).join(Decision, Decision.id == Milestone.decision_id)
    wanted = wanted.outerjoin(_later, _later.supersedes_id == Decision.id).where(
        _later.id.is_(None), Milestone.step == Step.REVIEW, Milestone.state.in_(RUNNING),
        Milestone.due_on == uk_day(now), ~said,
    )  # fmt: skip
    return list(db.session.scalars(wanted.order_by(Milestone.id)))


def note_review(*, milestone: Milestone, now: datetime) -> bool:
    """Put on the record that the day of a review has come."""
    hold_regulation(milestone.decision)
    db.session.refresh(milestone)
    if milestone.id not in reviews_come(now):
        return False
    milestone.reason, milestone.changed_by, milestone.changed_at = "", THE_SITE, now
    record_step(milestone, now)
    return True
