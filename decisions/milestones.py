"""The steps that follow a decision. Each act writes its line, and the stage of the regulation follows."""

from dataclasses import dataclass
from datetime import date, datetime

import rfc8785
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased, joinedload

from accounts.models import Account
from audit.entries import MilestoneEntry, text_digest
from audit.services import record
from core.clock import day_begins, uk_day
from core.db import db
from core.errors import Clash, NotFound, RuleBroken
from decisions import steps
from decisions.deciders import check_decider
from decisions.models import Decision, Milestone, MilestoneAct
from decisions.queries import standing_decision
from decisions.steps import RUNNING, State, Step
from regulations.models import Regulation
from regulations.rules import Stage
from regulations.services import settle

THE_SITE = "The site"
FOLLOWED = (Stage.DECIDED, Stage.BEING_IMPLEMENTED, Stage.DONE)
_later = aliased(Decision)


def add_milestone(
    *,
    decision: Decision,
    step: Step | None,
    words: str,
    due_on: date,
    by: Account,
    now: datetime,
    state: State = State.PLANNED,
    demonstration: bool = False,
) -> Milestone:
    """Promise a step towards what was decided, by a day."""
    regulation = hold_regulation(decision)
    check_decider(by, regulation)
    check_followed(decision, regulation)
    so_far = db.session.scalar(select(func.count()).where(Milestone.decision_id == decision.id)) or 0
    steps.check_new_step(step, words, due_on, state, so_far, today=uk_day(now))
    milestone = Milestone(
        decision=decision, step=step, words=words, due_on=due_on, state=state, changed_by=by.office, changed_at=now,
        demonstration=demonstration,
    )  # fmt: skip
    db.session.add(milestone)
    record_step(milestone, now)
    _move_stage(regulation, by.office, now)
    return milestone


def change_milestone(
    *,
    milestone: Milestone,
    seen: str,
    state: State,
    due_on: date,
    instrument: str,
    reason: str,
    by: Account,
    now: datetime,
) -> None:
    """Say where a step stands, or move its day. ``seen`` is the id of the line it stood by when its author looked.

    Raises Clash when it was changed meanwhile.
    """
    regulation = hold_regulation(milestone.decision)
    check_decider(by, regulation)
    check_followed(milestone.decision, regulation)
    db.session.refresh(milestone)
    if milestone.entry_id != seen:
        raise Clash(
            "This step has changed since you opened the page. Look at where it stands now, and send yours again."
        )
    steps.check_change(State(milestone.state), milestone.due_on, state, due_on, instrument, reason, today=uk_day(now))
    before = milestone.due_on
    if not state.is_ended:
        milestone.due_on = due_on
    milestone.state, milestone.reason = state, reason
    milestone.instrument = instrument if state is State.DONE else ""
    milestone.changed_by, milestone.changed_at = by.office, now
    record_step(milestone, now, moved_from=before if milestone.due_on != before else None)
    _move_stage(regulation, by.office, now)


def newly_missed(now: datetime) -> list[int]:
    """Steps whose day went by and that are neither done nor dropped, of decisions that still stand."""
    wanted = select(Milestone.id).join(Decision, Decision.id == Milestone.decision_id)
    wanted = wanted.outerjoin(_later, _later.supersedes_id == Decision.id).where(_later.id.is_(None), *_went_by(now))
    return list(db.session.scalars(wanted.order_by(Milestone.due_on, Milestone.id)))


def miss_milestone(*, milestone: Milestone, now: datetime) -> bool:
    """Put on the record that the day of a step went by. Once for each such day, however many workers look."""
    hold_regulation(milestone.decision)
    db.session.refresh(milestone)
    if milestone.id not in newly_missed(now):
        return False
    milestone.state, milestone.reason, milestone.instrument = State.MISSED, "", ""
    milestone.changed_by, milestone.changed_at = THE_SITE, now
    record_step(milestone, now)
    return True


def _went_by(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Milestone.state.in_(RUNNING), Milestone.due_on < uk_day(now)


def hold_regulation(decision: Decision) -> Regulation:
    """Kept from others until the commit, so that no two acts on its steps take it to be in two stages."""
    wanted = select(Regulation).where(Regulation.id == decision.regulation_id).with_for_update(of=Regulation.__table__)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def check_followed(decision: Decision, regulation: Regulation) -> None:
    standing = standing_decision(regulation.id)
    if standing is None or standing.id != decision.id:
        raise RuleBroken("A later decision has taken this one’s place. Its own steps are what is followed now.")
    if regulation.settled not in FOLLOWED:
        raise RuleBroken("What has moved elsewhere, or is spent already, has no steps to follow here.")


def milestone_text(words: str, instrument: str, reason: str) -> str:
    """The canonical JSON of what a line on a step says in free words: the record keeps its digest."""
    return rfc8785.dumps({"words": words, "instrument": instrument, "reason": reason}).decode()


def record_step(milestone: Milestone, now: datetime, *, moved_from: date | None = None) -> None:
    """Write the line on a step as it stands now, and keep what it says."""
    db.session.flush()
    body = MilestoneEntry(
        item=milestone.decision.regulation.slug,
        decision=milestone.decision.entry_id or "",
        step=milestone.step,
        state=milestone.state,
        actor=milestone.changed_by,
        due=_seconds(milestone.due_on),
        moved_from=_seconds(moved_from) if moved_from else None,
        text_sha256=text_digest(milestone_text(milestone.words, milestone.instrument, milestone.reason)),
        prev=milestone.entry_id,
    )
    milestone.entry_id = record(body, about=milestone, now=now).id
    db.session.add(
        MilestoneAct(
            milestone=milestone, state=milestone.state, due_on=milestone.due_on, moved_from=moved_from,
            words=milestone.words, instrument=milestone.instrument, reason=milestone.reason,
            done_by=milestone.changed_by, done_at=now, entry_id=milestone.entry_id,
        )
    )  # fmt: skip


def _seconds(day: date) -> int:
    return int(day_begins(day).timestamp())


def _move_stage(regulation: Regulation, by: str, now: datetime) -> None:
    db.session.flush()
    standing = standing_decision(regulation.id)
    wanted = select(Milestone.step, Milestone.state)
    found = db.session.execute(wanted.where(Milestone.decision_id == (standing.id if standing else 0)))
    stage = steps.stage_after(Stage(regulation.settled or ""), [(Step(row.step), State(row.state)) for row in found])
    if stage != regulation.settled:
        settle(regulation=regulation, stage=stage, because=regulation.settled_because, by=by, now=now)


@dataclass(frozen=True)
class MilestoneRow:
    """One step of a decision as pages list it, with where it was first due."""

    id: int
    step: str
    words: str
    due_on: date
    first_due_on: date
    state: State
    instrument: str
    reason: str
    changed_by: str
    changed_at: datetime
    entry_id: str
    demonstration: bool
    put_off: int
    """How often its day was moved to a later one."""

    @property
    def label(self) -> str:
        return self.words or Step(self.step).label

    @property
    def kind(self) -> str:
        return Step(self.step).label if self.words else ""

    @property
    def address(self) -> str | None:
        return steps.address_in(self.instrument)

    @property
    def days_moved(self) -> int:
        """How much later it is due than was first said."""
        return (self.due_on - self.first_due_on).days

    def days_late(self, today: date) -> int:
        return max(0, (today - self.due_on).days) if not self.state.is_ended else 0


_first = (
    select(MilestoneAct.due_on)
    .where(MilestoneAct.milestone_id == Milestone.id)
    .order_by(MilestoneAct.id)
    .limit(1)
    .scalar_subquery()
    .label("first_due_on")
)
_put_off = (
    select(func.count())
    .where(MilestoneAct.milestone_id == Milestone.id, MilestoneAct.moved_from < MilestoneAct.due_on)
    .correlate(Milestone)
    .scalar_subquery()
    .label("put_off")
)
ROW_COLUMNS = (
    Milestone.id, Milestone.step, Milestone.words, Milestone.due_on, _first, Milestone.state, Milestone.instrument,
    Milestone.reason, Milestone.changed_by, Milestone.changed_at, Milestone.entry_id, Milestone.demonstration,
    _put_off,
)  # fmt: skip


def milestone_row(row: dict[str, object]) -> MilestoneRow:
    return MilestoneRow(**(row | {"state": State(str(row["state"]))}))  # type: ignore[arg-type]


def milestones_of(decision_reference: str) -> list[MilestoneRow]:
    """The steps of one decision, in the order of their days."""
    wanted = select(*ROW_COLUMNS).join(Decision).where(Decision.reference == decision_reference)
    rows = db.session.execute(wanted.order_by(Milestone.due_on, Milestone.id))
    return [milestone_row(dict(row._mapping)) for row in rows]


def milestone_with(reference: str, id: int) -> Milestone:
    """Raises NotFound."""
    wanted = select(Milestone).join(Decision).where(Decision.reference == reference, Milestone.id == id)
    found = db.session.scalar(wanted)
    if found is None:
        raise NotFound("This decision has no such step.")
    return found


def decision_to_follow(reference: str) -> Decision:
    """A decision with its regulation and department. Raises NotFound."""
    wanted = select(Decision).filter_by(reference=reference)
    related = joinedload(Decision.regulation).joinedload(Regulation.department)
    found = db.session.scalar(wanted.options(related))
    if found is None:
        raise NotFound("There is no decision under this reference.")
    return found
