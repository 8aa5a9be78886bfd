"""What a second official does: read what a colleague submitted, approve it, return it, or think again in time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Role
from analysis.queries import points_to_answer
from core import clock
from core.access import staff
from core.clock import in_uk
from core.db import transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from decisions import comparing, queries, rules, services
from decisions.answers import answers_to_publish
from decisions.as_shown import ChangedMeanwhile, check_as_shown, packed, parts_now, parts_of
from decisions.changes import Changed
from decisions.deciders import who_approves
from decisions.disagreeing import Before, largest_disagreeing
from decisions.evidence import Known, cited_in
from decisions.forms import ApprovalForm
from decisions.models import Draft
from decisions.queries import DecisionRow
from decisions.routes import NOTHING_WAITS, Answer, _me, bp, draft_to_change
from decisions.rules import Comparison, DraftStatus
from decisions.telling_versions import changed_since
from decisions.versions import (
    answers_written_by,
    became,
    last_returned,
    parts_written_by,
    versions_of,
    words_now,
)
from regulations.models import Regulation
from regulations.responsible import regulation_to_work_on
from regulations.rules import GRACE
from voting.queries import reasons_named
from voting.rules import Tally
from voting.tallying import waiting_in


@bp.route("/staff/regulations/<slug>/approve", methods=["GET", "POST"])
@staff(Role.OFFICIAL)
def approve(slug: str) -> Answer:
    now, form, status = clock.now(), ApprovalForm(), 200
    meanwhile: list[Changed] = []
    regulation = regulation_to_work_on(slug, _me())
    if form.validate_on_submit():
        done = _done_already(regulation, form)
        if done is not None:
            return done
        try:
            return _ACTS.get(request.form.get("do", ""), _publish)(slug, form, now)
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
        raise NotFound(NOTHING_WAITS)
    beside = _as_it_would_be(draft, now)
    form.version.data, form.shown.data = str(draft.version), packed(beside["shown"])
    page = render_template("decisions/approve.html", form=form, meanwhile=meanwhile, **beside)
    return page, status if status != 200 else 422 if form.errors else 200


def _done_already(regulation: Regulation, form: ApprovalForm) -> Response | None:
    """Where the second of two clicks leads: to what the first one did."""
    if request.form.get("do") != "approve":
        return None
    draft, me = queries.draft_of(regulation), _me()
    if draft is None:
        reference = became(regulation.id, form.shown_version, me.office)
        return redirect(f"/decisions/{reference}", code=303) if reference else None
    if (draft.status, draft.approved_by_id, draft.version) == (DraftStatus.APPROVED, me.id, form.shown_version):
        return redirect(url_for("decisions.desk"), code=303)
    return None


def _publish(slug: str, form: ApprovalForm, now: datetime) -> Response:
    with transaction():
        draft = draft_to_change(slug)
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
    return _to_desk(said)


def _return(slug: str, form: ApprovalForm, now: datetime) -> Response:
    with transaction():
        draft = draft_to_change(slug)
        services.return_draft(draft=draft, version=form.shown_version, note=form.note.data or "", by=_me(), now=now)
        title = draft.regulation.title
    return _to_desk(f"The draft on {title} is back with its author, with your note.")


def _take_back(slug: str, form: ApprovalForm, now: datetime) -> Response:
    with transaction():
        draft = draft_to_change(slug)
        services.take_back_approval(draft=draft, version=form.shown_version, by=_me())
        title = draft.regulation.title
    return _to_desk(f"Your approval of the decision on {title} is taken back. It waits to be approved or returned.")


def _withdraw(slug: str, form: ApprovalForm, now: datetime) -> Response:
    with transaction():
        draft = draft_to_change(slug)
        services.withdraw_draft(draft=draft, version=form.shown_version, by=_me())
        title = draft.regulation.title
    return _to_desk(f"Your decision on {title} is a draft again. Nobody can approve it before you submit it.")


_ACTS = {"approve": _publish, "return": _return, "take_back": _take_back, "withdraw": _withdraw}


def _to_desk(said: str) -> Response:
    flash(said)
    return redirect(url_for("decisions.desk"), code=303)


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


def _approver(draft: Draft, own_part: str, me: Account) -> str:
    if draft.approved_by is not None:
        return draft.approved_by.office
    return "A second official" if own_part else me.office


def _own_answers(draft: Draft, words: Mapping[str, Any], account_id: int) -> list[str]:
    """Answers pass before two officials too: whoever wrote one, and the author, who submitted them all."""
    number = answers_written_by(account_id, words) if draft.written_by_id != account_id else 0
    if not number:
        return []
    which = "one of these answers" if number == 1 else f"{number} of these answers"
    return [f"You wrote {which} yourself. Read what you wrote as if somebody else had."]


def _as_it_would_be(draft: Draft, now: datetime) -> dict[str, Any]:
    """The page that everybody would see, or what it lacks; and what the approver should mind."""
    me = _me()
    tally, frozen = queries.tally_to_decide_on(draft.regulation_id)
    final_at = draft.regulation.theme.closes_at + GRACE
    decision: DecisionRow | None = None
    lacks, versions = "", versions_of(draft)
    words = versions[-1].words if versions and draft.status in services.WAITING else words_now(draft)
    returned, own_part = last_returned(draft, versions), rules.own_part(parts_written_by(me.id, versions))
    points = points_to_answer(draft.regulation_id)
    known = Known(tally, frozen, points, reasons_named(draft.regulation_id, draft.cited_comments))
    try:
        decision = queries.preview(
            draft,
            approver=_approver(draft, own_part, me),
            now=max(now, draft.publish_at or now),
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
        "who_approves": who_approves(draft) if draft.written_by_id == me.id else "",
        "approved": draft.status == DraftStatus.APPROVED,
        "approved_it": draft.approved_by_id == me.id,
        "own_part": own_part,
        "has_versions": bool(versions),
        "waits_until": in_uk(draft.publish_at) if draft.publish_at and draft.publish_at > now else None,
        "warnings": [*(_warnings(decision, tally) if decision else []), *_own_answers(draft, words, me.id)],
        "returned": returned,
        "changed": changed_since(returned, words) if returned else [],
        "disagreeing": largest_disagreeing(before, decision.outcome, decision.comparisons) if decision else None,
        "submitted": draft.status == DraftStatus.SUBMITTED,
        "in_uk": in_uk,
    }
