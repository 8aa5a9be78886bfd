"""The desk of those who work here, and what is done to a theme as a whole: closing it early, moving its due day."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import Flask, current_app, flash, get_flashed_messages, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import Select
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import STAFF, Role
from core import clock
from core.access import staff
from core.clock import in_uk, uk_day
from core.db import transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from core.paging import Page, page_number
from decisions import desk as on_desk
from decisions import queries
from decisions.answers import awaiting_by_theme
from decisions.closing import before_closing
from decisions.desk import Counts, DraftRow
from decisions.queries import Undecided, Wanted
from decisions.routes import bp
from decisions.rules import DraftStatus
from regulations.due import days_overdue, due_moves, extend_due, set_days_to_decide
from regulations.forms import CloseThemeForm, DaysToDecideForm, ExtendDueForm
from regulations.queries import theme_with, themes
from regulations.responsible import bound_to, check_may_work_on_all_of
from regulations.rules import GRACE
from regulations.services import close_early

Answer = str | Response | tuple[str, int]
EVERY_DEPARTMENT = "all"
PER_PAGE = 10
LATEST = 5


def _me() -> Account:
    return current_user._get_current_object()


def tell_on_desk(app: Flask, letters: Callable[[datetime], Select[Any]]) -> None:
    """Let a floor above this one say how many letters wait to be written."""
    app.extensions["letters_on_desk"] = letters


@bp.route("/staff")
@staff(*STAFF)
def desk() -> str:
    now, me = clock.now(), _me()
    own = bound_to(me)
    department = None if request.args.get("department") == EVERY_DEPARTMENT else own
    closed = queries.closed_themes(now, department)
    chosen = next((theme for theme in closed if theme.slug == request.args.get("theme")), None)
    waiting = chosen.waiting if chosen else sum(theme.waiting for theme in closed)
    number = min(page_number(request.args.get("page")), Page[Undecided]([], 1, waiting, PER_PAGE).pages)
    only = chosen.slug if chosen else ""
    rows = queries.undecided(now, theme=only, department=department, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    drafts = on_desk.drafts(me.id, department)
    counts = on_desk.counts(me.id, now, own, current_app.extensions["letters_on_desk"](now))
    wide = EVERY_DEPARTMENT if own is not None and department is None else None
    may, to_approve = _may(me), [row for row in drafts if _asks_for_approval(row, me)]
    overdue = on_desk.overdue_in(closed, now)
    return render_template(
        "decisions/desk.html",
        said=get_flashed_messages(),
        me=me,
        **may,
        stats=_stats(may, counts, len(to_approve), sum(theme.waiting for theme in closed), overdue),
        clocks=on_desk.theme_clocks(themes(now), closed, now),
        shared=counts.shared.split(),
        page=Page([_waiting(row, now) for row in rows], number, waiting, PER_PAGE),
        page_url=lambda n: url_for("decisions.desk", theme=only or None, department=wide, page=n, _anchor="undecided"),
        closed_themes=closed,
        chosen=chosen,
        to_approve=to_approve,
        drafts=[row for row in drafts if not _asks_for_approval(row, me)],
        counts=counts,
        awaiting=awaiting_by_theme(),
        steps=on_desk.near_steps(now, department) if counts.steps else [],
        my_answers=on_desk.asked_of(me.id) if counts.my_answers else [],
        latest=queries.decisions(Wanted(), limit=LATEST),
        status_word=lambda status: DraftStatus(status).label,
        is_mine=lambda name: own is None or name == counts.department,
        own_department=own is not None,
        wide=wide,
        in_uk=in_uk,
        last_day=clock.last_day,
        today=uk_day(now),
    )


def _asks_for_approval(row: DraftRow, me: Account) -> bool:
    return row.status == DraftStatus.SUBMITTED and not row.is_partly_mine


def _may(me: Account) -> dict[str, bool]:
    """What somebody's role lets them do: the desk shows nothing else as something to do."""
    return {
        "decides": me.role == Role.OFFICIAL,
        "closes": me.role in (Role.OFFICIAL, Role.ADMINISTRATOR),
        "moderates": me.role in (Role.MODERATOR, Role.ADMINISTRATOR),
        "checks": me.role in (Role.MODERATOR, Role.OFFICIAL, Role.ADMINISTRATOR),
        "groups": me.role in (Role.ANALYST, Role.OFFICIAL),
    }


def _stats(may: dict[str, bool], counts: Counts, approvals: int, undecided: int, overdue: int) -> list[dict[str, Any]]:
    """The numbers at the head of the desk: what waits for somebody of this role, each with the way to it."""
    late = {"note": f"{overdue:,} of them overdue", "late": True} if overdue else {}
    shown: tuple[tuple[bool, int, str, str, str, dict[str, Any]], ...] = (
        (may["decides"], approvals, "waits for your approval", "wait for your approval", "#approvals", {}),
        (may["moderates"], counts.rewritten, "reason rewritten since it was hidden",
         "reasons rewritten since they were hidden", "/staff/comments?status=hidden", {}),
        (may["checks"] and not may["decides"], counts.unchecked, "organisation to check", "organisations to check",
         "/staff/organisations", {}),
        (may["closes"], undecided, "closed and undecided", "closed and undecided", "#undecided", late),
        (may["groups"], counts.my_answers, "answer asked of you", "answers asked of you", "#answers", {}),
        (may["groups"], counts.unread, "comment to be read", "comments to be read", "/staff/points", {}),
        (may["groups"], counts.disputes, "objection to look at", "objections to look at", "/staff/disputes", {}),
        (may["groups"], counts.papers, "paper to look at", "papers to look at", "/staff/submissions?show=waiting", {}),
        (may["closes"], counts.steps, "step due or missed", "steps due or missed", "#steps", {}),
    )  # fmt: skip
    return [
        {"number": number, "label": one if number == 1 else many, "href": href, **more}
        for wanted, number, one, many, href, more in shown
        if wanted
    ]


def _waiting(row: Undecided, now: datetime) -> dict[str, Any]:
    return {
        "row": row,
        "waited": (uk_day(now) - uk_day(row.closed_at)).days,
        "due_on": clock.last_day(row.due_at),
        "overdue": days_overdue(row.due_at, now),
    }


@bp.route("/staff/themes/<slug>/close", methods=["GET", "POST"])
@staff(Role.OFFICIAL, Role.ADMINISTRATOR)
def close_theme(slug: str) -> Answer:
    now, form = clock.now(), CloseThemeForm()
    check_may_work_on_all_of(_me(), theme_with(slug))
    if form.validate_on_submit():
        try:
            with transaction():
                close_early(theme=theme_with(slug), reason=form.reason.data or "", by=_me(), now=now)
        except NotAllowed:
            raise
        except RuleBroken as error:
            form.show_rule_broken(error)
        else:
            flash(f"{theme_with(slug).title} is closed. Its regulations wait for their decisions.")
            return redirect(url_for("decisions.desk", theme=slug), code=303)
    theme = theme_with(slug)
    page = render_template(
        "decisions/close_theme.html",
        form=form,
        theme=theme,
        is_open=theme.window.is_open(now),
        last_day=clock.last_day(theme.window.closes),
        known=before_closing(theme, now),
        checks=_may(_me()),
        final_at=in_uk(now + GRACE),
        in_uk=in_uk,
    )
    return page, 422 if form.errors else 200


@bp.route("/staff/themes/<slug>/due", methods=["GET", "POST"])
@staff(Role.OFFICIAL, Role.ADMINISTRATOR)
def extend(slug: str) -> Answer:
    now, theme = clock.now(), theme_with(slug)
    check_may_work_on_all_of(_me(), theme)
    form, status = ExtendDueForm(data={"shown": clock.last_day(theme.decision_due_at).isoformat()}), 200
    if form.validate_on_submit():
        try:
            with transaction():
                extend_due(
                    theme=theme_with(slug), until=form.until.data or date.min, shown=form.day_shown,
                    reason=form.reason.data or "", by=_me(), now=now,
                )  # fmt: skip
        except (NotAllowed, NotFound):
            raise
        except RuleBroken as error:
            form.show_rule_broken(error)
            if isinstance(error, Clash):
                status = 409
                form.shown.data = clock.last_day(theme_with(slug).decision_due_at).isoformat()
        else:
            flash(f"Decisions on {theme_with(slug).title} are due later now. The new day and your reason are public.")
            return redirect(url_for("decisions.desk", theme=slug), code=303)
    theme = theme_with(slug)
    page = render_template(
        "decisions/extend.html",
        form=form,
        theme=theme,
        due_on=clock.last_day(theme.decision_due_at),
        overdue=days_overdue(theme.decision_due_at, now),
        has_closed=theme.window.has_closed(now),
        moves=due_moves([theme.id]).get(theme.id, []),
    )
    return page, 422 if form.errors and status == 200 else status


@bp.route("/staff/themes/<slug>/days", methods=["GET", "POST"])
@staff(Role.OFFICIAL, Role.ADMINISTRATOR)
def set_days(slug: str) -> Answer:
    """Before the close: how many days after it the decisions are due."""
    now, theme = clock.now(), theme_with(slug)
    check_may_work_on_all_of(_me(), theme)
    form, status = DaysToDecideForm(data={"shown": str(theme.days_to_decide), "days": str(theme.days_to_decide)}), 200
    if form.validate_on_submit():
        try:
            with transaction():
                set_days_to_decide(
                    theme=theme_with(slug), days=form.chosen, shown=form.days_shown, reason=form.reason.data or "",
                    by=_me(), now=now,
                )  # fmt: skip
        except (NotAllowed, NotFound):
            raise
        except RuleBroken as error:
            form.show_rule_broken(error)
            if isinstance(error, Clash):
                status, form.shown.data = 409, str(theme_with(slug).days_to_decide)
        else:
            flash(f"The day on which decisions on {theme_with(slug).title} are due is public, with your reason.")
            return redirect(url_for("decisions.desk"), code=303)
    theme = theme_with(slug)
    page = render_template(
        "decisions/set_days.html",
        form=form,
        theme=theme,
        due_on=clock.last_day(theme.decision_due_at),
        closes_on=clock.last_day(theme.closes_at),
        has_closed=theme.window.has_closed(now),
    )
    return page, 422 if form.errors and status == 200 else status
