"""Moderators hide comments by public rules; staff confirm who speaks for an organisation."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Capacity, Role
from core import clock
from core.access import staff
from core.db import transaction
from core.errors import Clash, RuleBroken
from core.paging import Page, page_number
from voting import moderation
from voting.forms import SHARED_DOMAINS, MaskForm, ModerationForm, OrganisationForm
from voting.models import Comment, ModerationAct
from voting.organisations import confirm_organisation, unchecked_organisations, vote_naming_organisation
from voting.rules import CommentStatus, ModerationRule

bp = Blueprint("moderation", __name__)

Answer = str | Response | tuple[str, int]
PER_PAGE = 20
MOST_ORGANISATIONS = 50


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    """A stale token is a sentence above what the moderator typed, not a page that has lost it."""
    for view in (hide, mask, restore, organisation):
        state.app.extensions["csrf"].exempt(view)


@bp.route("/staff/comments")
@staff(Role.MODERATOR, Role.ADMINISTRATOR)
def comments() -> Answer:
    status, slug = request.args.get("status", ""), request.args.get("regulation", "").strip()[:100].replace("\x00", "")
    status = status if status in (CommentStatus.PUBLISHED, CommentStatus.MASKED, CommentStatus.HIDDEN) else ""
    total = moderation.count_to_moderate(status=status, slug=slug)
    number = min(page_number(request.args.get("page")), max(1, -(-total // PER_PAGE)))
    rows = moderation.comments_to_moderate(status=status, slug=slug, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    found = Page([_in_uk(row) for row in rows], number, total, PER_PAGE)
    return render_template(
        "moderation/comments.html",
        page=found,
        status=status,
        slug=slug,
        statuses=_statuses(status, slug),
        page_url=lambda n: url_for("moderation.comments", status=status or None, regulation=slug or None, page=n),
        done=request.args.get("done", ""),
    )


def _in_uk(row: moderation.ToModerate) -> dict[str, Any]:
    return {**vars(row), "written_at": clock.in_uk(row.written_at), "shut": _SHUT.get(row.status, "")}


_SHUT: dict[str, str] = {CommentStatus.HIDDEN: "Hidden", CommentStatus.MASKED: "Words covered"}


def _statuses(status: str, slug: str) -> list[dict[str, Any]]:
    words = {"": "All", CommentStatus.PUBLISHED: "Published", CommentStatus.MASKED: "Words covered"}
    words[CommentStatus.HIDDEN] = "Hidden"
    return [
        {
            "label": label,
            "url": url_for("moderation.comments", status=value or None, regulation=slug or None),
            "active": status == value,
        }
        for value, label in words.items()
    ]


@bp.route("/staff/comments/<public_id>/hide", methods=["GET", "POST"])
@staff(Role.MODERATOR, Role.ADMINISTRATOR)
def hide(public_id: str) -> Answer:
    return _moderate(public_id, moderation.hide_comment, "moderation/hide.html", "hidden")


@bp.route("/staff/comments/<public_id>/mask", methods=["GET", "POST"])
@staff(Role.MODERATOR, Role.ADMINISTRATOR)
def mask(public_id: str) -> Answer:
    form = MaskForm()

    def cover(**given: Any) -> ModerationAct:
        return moderation.mask_comment(words=form.to_cover, **given)

    return _moderate(public_id, cover, "moderation/mask.html", "masked", form)


@bp.route("/staff/comments/<public_id>/restore", methods=["GET", "POST"])
@staff(Role.MODERATOR, Role.ADMINISTRATOR)
def restore(public_id: str) -> Answer:
    return _moderate(public_id, moderation.show_comment, "moderation/restore.html", "restored")


def _moderate(
    public_id: str,
    act: Callable[..., ModerationAct],
    template: str,
    done: str,
    given: ModerationForm | None = None,
) -> Answer:
    form, status = given or ModerationForm(), 200
    comment = moderation.comment_to_moderate(public_id)
    if form.validate_on_submit():
        try:
            with transaction():
                act(
                    comment=moderation.comment_to_moderate(public_id, seen=form.seen.data),
                    rule=ModerationRule(form.rule.data),
                    reason=form.reason.data,
                    by=_me(),
                    now=clock.now(),
                )
            return redirect(url_for("moderation.comments", done=done), code=303)
        except RuleBroken as error:
            status = 409 if isinstance(error, Clash) else 422
            form.show_rule_broken(error)
    form.seen.data = comment.entry_id
    page = render_template(template, form=form, comment=comment, **_shown(comment))
    return page, 400 if "csrf_token" in form.errors else 422 if form.errors and status == 200 else status


def _shown(comment: Comment) -> dict[str, Any]:
    done = moderation.acts_on(comment)
    acts = [
        {
            "text": f"{_DONE.get(act.action, act.action)} by {act.office}. "
            f"{ModerationRule(act.rule).label}. {act.reason}",
            "at": clock.in_uk(act.done_at),
            "href": f"/record/{act.entry_id}",
        }
        for act in done
    ]
    shut = _SHUT.get(comment.status, "")
    return {
        "acts": acts,
        "last_rule": acts[-1]["text"] if acts else "",
        "written_on": clock.uk_day(comment.written_at),
        "who": comment.display_name or Capacity(comment.capacity).label,
        "hidden": comment.status == CommentStatus.HIDDEN,
        "shut": shut,
        "changed_since": bool(shut) and bool(done) and moderation.is_changed_since(done[-1].target, comment.entry_id),
    }


_DONE = {"hide": "Hidden", "mask": "Words covered", "restore": "Restored"}


@bp.route("/staff/organisations")
@staff(Role.MODERATOR, Role.OFFICIAL, Role.ADMINISTRATOR)
def organisations() -> Answer:
    rows = unchecked_organisations(limit=MOST_ORGANISATIONS)
    shown = [
        {**vars(row), "capacity": Capacity(row.capacity).label, "last_at": clock.in_uk(row.last_at)} for row in rows
    ]
    return render_template(
        "moderation/organisations.html", rows=shown, most=MOST_ORGANISATIONS, done=request.args.get("done", "")[:200]
    )


@bp.route("/staff/organisations/<int:vote_id>", methods=["GET", "POST"])
@staff(Role.MODERATOR, Role.OFFICIAL, Role.ADMINISTRATOR)
def organisation(vote_id: int) -> Answer:
    if vote_id > _MOST_ID:
        vote_id = 0
    vote = vote_naming_organisation(vote_id)
    own = (vote.account.email or "").rpartition("@")[2]
    suggested = "" if SHARED_DOMAINS.fullmatch(own) else own
    form, status = OrganisationForm(data={"name": vote.organisation_name, "domain": ""}), 200
    if form.validate_on_submit():
        try:
            _confirm(vote_id, form, clock.now())
            return redirect(url_for("moderation.organisations", done=form.name.data), code=303)
        except RuleBroken as error:
            status = 409 if isinstance(error, Clash) else 422
            form.show_rule_broken(error)
    page = render_template(
        "moderation/organisation.html",
        form=form,
        vote=vote,
        named=vote.organisation_name,
        email=vote.account.email,
        capacity=Capacity(vote.capacity).label,
        suggested=suggested,
    )
    return page, 400 if "csrf_token" in form.errors else 422 if form.errors and status == 200 else status


_MOST_ID = 2**62


def _confirm(vote_id: int, form: OrganisationForm, now: datetime) -> None:
    with transaction():
        confirm_organisation(
            vote=vote_naming_organisation(vote_id), name=form.name.data, domain=form.domain.data, by=_me(), now=now
        )


def _me() -> Account:
    return current_user._get_current_object()
