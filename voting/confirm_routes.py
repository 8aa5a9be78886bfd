"""From the mailbox back to the site: what waits under an address is confirmed, or disowned."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, current_app, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts import services as accounts
from accounts.forms import CodeForm
from accounts.models import Account
from accounts.routes import begin_session, count_mail_from_here
from accounts.rules import Capacity, masked
from core import clock
from core.access import participant, public, visitor
from core.db import transaction
from core.errors import Gone, RuleBroken, TooOften, Unavailable
from core.forms import Form
from regulations.models import Regulation
from regulations.queries import regulation_with
from voting import ballots, drafts
from voting.ballots import Outcome
from voting.forms import ConfirmForm
from voting.models import PendingBallot
from voting.queries import (
    ballot_with,
    standing_vote,
    waiting_ballots,
)
from voting.receipts import last_receipt
from voting.rules import ReasonKind

bp = Blueprint("voting", __name__)

Answer = str | Response | tuple[str, int]
CONFIRMED = "ballots_confirmed"
MOST_TOLD = 30
DEAD_NOT_ME = "This link is more than 30 days old, or is not one of ours."
DEAD_LINK = "This link has been used already, has run out, or is not one of ours."
PRESSED_TWICE = "If you pressed the button twice, your vote is counted: see Your contributions."


def signed_in() -> Account | None:
    return current_user._get_current_object() if current_user.is_authenticated else None


def mailed_urls() -> dict[str, str]:
    """Where the mail's two links lead; accounts puts the secret in."""
    site = current_app.config["SITE"].url
    return {
        "confirm_url": f"{site}/account/confirm/{{secret}}",
        "not_me_url": f"{site}/account/not-me/{{secret}}",
    }


@bp.route("/regulations/<slug>/vote/check-email", methods=["GET", "POST"])
@visitor
def check_email(slug: str) -> Answer:
    regulation = regulation_with(slug)
    secret = drafts.draft_of(slug).secret
    pending = ballot_with(secret)
    if pending is None or pending.email is None:
        return _nothing_waits_here(regulation)
    if "again" in request.form:
        return _mail_again(slug, secret)
    email, form, status = pending.email, CodeForm(), 200
    if form.validate_on_submit():
        try:
            return _count_by_code(secret, form.code.data)
        except RuleBroken as error:
            status = 429 if isinstance(error, TooOften) else 503 if isinstance(error, Unavailable) else 422
            form.show_rule_broken(error)
    page = render_template(
        "voting/check_email.html",
        form=form,
        regulation=regulation,
        email=email,
        mailed_again="again" in request.args,
        mailbox_url=url_for("personal.mailbox", to=email) if current_app.config["SITE"].demonstration else None,
    )
    return page, 422 if form.errors and status == 200 else status


def _nothing_waits_here(regulation: Regulation) -> Response:
    voter = signed_in()
    vote = standing_vote(voter, regulation) if voter else None
    if vote is None or vote.choice is None:
        raise Gone("Nothing given in this browser waits here. If you used the link in the email, your vote is counted.")
    return redirect(url_for("voting.receipt", secret=last_receipt(vote).secret), code=303)


def _mail_again(slug: str, secret: str) -> Response:
    with transaction():
        email = _address_of_ballot(secret)
        if email is not None:
            count_mail_from_here(email)
        pending = _hold(secret, email)
        if pending is not None:
            ballots.ask(pending=pending, now=clock.now(), **mailed_urls())
    return redirect(url_for("voting.check_email", slug=slug, again=1), code=303)


def _count_by_code(secret: str, code: str) -> Response:
    """Raises RuleBroken when the code is wrong, after that try has been counted."""
    now, outcomes = clock.now(), None
    with transaction():
        pending = _hold(secret, _address_of_ballot(secret))
        if pending is None:
            raise Gone("This vote is no longer waiting.")
        email = accounts.use_code(email=pending.email or "", code=code, now=now)
        if email is not None:
            account = _account_of(email)
            ballots.let_in(pending=pending)
            if [ballot.id for ballot in waiting_ballots(email, now)] == [pending.id]:
                outcomes = ballots.confirm(account=account, listed=[ballots.mark(pending)], struck=(), now=now)
    if email is None:
        raise RuleBroken("That is not the code we sent last, or it has run out.", field="code")
    begin_session(account)
    if outcomes is None:
        return redirect(url_for("personal.waiting"), code=303)
    return tell(outcomes)


def _address_of_ballot(secret: str) -> str | None:
    pending = ballot_with(secret)
    return pending.email if pending is not None else None


def _hold(secret: str, email: str | None) -> PendingBallot | None:
    """The ballot that waits under this address, kept from others until the commit; None when it no longer does."""
    if email is None:
        return None
    accounts.take_address_turn(email)
    pending = ballot_with(secret, hold=True)
    return pending if pending is not None and pending.email == email else None


@bp.route("/account/confirm/<secret>", methods=["GET", "POST"])
@visitor
def confirm(secret: str) -> Answer:
    """Looking counts nothing, as mail scanners follow every link; the button does."""
    email = accounts.address_of_link(secret=secret, now=clock.now())
    if email is None:
        raise Gone(f"{DEAD_LINK} {PRESSED_TWICE}")
    form = ConfirmForm()
    try:
        if form.validate_on_submit():
            return _confirm(secret, email, form)
    except Unavailable as error:
        form.show_rule_broken(error)
        response = _list_waiting(form, email)
        response.status_code = 503
        return response
    return _list_waiting(form, email)


def _confirm(secret: str, email: str, form: ConfirmForm) -> Response:
    """Raises Unavailable, with everything left as it was, the link in the mail among it."""
    with transaction():
        accounts.take_address_turn(email)
        account = _account_of(_address_of_used_link(secret))
        listed, struck = form.listed.data.split(), form.not_mine.data or ()
        outcomes = ballots.confirm(account=account, listed=listed, struck=struck, now=clock.now())
        left = bool(waiting_ballots(email, clock.now()))
    wanted = begin_session(account)
    if outcomes:
        return tell(outcomes)
    return redirect(url_for("personal.waiting") if left else wanted, code=303)


def _address_of_used_link(secret: str) -> str:
    try:
        return accounts.use_link(secret=secret, now=clock.now())
    except Gone:
        raise Gone(f"{DEAD_LINK} {PRESSED_TWICE}") from None


def _account_of(email: str) -> Account:
    demonstration = current_app.config["SITE"].demonstration
    return accounts.account_for(email=email, now=clock.now(), demonstration=demonstration)


def _list_waiting(form: ConfirmForm, email: str) -> Response:
    rows = [_row(pending) for pending in waiting_ballots(email, clock.now())]
    form.listed.data = " ".join(row["mark"] for row in rows)
    response = make_response(render_template("voting/confirm.html", form=form, email=email, rows=rows))
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _row(pending: PendingBallot) -> dict[str, Any]:
    return {
        "mark": ballots.mark(pending),
        "title": pending.regulation.title,
        "citation": pending.regulation.citation.official,
        "choice": pending.choice,
        "direction": pending.direction,
        "text": pending.text,
        "supports": pending.reason_kind == ReasonKind.SUPPORTED,
        "speaks_for": pending.organisation or Capacity(pending.capacity or Capacity.PUBLIC).label,
        "display_name": pending.display_name,
        "given_at": clock.in_uk(pending.given_at or pending.begun_at),
    }


def tell(outcomes: Sequence[Outcome]) -> Response:
    """One vote counted leads to its receipt; anything else to the page that says what became of each."""
    for outcome in outcomes:
        drafts.begin_again(outcome.regulation_slug)
        if outcome.ballot:
            drafts.keep(outcome.regulation_slug, drafts.Draft(outcome.ballot[:8], outcome.ballot))
    counted = [outcome.receipt for outcome in outcomes if outcome.receipt]
    if len(outcomes) == 1 and counted:
        return redirect(url_for("voting.receipt", secret=counted[0]), code=303)
    refused = [[outcome.ballot, outcome.refused] for outcome in outcomes if outcome.refused]
    session[CONFIRMED] = {"counted": counted[:MOST_TOLD], "refused": refused[:MOST_TOLD], "votes": len(counted)}
    return redirect(url_for("voting.confirmed"), code=303)


@bp.route("/account/confirmed")
@participant
def confirmed() -> Answer:
    told = session.get(CONFIRMED, {"counted": [], "refused": [], "votes": 0})
    why = dict(told["refused"])
    return render_template(
        "voting/confirmed.html",
        votes=told["votes"],
        counted=ballots.votes_of_receipts(told["counted"]),
        refused=[
            {"slug": pending.regulation.slug, "why": why[pending.secret], **_row(pending)}
            for pending in ballots.ballots_with(list(why))
        ],
        left=len(waiting_ballots(current_user.email or "", clock.now())),
    )


@bp.route("/account/not-me/<secret>", methods=["GET", "POST"])
@visitor
def not_me(secret: str) -> Answer:
    """Works for 30 days, also when the way in that came with it was used or has run out: then it is needed most."""
    email = accounts.address_of_not_me(secret=secret, now=clock.now())
    if email is None:
        raise Gone(DEAD_NOT_ME)
    form = Form()
    if form.validate_on_submit():
        with transaction():
            ballots.disown(email=email, now=clock.now())
        return redirect(url_for("voting.stopped"), code=303)
    return render_template("voting/not_me.html", form=form, email=masked(email))


@bp.route("/account/stopped")
@public
def stopped() -> Answer:
    return render_template("voting/stopped.html")
