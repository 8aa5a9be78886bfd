"""The desk of those who work here, and what is done to a theme as a whole: closing it early, moving its due day."""

from datetime import date, datetime
from typing import Any

from flask import flash, get_flashed_messages, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import STAFF, Role
from core import clock
from core.access import staff
from core.clock import in_uk, uk_day
from core.db import transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from core.paging import PER_PAGE, Page, page_number
from decisions import desk as on_desk
from decisions import queries
from decisions.answers import counts_by_theme
from decisions.deciders import department_of
from decisions.queries import Undecided, Wanted
from decisions.routes import bp
from decisions.rules import DraftStatus
from regulations.due import days_overdue, due_moves, extend_due
from regulations.forms import CloseThemeForm, ExtendDueForm
from regulations.queries import theme_with, themes
from regulations.rules import GRACE
from regulations.services import close_early
from voting.tallying import waiting_in

Answer = str | Response | tuple[str, int]
EVERY_DEPARTMENT = "all"


def _me() -> Account:
    return current_user._get_current_object()


@bp.route("/staff")
@staff(*STAFF)
def desk() -> str:
    now, me = clock.now(), _me()
    own = department_of(me) if me.role == Role.OFFICIAL else None
    department = None if request.args.get("department") == EVERY_DEPARTMENT else own
    closed = queries.closed_themes(now, department)
    chosen = next((theme for theme in closed if theme.slug == request.args.get("theme")), None)
    waiting = chosen.waiting if chosen else sum(theme.waiting for theme in closed)
    number = min(page_number(request.args.get("page")), Page[Undecided]([], 1, waiting).pages)
    only = chosen.slug if chosen else ""
    rows = queries.undecided(now, theme=only, department=department, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    drafts = queries.drafts(department)
    counts = on_desk.counts(me.id, now, department)
    wide = EVERY_DEPARTMENT if own is not None and department is None else None
    return render_template(
        "decisions/desk.html",
        said=get_flashed_messages(),
        me=me,
        **_may(me),
        clocks=on_desk.theme_clocks(themes(now), closed, now),
        page=Page([_waiting(row, now) for row in rows], number, waiting),
        page_url=lambda n: url_for("decisions.desk", theme=only or None, department=wide, page=n, _anchor="undecided"),
        closed_themes=closed,
        chosen=chosen,
        undecided=sum(theme.waiting for theme in closed),
        overdue=on_desk.overdue_in(closed, now),
        to_approve=[row for row in drafts if row.status == DraftStatus.SUBMITTED and row.written_by_id != me.id],
        drafts=[row for row in drafts if row.status != DraftStatus.SUBMITTED or row.written_by_id == me.id],
        counts=counts,
        unanswered={theme: missing for theme, (_, missing) in counts_by_theme().items()},
        steps=on_desk.near_steps(now, department) if counts.steps else [],
        latest=queries.decisions(Wanted(), limit=5),
        status_word=lambda status: DraftStatus(status).label,
        own_department=own is not None,
        widened=wide is not None,
        wide=wide,
        in_uk=in_uk,
        today=uk_day(now),
    )


def _may(me: Account) -> dict[str, bool]:
    """What somebody's role lets them do: the desk shows nothing else as something to do."""
    return {
        "decides": me.role == Role.OFFICIAL,
        "closes": me.role in (Role.OFFICIAL, Role.ADMINISTRATOR),
        "moderates": me.role in (Role.MODERATOR, Role.ADMINISTRATOR),
        "checks": me.role in (Role.MODERATOR, Role.OFFICIAL, Role.ADMINISTRATOR),
        "groups": me.role in (Role.ANALYST, Role.OFFICIAL),
    }


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
        closes=in_uk(theme.window.closes),
        waiting=waiting_in(theme.id, now),
        final_at=in_uk(now + GRACE),
        in_uk=in_uk,
    )
    return page, 422 if form.errors else 200


@bp.route("/staff/themes/<slug>/due", methods=["GET", "POST"])
@staff(Role.OFFICIAL, Role.ADMINISTRATOR)
def extend(slug: str) -> Answer:
    now, theme = clock.now(), theme_with(slug)
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
