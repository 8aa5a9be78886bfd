"""An organisation attaches a paper to its vote. Staff look at it before anybody else can read it."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Capacity
from analysis.papers import digest_of_paper, put_away
from analysis.sent_files import SentPaper, drop_sent, sent_paper, status_of_refusal
from analysis.submission_forms import AttachForm
from analysis.submission_routes import ROOM_FOR_A_PAPER
from analysis.submission_rules import Withheld
from analysis.submissions import attach_paper, check_may_attach, paper_of
from core import clock
from core.access import participant
from core.db import transaction
from core.errors import NotFound, RuleBroken
from regulations.queries import regulation_with
from voting.models import Vote
from voting.queries import standing_vote

bp = Blueprint("own_papers", __name__)

Answer = str | Response | tuple[str, int]


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    state.app.extensions["csrf"].exempt(own_paper)


@bp.route("/regulations/<slug>/vote/paper", methods=["GET", "POST"])
@participant
def own_paper(slug: str) -> Answer:
    request.max_content_length = ROOM_FOR_A_PAPER
    vote, form, status = _own_vote(slug), AttachForm(), 200
    attached, refused = paper_of(vote), ""
    try:
        check_may_attach(vote, clock.now())
    except RuleBroken as error:
        if attached is None:
            raise
        refused = error.message
    if request.method == "POST" and not refused:
        status = 422
        try:
            valid = form.validate()
            paper = sent_paper(form, _voter()) if "csrf_token" not in form.errors else None
            if valid and paper is None:
                raise RuleBroken("Choose the file of the paper.", field="paper")
            if valid and paper is not None:
                _attach(slug, paper)
                drop_sent(form, _voter())
                return redirect(url_for("own_papers.own_paper", slug=slug), code=303)
        except RuleBroken as error:
            status = status_of_refusal(error)
            form.show_rule_broken(error)
    page = render_template(
        "analysis/own_paper.html",
        form=form,
        regulation=vote.regulation,
        organisation=vote.organisation_name or Capacity(vote.capacity).label,
        attached=attached,
        waits=attached is not None and attached.withheld_because == Withheld.WAITING,
        withheld=Withheld(attached.withheld_because).label if attached and attached.withheld else "",
    )
    return page, 400 if "csrf_token" in form.errors else status


def _own_vote(slug: str) -> Vote:
    vote = standing_vote(_voter(), regulation_with(slug))
    if vote is None:
        raise NotFound("You have no vote on this regulation with which a paper could come.")
    return vote


def _attach(slug: str, paper: SentPaper) -> None:
    """The file lies in its place before the change is kept; one that nothing speaks of is taken away after a day."""
    with transaction():
        attach_paper(
            vote=_own_vote(slug),
            paper=digest_of_paper(paper.content),
            file_name=paper.name,
            now=clock.now(),
            demonstration=current_app.config["SITE"].demonstration,
        )
        put_away(paper.content)


def _voter() -> Account:
    return current_user._get_current_object()
