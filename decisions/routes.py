"""What officials do: write a decision, approve a colleague's. Their desk is in desk_routes."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Role
from core import clock
from core.access import staff
from core.clock import in_uk, last_day
from core.db import transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from decisions import queries, rules, services
from decisions.changes import Changed
from decisions.comparing import comparisons, enough_to_weigh
from decisions.deciders import who_approves
from decisions.evidence import to_cite
from decisions.forms import DecisionForm
from decisions.models import Decision, Draft
from decisions.rules import Compared, Comparison, Outcome
from decisions.telling_versions import differences
from decisions.unanswered import unanswered
from decisions.versions import words_of
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.responsible import regulation_to_work_on
from voting.queries import count_reasons, strongest_reasons
from voting.rules import Choice, Direction, Tally

bp = Blueprint("decisions", __name__)

REASONS_BESIDE = 20
NOTHING_WAITS = "No decision on this regulation waits to be approved. A colleague may have dealt with it."
Answer = str | Response | tuple[str, int]


def _me() -> Account:
    return current_user._get_current_object()


@bp.route("/staff/regulations/<slug>/decision", methods=["GET", "POST"])
@staff(Role.OFFICIAL)
def write(slug: str) -> Answer:
    now, regulation = clock.now(), regulation_to_work_on(slug, _me())
    standing = services.check_decidable(regulation, now)
    draft = queries.draft_of(regulation)
    form = DecisionForm(data=DecisionForm.filled(draft))
    status, clashed = 200, False
    theirs: list[Changed] = []
    if form.validate_on_submit() and form.cite(regulation.id):
        try:
            _save(slug, form, now)
            if request.form.get("do") == "submit":
                _submit(slug, now)
            return redirect(url_for("decisions.desk"), code=303)
        except NotAllowed:
            raise
        except RuleBroken as error:
            regulation = regulation_with(slug)
            for problem in _all_that_is_wrong(error, form, regulation):
                form.show_rule_broken(problem)
            draft = queries.draft_of(regulation)
            clashed = isinstance(error, Clash)
            if clashed:
                form.version.data = str(draft.version) if draft else "0"
                theirs = _against_theirs(draft, form)
            status = 409 if clashed else 422
    beside = _beside(regulation, draft, standing, form)
    page = render_template("decisions/write.html", form=form, clashed=clashed, theirs=theirs, **beside)
    return page, 422 if form.errors and status == 200 else status


def _against_theirs(draft: Draft | None, form: DecisionForm) -> list[Changed]:
    """From what a colleague saved to what somebody typed meanwhile."""
    if draft is None:
        return []
    saved, typed = queries.proposal_in(draft), services.as_kept(form.proposal())
    return differences(draft.regulation_id, [(words_of(saved), words_of(typed))])[0]


def _all_that_is_wrong(error: RuleBroken, form: DecisionForm, regulation: Regulation) -> list[RuleBroken]:
    """The rule that stopped it and, on submission, whatever else the decision lacks."""
    if request.form.get("do") != "submit" or error.field is None:
        return [error]
    tally, _ = queries.tally_to_decide_on(regulation.id)
    proposal = form.proposal()
    return rules.lacking(proposal, queries.compared(proposal, tally)) or [error]


def _save(slug: str, form: DecisionForm, now: datetime) -> None:
    """Kept before it is submitted, so that a draft which is not ready yet is not lost either."""
    with transaction():
        draft = services.save_draft(
            regulation=regulation_with(slug), proposal=form.proposal(), version=form.began_from, by=_me(), now=now
        )
        version, title = draft.version, draft.regulation.title
    form.version.data = str(version)
    if request.form.get("do") != "submit":
        flash(f"Your draft on {title} is saved. Nobody outside the office can see it.")


def _submit(slug: str, now: datetime) -> None:
    with transaction():
        draft = draft_to_change(slug)
        services.submit_draft(draft=draft, by=_me(), now=now)
        title, who = draft.regulation.title, who_approves(draft)
    flash(f"Your decision on {title} waits for a second official to approve it. {who}")


def draft_to_change(slug: str) -> Draft:
    draft = queries.draft_of(regulation_with(slug), to_change=True)
    if draft is None:
        raise NotFound(NOTHING_WAITS)
    return draft


def _beside(
    regulation: Regulation, draft: Draft | None, standing: Decision | None, form: DecisionForm
) -> dict[str, Any]:
    """What an official reads beside the form: the count, the reasons, and how each outcome would stand to the vote."""
    tally, frozen = queries.tally_to_decide_on(regulation.id)
    sides = strongest_reasons(regulation.id, each=REASONS_BESIDE, also=form.cited.data or [])
    totals = {} if tally.sealed else count_reasons(regulation.id)
    points, submissions = to_cite(regulation)
    return {
        "regulation": regulation,
        "draft": draft,
        "mine": draft is None or draft.written_by_id == _me().id,
        "standing": standing,
        "unanswered": None if tally.sealed else unanswered(regulation.id),
        "tally": tally,
        "frozen": frozen,
        "kept": tally.sealed,
        "sides": [{"choice": choice, "reasons": sides[choice], "total": totals.get(choice, 0)} for choice in Choice],
        "points": points,
        "submissions": submissions,
        "weighed": [] if tally.sealed else enough_to_weigh(tally),
        "compared": {} if tally.sealed else _comparisons(tally),
        "ways": {} if tally.sealed or tally.leading is not Choice.IMPROVE else _ways(tally),
        "closed": last_day(regulation.theme.window.closes),
        "due": last_day(regulation.theme.decision_due_at),
        "in_uk": in_uk,
    }


def _comparisons(tally: Tally) -> dict[str, str]:
    """How each outcome would stand to the vote, improving in the way most improvers asked for."""
    return {str(o): _in_short(comparisons(o, tally.leading_direction, tally)) for o in Outcome}


def _ways(tally: Tally) -> dict[str, str]:
    """Where most chose improve, how each way to improve would stand to what they asked for."""
    return {str(way): _in_short(comparisons(Outcome.IMPROVE, way, tally)) for way in Direction}


def _in_short(compared: dict[str, Compared]) -> str:
    """How it would stand to everybody, and from which capacities it would differ."""
    differs = [how for who, how in compared.items() if who != rules.EVERYONE and how.word is Comparison.DIFFERS]
    return " ".join(how.sentence for how in (compared[rules.EVERYONE], *differs))
