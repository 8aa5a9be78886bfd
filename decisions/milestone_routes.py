"""What officials do after a decision: promise steps, say where each stands, move its day."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint, current_app, flash, get_flashed_messages, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Role
from core import clock
from core.access import staff
from core.clock import in_uk, uk_day
from core.db import transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from decisions.deciders import check_decider
from decisions.milestones import (
    MilestoneRow,
    add_milestone,
    change_milestone,
    decision_to_follow,
    milestone_with,
    milestones_of,
)
from decisions.models import Decision
from decisions.step_forms import StepChangeForm, StepForm
from decisions.steps import CHOSEN, State

bp = Blueprint("milestones", __name__)

Answer = str | Response | tuple[str, int]


def _me() -> Account:
    return current_user._get_current_object()


@bp.route("/staff/decisions/<reference>/steps", methods=["GET", "POST"])
@staff(Role.OFFICIAL)
def steps(reference: str) -> Answer:
    now, form = clock.now(), StepForm()
    if form.validate_on_submit():
        try:
            with transaction():
                add_milestone(
                    decision=decision_to_follow(reference),
                    step=form.chosen_step,
                    words=form.words.data or "",
                    due_on=form.due_on.data or date.min,
                    state=form.chosen_state,
                    by=_me(),
                    now=now,
                    demonstration=current_app.config["SITE"].demonstration,
                )
        except (NotAllowed, NotFound):
            raise
        except RuleBroken as error:
            form.show_rule_broken(error)
        else:
            flash("The step is on the record, and its day is public.")
            return redirect(url_for("milestones.steps", reference=reference), code=303)
    decision = decision_to_follow(reference)
    check_decider(_me(), decision.regulation)
    page = render_template(
        "decisions/steps.html", form=form, said=get_flashed_messages(), rows=milestones_of(reference),
        **_beside(decision, now),
    )  # fmt: skip
    return page, 422 if form.errors else 200


def _beside(decision: Decision, now: datetime) -> dict[str, Any]:
    return {"decision": decision, "regulation": decision.regulation, "today": uk_day(now), "in_uk": in_uk}


@bp.route("/staff/decisions/<reference>/steps/<int:id>", methods=["GET", "POST"])
@staff(Role.OFFICIAL)
def step(reference: str, id: int) -> Answer:
    now, row = clock.now(), _row(reference, id)
    form = StepChangeForm(data={"seen": row.entry_id, "state": _stands(row), "due_on": row.due_on})
    status = 200
    if form.validate_on_submit():
        try:
            if form.chosen_state is None:
                raise RuleBroken("Choose where this step stands.", field="state")
            with transaction():
                change_milestone(
                    milestone=milestone_with(reference, id),
                    seen=form.seen.data or "",
                    state=form.chosen_state,
                    due_on=form.due_on.data or date.min,
                    instrument=form.instrument.data or "",
                    reason=form.reason.data or "",
                    by=_me(),
                    now=now,
                )
        except (NotAllowed, NotFound):
            raise
        except RuleBroken as error:
            form.show_rule_broken(error)
            if isinstance(error, Clash):
                status, row = 409, _row(reference, id)
                form.seen.data = row.entry_id
        else:
            flash("That is on the record.")
            return redirect(url_for("milestones.steps", reference=reference), code=303)
    decision = decision_to_follow(reference)
    check_decider(_me(), decision.regulation)
    page = render_template("decisions/step.html", form=form, row=row, clashed=status == 409, **_beside(decision, now))
    return page, 422 if form.errors and status == 200 else status


def _stands(row: MilestoneRow) -> str:
    """What the form begins with: a step whose day went by has to be placed anew."""
    return row.state.value if row.state in CHOSEN and row.state is not State.DONE else ""


def _row(reference: str, id: int) -> MilestoneRow:
    for row in milestones_of(reference):
        if row.id == id:
            return row
    raise NotFound("This decision has no such step.")
