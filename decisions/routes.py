"""What officials do: write a decision, approve a colleague's. Their desk is in desk_routes."""

from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Role
from analysis.queries import points_of
from core import clock
from core.access import staff
from core.clock import in_uk
from core.db import transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from decisions import comparing, queries, rules, services
from decisions.answers import answers_to_publish
from decisions.as_shown import ChangedMeanwhile, check_as_shown, packed, parts_now, parts_of
from decisions.changes import Changed
from decisions.comparing import comparisons, enough_to_weigh
from decisions.disagreeing import Before, largest_disagreeing
from decisions.evidence import Known, cited_in, to_cite
from decisions.forms import ApprovalForm, DecisionForm
from decisions.models import Decision, Draft
from decisions.queries import DecisionRow
from decisions.rules import Compared, Comparison, DraftStatus, Outcome
from decisions.unanswered import unanswered
from decisions.versions import changed_since, last_returned
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.responsible import regulation_to_work_on
from regulations.rules import GRACE
from voting.queries import count_reasons, reasons_named, strongest_reasons
from voting.rules import Choice, Direction, Tally
from voting.tallying import waiting_in

bp = Blueprint("decisions", __name__)

REASONS_BESIDE = 20
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
            status = 409 if clashed else 422
    beside = _beside(regulation, draft, standing, form)
    page = render_template("decisions/write.html", form=form, theirs=draft if clashed else None, **beside)
    return page, 422 if form.errors and status == 200 else status


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
        draft = _draft_to_change(slug)
        services.submit_draft(draft=draft, by=_me(), now=now)
        title = draft.regulation.title
    flash(f"Your decision on {title} waits for a second official to approve it.")


def _draft_to_change(slug: str) -> Draft:
    draft = queries.draft_of(regulation_with(slug), to_change=True)
    if draft is None:
        raise NotFound("No decision on this regulation waits to be approved. A colleague may have dealt with it.")
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
        "closed": in_uk(regulation.theme.window.closes),
        "due": in_uk(regulation.theme.decision_due_at),
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


@bp.route("/staff/regulations/<slug>/approve", methods=["GET", "POST"])
@staff(Role.OFFICIAL)
def approve(slug: str) -> Answer:
    now, form, status = clock.now(), ApprovalForm(), 200
    meanwhile: list[Changed] = []
    regulation = regulation_to_work_on(slug, _me())
    if form.validate_on_submit():
        try:
            if request.form.get("do") == "return":
                return _return(slug, form, now)
            return _publish(slug, form, now)
        except (NotAllowed, NotFound):
            raise
        except Clash as clash:
            form.show_rule_broken(clash)
            meanwhile = clash.parts if isinstance(clash, ChangedMeanwhile) else []
            status = 409
        except RuleBroken as error:
            form.show_rule_broken(error)
    draft = queries.draft_of(regulation)
    if draft is None:
        raise NotFound("No decision on this regulation waits to be approved. A colleague may have dealt with it.")
    beside = _as_it_would_be(draft, now)
    form.version.data, form.shown.data = str(draft.version), packed(beside["shown"])
    page = render_template("decisions/approve.html", form=form, meanwhile=meanwhile, **beside)
    return page, status if status != 200 else 422 if form.errors else 200


def _warnings(decision: DecisionRow, tally: Tally) -> list[str]:
    """What an approver should weigh once more."""
    departs = [said for said in decision.comparisons.values() if said["comparison"] == Comparison.DIFFERS]
    warnings = [f"{said['sentence']} Check that the reason given will satisfy them." for said in departs]
    if decision.agrees_with_vote is False and not any(said["agrees"] is False for said in departs):
        warnings.append(f"{decision.comparison_sentence} Check that the reason given will satisfy them.")
    if 0 < tally.participants < comparing.TOO_FEW:
        warnings.append(f"Only {tally.participants} answered: too few to speak for anybody else.")
    sides = {piece["side"] for piece in decision.evidence if piece["kind"] == "comment"}
    if tally.participants and sides <= {decision.outcome} and sides:
        warnings.append("It cites only reasons of those who asked for what was decided.")
    return warnings


def _publish(slug: str, form: ApprovalForm, now: datetime) -> Response:
    with transaction():
        draft = _draft_to_change(slug)
        check_as_shown(draft, form.shown.data)
        decision = services.approve(
            draft=draft,
            version=form.shown_version,
            by=_me(),
            now=now,
            demonstration=current_app.config["SITE"].demonstration,
        )
        reference = decision.reference if decision else None
        said = f"The decision on {draft.regulation.title} is approved and will be published at the time set."
    if reference:
        return redirect(f"/decisions/{reference}", code=303)
    flash(said)
    return redirect(url_for("decisions.desk"), code=303)


def _return(slug: str, form: ApprovalForm, now: datetime) -> Response:
    with transaction():
        draft = _draft_to_change(slug)
        services.return_draft(draft=draft, note=form.note.data or "", by=_me(), now=now)
        title = draft.regulation.title
    flash(f"The draft on {title} is back with its author, with your note.")
    return redirect(url_for("decisions.desk"), code=303)


def _as_it_would_be(draft: Draft, now: datetime) -> dict[str, Any]:
    """The page that everybody would see, or what it lacks; and what the approver should mind."""
    me = _me()
    tally, frozen = queries.tally_to_decide_on(draft.regulation_id)
    final_at = draft.regulation.theme.closes_at + GRACE
    decision: DecisionRow | None = None
    lacks, returned = "", last_returned(draft)
    points = points_of(draft.regulation_id)
    known = Known(tally, frozen, points, reasons_named(draft.regulation_id, draft.cited_comments))
    try:
        decision = queries.preview(
            draft,
            approver="A second official" if draft.written_by_id == me.id else me.office,
            now=now,
            demonstration=current_app.config["SITE"].demonstration,
            known=known,
        )
    except RuleBroken as error:
        lacks = error.message
    cited = cited_in(decision, known) if decision else []
    answers = answers_to_publish(draft.regulation_id, draft.outcome, points)
    before = Before(draft.regulation_id, tally, points, answers)
    return {
        "shown": parts_of(decision, cited, answers, draft) if decision else parts_now(draft),
        "regulation": draft.regulation,
        "draft": draft,
        "decision": decision,
        "lacks": lacks,
        "cited": cited,
        "answers": answers,
        "compared": comparing.rows(decision.comparisons) if decision else [],
        "departures": comparing.departures(decision.comparisons, decision.departure_reason) if decision else [],
        "tally": tally,
        "frozen": frozen,
        "waiting": 0 if frozen or now >= final_at else waiting_in(draft.regulation.theme_id, now),
        "final_at": in_uk(final_at),
        "wrote_it": draft.written_by_id == me.id,
        "approved": draft.status == DraftStatus.APPROVED,
        "warnings": _warnings(decision, tally) if decision else [],
        "returned": returned,
        "changed": changed_since(returned, draft) if returned else [],
        "disagreeing": largest_disagreeing(before, decision.outcome, decision.comparisons) if decision else None,
        "submitted": draft.status == DraftStatus.SUBMITTED,
        "in_uk": in_uk,
    }
