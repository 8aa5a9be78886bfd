"""Analysts read what people wrote, put it under points, and look again where an author objects."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Capacity
from analysis import queries, services, sorting
from analysis.answered import answered_on
from analysis.folding import Fold, folded
from analysis.forms import FEW, SecondLookForm, SortingForm, UnderForm, WithdrawForm, WordingForm
from analysis.models import Point
from analysis.queries import PointRow
from analysis.rules import Outcome, check_stands
from core import clock
from core.access import staff
from core.clock import in_uk
from core.db import transaction
from core.errors import Clash, NotAllowed, RuleBroken
from core.forms import Form, tidy_line
from core.paging import Page, page_number
from regulations.queries import regulation_with
from regulations.responsible import bound_to, check_may_work_on, regulation_to_work_on
from voting.queries import reasons_of
from voting.rules import Choice
from voting.shown import Reason

bp = Blueprint("analysis", __name__)

PER_PAGE = 25
LONGEST_WORDS = 200
Answer = str | Response | tuple[str, int]


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    """A stale token is a sentence above what was typed and ticked, not a page that has lost it."""
    for view in (points, point, dispute):
        state.app.extensions["csrf"].exempt(view)


def _me() -> Account:
    return current_user._get_current_object()


@bp.route("/staff/points")
@staff(*services.ANALYSTS)
def to_read() -> str:
    """Every regulation on which comments wait to be read."""
    own = bound_to(_me())
    regulations, comments = queries.count_to_read(own)
    number = min(page_number(request.args.get("page")), Page([], 1, regulations, PER_PAGE).pages)
    rows = queries.regulations_to_read(department=own, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    return render_template(
        "analysis/to_read.html",
        page=Page(
            [vars(row) | {"last_day": clock.last_day(row.closes_at)} for row in rows], number, regulations, PER_PAGE
        ),
        page_url=lambda n: url_for("analysis.to_read", page=n),
        comments=comments,
        own_department=own is not None,
        today=clock.uk_day(clock.now()),
    )


@bp.route("/staff/regulations/<slug>/points", methods=["GET", "POST"])
@staff(*services.ANALYSTS)
def points(slug: str) -> Answer:
    """The desk: what nobody has read yet beside the points there are."""
    form, status = SortingForm(), 200
    asked = _asked()
    rows = queries.points_of(regulation_to_work_on(slug, _me()).id)
    form.offer(rows)
    if form.validate_on_submit():
        try:
            _sort(slug, form)
            return redirect(url_for("analysis.points", slug=slug, **_kept(asked)), code=303)
        except NotAllowed:
            raise
        except RuleBroken as error:
            status = _status(form, error)
            rows = queries.points_of(regulation_with(slug).id)
            form.offer(rows)
    regulation = regulation_with(slug)
    waiting = queries.ungrouped(regulation.id, choice=asked["choice"], capacity=asked["capacity"], words=asked["q"])
    folds = folded(waiting)
    number = min(page_number(request.args.get("page")), Page([], 1, len(folds), PER_PAGE).pages)
    here = folds[(number - 1) * PER_PAGE : number * PER_PAGE]
    again = queries.read_before([reason.id for fold in here for reason in fold.reasons])
    page = render_template(
        "analysis/points.html",
        form=form,
        said=get_flashed_messages(),
        regulation=regulation,
        kept=services.is_kept(regulation),
        points=rows,
        page=Page([_fold_shown(fold, again, form.comments.data or []) for fold in here], number, len(folds), PER_PAGE),
        page_url=lambda n: url_for("analysis.points", slug=slug, **_kept(asked), page=n),
        waiting=len(waiting),
        unread=queries.count_ungrouped(regulation.id),
        asked=asked,
        choices=list(Choice),
        capacities=list(Capacity),
        disputes=len(queries.open_disputes(regulation.id)),
    )
    return page, _answer(form, status)


def _asked() -> dict[str, str]:
    return {
        "choice": _one_of(Choice, "choice"),
        "capacity": _one_of(Capacity, "capacity"),
        "q": tidy_line(request.args.get("q"))[:LONGEST_WORDS],
    }


def _one_of(words: Any, name: str) -> str:
    asked = request.args.get(name, "")
    return asked if asked in tuple(words) else ""


def _kept(asked: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value}


def _sort(slug: str, form: SortingForm) -> None:
    chosen = form.under.data or []
    with transaction():
        number, under = sorting.sort_ticked(
            regulation=regulation_with(slug),
            ticked=form.comments.data or [],
            under=[each for each in chosen if each != FEW],
            few=FEW in chosen,
            title=form.title.data or "",
            summary=form.summary.data or "",
            by=_me(),
            now=clock.now(),
        )
        titles = " and ".join(f"“{point.title}”" for point in under)
    flash(f"{_comments(number)} put under {titles}.")


def _comments(number: int) -> str:
    return "1 comment is" if number == 1 else f"{number:,} comments are"


def _status(form: Form, error: RuleBroken) -> int:
    form.show_rule_broken(error)
    return 409 if isinstance(error, Clash) else 422


def _answer(form: Form, status: int) -> int:
    return 400 if "csrf_token" in form.errors else 422 if form.errors and status == 200 else status


def _fold_shown(fold: Fold, again: set[int], ticked: list[str]) -> dict[str, Any]:
    return {
        "key": fold.key,
        "copies": len(fold.reasons),
        "people": fold.people,
        "again": any(reason.id in again for reason in fold.reasons),
        "ticked": fold.key in ticked,
        "readable": fold.is_readable,
    } | _reason_shown(fold.first)


def _reason_shown(reason: Reason) -> dict[str, Any]:
    return {
        "text": reason.text,
        "choice": reason.choice,
        "direction": reason.direction,
        "who": reason.who,
        "capacity": reason.capacity.label,
        "supports": reason.supports,
        "offer": reason.offer,
        "entry_id": reason.entry_id,
        "masked": reason.masked_by,
    }


@bp.route("/staff/points/<public_id>", methods=["GET", "POST"])
@staff(*services.ANALYSTS)
def point(public_id: str) -> Answer:
    """One point: its words, and what stands under it."""
    do, status, clashed = request.form.get("do", ""), 200, False
    found = queries.point_with(public_id)
    check_may_work_on(_me(), found.regulation)
    data = {"version": str(found.version), "title": found.title, "summary": found.summary}
    wording, under, giving_up = WordingForm(data=data), UnderForm(), WithdrawForm()
    forms = {"reword": wording, "take_out": under, "also": under, "withdraw": giving_up}
    acts: dict[str, Callable[[Point], str]] = {
        "reword": lambda held: _reword(held, wording),
        "take_out": lambda held: _take_out(held, under),
        "also": lambda held: _put_also(held, under),
        "withdraw": _withdraw,
    }
    others = [row for row in queries.points_of(found.regulation_id) if row.id != found.id]
    under.offer(others)
    form = forms.get(do)
    if form is not None and form.validate_on_submit():
        try:
            with transaction():
                held = queries.point_with(public_id)
                check_stands(held.withdrawn_at is not None)
                done, slug = acts[do](held), held.regulation.slug
            flash(done)
            if do == "withdraw":
                return redirect(url_for("analysis.points", slug=slug), code=303)
            return redirect(url_for("analysis.point", public_id=public_id), code=303)
        except NotAllowed:
            raise
        except RuleBroken as error:
            status = _status(form, error)
            found = queries.point_with(public_id)
            clashed = isinstance(error, Clash) and do == "reword"
            if clashed:
                wording.version.data = str(found.version)
    if do != "reword":
        wording = WordingForm(formdata=None, data=data)
    number, row = page_number(request.args.get("page")), queries.point_row(found.id)
    number = min(number, Page([], 1, row.comments, PER_PAGE).pages)
    reasons = queries.comments_under(found.id, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    ticked = under.comments.data or []
    page = render_template(
        "analysis/point.html",
        said=get_flashed_messages(),
        problem=form if form is not None and form.errors else None,
        wording=wording,
        under=under,
        giving_up=giving_up,
        regulation=found.regulation,
        point=row,
        withdrawn=found.withdrawn_at is not None,
        answered=found.id in answered_on(found.regulation).points,
        theirs={"title": found.title, "summary": found.summary} if clashed else None,
        others=others,
        wordings=[
            {"title": w.title, "summary": w.summary, "by": w.worded_by, "at": in_uk(w.worded_at), "entry": w.entry_id}
            for w in queries.wordings_of(found.id)
        ],
        page=Page(
            [_reason_shown(reason) | {"ticked": reason.offer in ticked} for reason in reasons],
            number, row.comments, PER_PAGE,
        ),
        page_url=lambda n: url_for("analysis.point", public_id=public_id, page=n),
    )  # fmt: skip
    return page, _answer(form, status) if form is not None else status


def _reword(held: Point, form: WordingForm) -> str:
    services.reword_point(
        point=held, version=form.began_from, title=form.title.data or "", summary=form.summary.data or "",
        by=_me(), now=clock.now(),
    )  # fmt: skip
    return "The new words are saved and public. The earlier ones stay readable in its history."


def _take_out(held: Point, form: UnderForm) -> str:
    number = sorting.take_ticked_out(point=held, ticked=form.comments.data or [], by=_me(), now=clock.now())
    return f"{_comments(number)} taken out, to be read again unless another point has them."


def _put_also(held: Point, form: UnderForm) -> str:
    number, other = sorting.put_ticked_also(
        point=held, ticked=form.comments.data or [], other=form.also.data or "", by=_me(), now=clock.now()
    )
    return f"{_comments(number)} under “{other.title}” as well."


def _withdraw(held: Point) -> str:
    services.withdraw_point(point=held, by=_me(), now=clock.now())
    return f"“{held.title}” is given up. What stood under it waits to be read again, unless another point has it."


@bp.route("/staff/disputes")
@staff(*services.ANALYSTS)
def disputes() -> str:
    """Every objection that waits for a second look."""
    own = bound_to(_me())
    waiting = queries.open_disputes(department=own)
    return render_template(
        "analysis/disputes.html",
        said=get_flashed_messages(),
        own_department=own is not None,
        waiting=[vars(row) | {"raised_at": in_uk(row.raised_at)} for row in waiting],
    )


@bp.route("/staff/disputes/<int:dispute_id>", methods=["GET", "POST"])
@staff(*services.ANALYSTS)
def dispute(dispute_id: int) -> Answer:
    """Look again at where a reason was put."""
    found, form, status = queries.dispute_with(dispute_id), SecondLookForm(), 200
    point = found.grouping.point
    check_may_work_on(_me(), point.regulation)
    others = [row for row in queries.points_of(point.regulation_id) if row.id != point.id]
    form.offer(others)
    if form.validate_on_submit():
        try:
            _settle(dispute_id, form, others)
            return redirect(url_for("analysis.disputes"), code=303)
        except NotAllowed:
            raise
        except RuleBroken as error:
            status = _status(form, error)
            found = queries.dispute_with(dispute_id)
    reasons = reasons_of(point.regulation_id, ids=[found.grouping.comment_id])
    page = render_template(
        "analysis/dispute.html",
        form=form,
        regulation=point.regulation,
        point=point,
        reason=_reason_shown(reasons[0]) if reasons and reasons[0].is_readable else None,
        raised_at=in_uk(found.raised_at),
        put_by=found.grouping.put_by,
        settled={"at": in_uk(found.settled_at), "by": found.settled_by, "outcome": found.outcome}
        if found.settled_at
        else None,
        counts=services.counts(found.grouping),
        answered=answered_on(point.regulation).holds(found.grouping),
        others=others,
    )
    return page, _answer(form, status)


def _settle(dispute_id: int, form: SecondLookForm, others: list[PointRow]) -> None:
    if form.chosen is None:
        raise RuleBroken("Say whether it stays or is taken out.", field="outcome")
    known = {row.public_id for row in others}
    with transaction():
        found = queries.dispute_with(dispute_id)
        services.settle_dispute(
            dispute=found,
            outcome=form.chosen,
            by=_me(),
            now=clock.now(),
            to=[queries.point_with(each) for each in form.to.data or [] if each in known],
        )
        noted = found.outcome == Outcome.NOTED
    stays = " It keeps the answer it was given, so it stays here too, and the next decision has to answer it anew."
    flash(f"Settled.{stays if noted else ''} The author finds the result beside their reason.")
