"""The ballot's two screens, and what can be done with a vote afterwards."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user

import voting.receipt_routes  # noqa: F401 - its pages belong to the same blueprint
from accounts.models import Account
from accounts.routes import count_mail_from_here
from accounts.rules import Capacity
from accounts.services import take_address_turn
from audit.queries import refusal
from audit.services import NOT_TAKEN
from core import clock
from core.access import participant, visitor
from core.db import take_turn, transaction
from core.errors import Gone, NotFound, RuleBroken, TooOften
from core.forms import Form
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.rules import Split, Stage
from voting import ballots, drafts
from voting.confirm_routes import Answer, bp, mailed_urls, signed_in
from voting.drafts import Draft
from voting.forms import BallotForm, DetailsForm, WhoForm
from voting.models import PendingBallot, Vote
from voting.offers import what_became_of_reason
from voting.queries import (
    ballot_with,
    comment_by,
    details_of,
    offered_reasons,
    standing_vote,
    support_by,
)
from voting.receipts import last_receipt
from voting.rules import Choice, VotingClosed
from voting.services import check_taken, keep_details, withdraw_vote


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    """Where people type, a stale token is a sentence above what they typed, not a page that has lost it."""
    for view in (vote, who, details):
        state.app.extensions["csrf"].exempt(view)


def status_of(form: Form) -> int:
    if "csrf_token" in form.errors:
        return 400
    if form.comes_later:
        return 503
    return 422 if form.errors else 200


@bp.route("/regulations/<slug>/vote", methods=["GET", "POST"])
@visitor
def vote(slug: str) -> Answer:
    """The first screen: choice and reason. It never shows how others chose."""
    regulation, form = regulation_with(slug), BallotForm()
    draft, voter = drafts.draft_of(slug), signed_in()
    try:
        check_taken(regulation, None, clock.now())
        pending = None if draft.counted else ballot_with(draft.secret)
        standing = _standing(voter, regulation)
        order = pending.order if pending else standing.order if standing else draft.order
        form.put_in_order(order)
        if form.validate_on_submit():
            _begin(slug, draft, order, form)
            return redirect(url_for("voting.who", slug=slug), code=303)
    except VotingClosed as error:
        return _closed(regulation, error, form.text.data)
    except TooOften as error:
        return render_template("errors/429.html", message=error.message, kept=form.text.data, back=request.path), 429
    except RuleBroken as error:
        form.show_rule_broken(error)
    if request.method == "GET":
        _fill(form, pending, standing)
    offers = offered_reasons(
        regulation.id, seed=draft.seed, but_not_of=voter.id if voter else None, chosen=form.supports
    )
    page = render_template(
        "voting/vote.html",
        form=form,
        regulation=regulation,
        offers=offers,
        choices=list(Choice),
        changes=standing is not None,
        waits=pending is not None and pending.email is not None,
        not_taken=NOT_TAKEN if not form.comes_later and refusal() else "",
        reason=what_became_of_reason(voter.id, regulation.id) if voter else None,
    )
    return page, status_of(form)


def _standing(voter: Account | None, regulation: Regulation) -> Vote | None:
    found = standing_vote(voter, regulation) if voter else None
    return found if found is not None and found.choice is not None else None


def _fill(form: BallotForm, pending: PendingBallot | None, standing: Vote | None) -> None:
    if pending is not None:
        form.fill_from_pending(pending)
    elif standing is not None:
        voter, regulation = standing.account, standing.regulation
        form.fill_from_vote(standing, comment_by(voter, regulation), support_by(voter, regulation))


def _begin(slug: str, draft: Draft, order: str, form: BallotForm) -> None:
    with transaction():
        pending = None if draft.counted else ballot_with(draft.secret, hold=True)
        waits = pending is not None and pending.email is not None
        begun = ballots.begin(
            regulation=regulation_with(slug),
            pending=pending,
            order=order,
            choice=form.chosen,
            direction=form.towards,
            text=form.text.data,
            supports=form.supports,
            not_said=form.not_said.data,
            now=clock.now(),
        )
        if pending is None or waits:
            drafts.count_begun(clock.now())
        secret = begun.secret
    drafts.keep(slug, Draft(draft.seed, secret, draft.secret if waits else draft.replaces))


@bp.route("/regulations/<slug>/vote/who", methods=["GET", "POST"])
@visitor
def who(slug: str) -> Answer:
    """The second screen: who somebody speaks for, and what becomes public."""
    regulation, voter = regulation_with(slug), signed_in()
    draft = drafts.draft_of(slug)
    pending = ballot_with(draft.secret)
    if pending is None:
        return redirect(url_for("voting.vote", slug=slug), code=303)
    form, text = WhoForm.for_ballot(pending, voter), pending.text
    if voter is None and "sign_in" in request.form and form.may_be_kept():
        return _sign_in_first(slug, draft, form)
    try:
        check_taken(regulation, None, clock.now())
        if form.validate_on_submit():
            return redirect(_send(slug, draft, form, voter), code=303)
    except VotingClosed as error:
        return _closed(regulation, error, text)
    except RuleBroken as error:
        form.show_rule_broken(error)
    page = render_template(
        "voting/who.html",
        form=form,
        regulation=regulation,
        ballot=pending,
        written="display_name" in form,
        kept_split=regulation.theme.split == Split.KEPT,
        not_taken=NOT_TAKEN if not form.comes_later and refusal() else "",
        signed_in=voter is not None,
        change=url_for("voting.vote", slug=slug),
    )
    return page, status_of(form)


def _sign_in_first(slug: str, draft: Draft, form: WhoForm) -> Answer:
    """With what was typed so far, which the page shows again afterwards."""
    with transaction():
        pending = ballot_with(draft.secret, hold=True)
        if pending is not None:
            ballots.note(
                pending, capacity=form.spoken_for, organisation=form.organisation.data, display_name=form.shown_name
            )
    return redirect(url_for("accounts.sign_in", next=url_for("voting.who", slug=slug)), code=303)


def _send(slug: str, draft: Draft, form: WhoForm, voter: Account | None) -> str:
    """Count the ballot, or let it wait for its address; returns where its sender goes next."""
    who: dict[str, Any] = {
        "capacity": Capacity(form.capacity.data),
        "organisation": form.organisation.data,
        "display_name": form.shown_name,
    }
    email = form.email.data if voter is None else voter.email or ""
    with transaction():
        if voter is None:
            count_mail_from_here(email)
            take_address_turn(email)
        take_turn(f"ballot {draft.secret}")
        pending = ballot_with(draft.secret, hold=True)
        if pending is None:
            raise Gone("This ballot is no longer waiting. If you confirmed it, it is counted.")
        pending = ballots.to_complete(pending, email=email, now=clock.now(), **who)
        if pending.email is None:
            ballots.complete(pending, **who)
        if voter is None:
            ballots.give(pending=pending, email=email, replaces=draft.replaces, now=clock.now(), **mailed_urls())
            return url_for("voting.check_email", slug=slug)
        demonstration = current_app.config["SITE"].demonstration
        receipt = ballots.count_at_once(pending=pending, voter=voter, demonstration=demonstration, now=clock.now())
        there = url_for("voting.receipt", secret=receipt.secret)
    drafts.keep(slug, replace(draft, replaces="", counted=True))
    return there


def _closed(regulation: Regulation, error: VotingClosed, kept: str) -> Answer:
    stage = regulation.stage(clock.now())
    page = render_template(
        "voting/closed.html", regulation=regulation, stage=stage, message=error.message, kept=kept,
        opens_on=clock.uk_day(regulation.theme.opens_at),
    )  # fmt: skip
    return page, 409 if stage is Stage.UPCOMING else 410


@bp.route("/regulations/<slug>/vote/details", methods=["GET", "POST"])
@participant
def details(slug: str) -> Answer:
    regulation = regulation_with(slug)
    voter: Account = current_user._get_current_object()
    vote = _standing(voter, regulation)
    if vote is None:
        raise NotFound("You have no vote on this regulation to which details could be added.")
    there = url_for("voting.receipt", secret=last_receipt(vote).secret, details="kept")
    form = DetailsForm.for_vote(details_of(vote))
    try:
        check_taken(regulation, None, clock.now())
        if form.validate_on_submit():
            with transaction():
                keep_details(voter=voter, regulation=regulation, details=form.details(), now=clock.now())
            return redirect(there, code=303)
    except VotingClosed as error:
        return _closed(regulation, error, form.clause.data)
    except RuleBroken as error:
        form.show_rule_broken(error)
    for_organisation = Capacity(vote.capacity).speaks_for_organisation
    page = render_template(
        "voting/details.html", form=form, regulation=regulation, receipt=there, for_organisation=for_organisation
    )
    return page, status_of(form)


@bp.route("/regulations/<slug>/vote/withdraw", methods=["GET", "POST"])
@participant
def withdraw(slug: str) -> Answer:
    regulation, form = regulation_with(slug), Form()
    voter: Account = current_user._get_current_object()
    vote = standing_vote(voter, regulation)
    if vote is None:
        raise NotFound("You have not voted on this regulation.")
    try:
        if vote.choice is not None:
            check_taken(regulation, None, clock.now())
        if form.validate_on_submit():
            with transaction():
                withdraw_vote(voter=voter, regulation=regulation, now=clock.now())
            drafts.begin_again(slug)
            return redirect(url_for("voting.withdraw", slug=slug), code=303)
    except VotingClosed as error:
        return _closed(regulation, error, "")
    except RuleBroken as error:
        form.show_rule_broken(error)
    page = render_template(
        "voting/withdraw.html", form=form, regulation=regulation, vote=vote, withdrawn=vote.choice is None,
        withdrawn_at=clock.in_uk(vote.cast_at), is_open=_takes(regulation, clock.now()),
    )  # fmt: skip
    return page, status_of(form)


def _takes(regulation: Regulation, now: datetime) -> bool:
    return regulation.theme.window.is_open(now) and not regulation.settled
