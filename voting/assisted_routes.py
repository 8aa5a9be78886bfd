"""Staff enter what people without email say. These pages never show how others have chosen."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Capacity
from audit.services import check_writable
from core import clock
from core.access import staff
from core.db import transaction
from core.errors import Clash, NotFound, RuleBroken, Unavailable
from core.forms import Form, tidy_line
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.rules import Split
from voting import assisted, drafts
from voting.assisted import STAFF_WHO_ASSIST, How
from voting.assisted_forms import AssistForm, WithdrawForThemForm
from voting.receipts import receipt_with
from voting.rules import Ballot, Direction, VotingClosed, choices_in_order
from voting.services import check_taken

bp = Blueprint("assisted", __name__)

Answer = str | Response | tuple[str, int]


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    """A stale token is a sentence above what was typed, not a page that has lost it."""
    for view in (answer, withdraw):
        state.app.extensions["csrf"].exempt(view)


@bp.route("/staff/assist")
@staff(*STAFF_WHO_ASSIST)
def assist() -> Answer:
    """Which regulation it is about."""
    words = tidy_line(request.args.get("regulation"))[:200]
    found = assisted.regulations_to_answer(words, clock.now()) if words else []
    if len(found) == 1:
        return redirect(url_for("assisted.answer", slug=found[0].slug), code=303)
    return render_template(
        "moderation/assist.html",
        words=words,
        found=[{**vars(row), "closes_at": clock.in_uk(row.closes_at)} for row in found],
        most=assisted.MOST_FOUND,
        withdrawn="withdrawn" in request.args,
    )


@bp.route("/staff/assist/<slug>", methods=["GET", "POST"])
@staff(*STAFF_WHO_ASSIST)
def answer(slug: str) -> Answer:
    """The ballot to read out and fill in; then what is to be read back; then it is counted."""
    regulation, form, status = regulation_with(slug), AssistForm(), 200
    order = drafts.draft_of(_draft(slug)).order
    form.put_in_order(order)
    if request.method == "POST" and "change" not in request.form and form.validate():
        try:
            ballot = form.ballot(order)
            _check(form, ballot, regulation)
            if "send" not in request.form:
                return _to_read_back(form, ballot, regulation)
            if not form.read_back.data:
                form.show_rule_broken(RuleBroken("Read it back first, and tick this.", field="read_back"))
                return _to_read_back(form, ballot, regulation), 422
            return redirect(_count(slug, form, ballot), code=303)
        except RuleBroken as error:
            status = _status(error)
            form.show_rule_broken(error)
    page = render_template(
        "moderation/assist_answer.html",
        form=form,
        regulation=regulation,
        choices=[choice.label for choice in choices_in_order(order)],
        directions=[direction.label for direction in Direction],
        letters_only=regulation.theme.window.has_closed(clock.now()),
        closed=_why_closed(regulation),
        last_day=clock.last_day(regulation.theme.closes_at),
    )
    return page, _status_of(form, status)


def _draft(slug: str) -> str:
    """Apart from the ballot that staff may be filling in for themselves."""
    return f"assisted {slug}"


def _status(error: RuleBroken) -> int:
    statuses = {Clash: 409, VotingClosed: 410, Unavailable: 503}
    return statuses.get(type(error), 422)


def _status_of(form: Form, status: int) -> int:
    return 400 if "csrf_token" in form.errors else 422 if form.errors and status == 200 else status


def _why_closed(regulation: Regulation) -> str:
    """Empty while answers can be entered, were it only letters that came in time."""
    window, now = regulation.theme.window, clock.now()
    in_time = window.has_closed(now) and window.takes_confirmations(now)
    try:
        check_taken(regulation, window.opens if in_time else None, now)
    except VotingClosed as error:
        return error.message
    return ""


def _check(form: AssistForm, ballot: Ballot, regulation: Regulation) -> None:
    """What can be said before anything is read back."""
    check_writable()
    form.person.check()
    now, how = clock.now(), How(form.how.data)
    given_at = assisted.given_by_letter(how, form.received_on.data, regulation.theme.window, now)
    check_taken(regulation, given_at, now)
    assisted.check_organisation_checked(ballot.capacity, ballot.organisation, form.organisation_checked.data)


def _to_read_back(form: AssistForm, ballot: Ballot, regulation: Regulation) -> str:
    earlier = assisted.earlier_answer(form.person, regulation)
    return render_template(
        "moderation/assist_confirm.html",
        form=form,
        ballot=ballot,
        regulation=regulation,
        capacity=Capacity(ballot.capacity).label,
        how=How(form.how.data).label,
        earlier=earlier,
        earlier_at=clock.in_uk(earlier.cast_at) if earlier else None,
        others=assisted.others_of_this_name(form.person, regulation),
        kept_split=regulation.theme.split == Split.KEPT,
        closes_at=clock.in_uk(regulation.theme.closes_at),
    )


def _count(slug: str, form: AssistForm, ballot: Ballot) -> str:
    with transaction():
        receipt = assisted.cast_for(
            person=form.person,
            regulation=regulation_with(slug),
            ballot=ballot,
            how=How(form.how.data),
            received_on=form.received_on.data,
            organisation_checked=form.organisation_checked.data,
            by=_me(),
            now=clock.now(),
            demonstration=current_app.config["SITE"].demonstration,
        )
        there = url_for("assisted.counted", secret=receipt.secret)
    drafts.begin_again(_draft(slug))
    return there


@bp.route("/staff/assist/counted/<secret>")
@staff(*STAFF_WHO_ASSIST)
def counted(secret: str) -> Answer:
    """The receipt's address, to print or read out."""
    receipt = receipt_with(secret)
    if receipt is None or not assisted.is_assisted(receipt.vote.account):
        raise NotFound("No answer that staff entered has its receipt at this address.")
    regulation = receipt.vote.regulation
    return render_template(
        "moderation/assist_counted.html",
        regulation=regulation,
        counted_at=clock.in_uk(receipt.made_at),
        entry_id=receipt.entry_id,
        address=current_app.config["SITE"].url + url_for("voting.receipt", secret=secret),
        closes_at=clock.in_uk(regulation.theme.closes_at),
        is_open=regulation.theme.window.is_open(clock.now()) and not regulation.settled,
        due_on=clock.last_day(regulation.theme.decision_due_at),
    )


@bp.route("/staff/assist/<slug>/withdraw", methods=["GET", "POST"])
@staff(*STAFF_WHO_ASSIST)
def withdraw(slug: str) -> Answer:
    regulation, form, status = regulation_with(slug), WithdrawForThemForm(), 200
    if form.validate_on_submit():
        try:
            _withdraw(slug, form)
            return redirect(url_for("assisted.assist", withdrawn="yes"), code=303)
        except RuleBroken as error:
            status = _status(error)
            form.show_rule_broken(error)
    page = render_template("moderation/assist_withdraw.html", form=form, regulation=regulation)
    return page, _status_of(form, status)


def _withdraw(slug: str, form: WithdrawForThemForm) -> None:
    facts: dict[str, Any] = {"how": How(form.how.data), "by": _me(), "now": clock.now()}
    with transaction():
        assisted.withdraw_for(person=form.person, regulation=regulation_with(slug), **facts)


def _me() -> Account:
    return current_user._get_current_object()
