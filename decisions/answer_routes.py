"""Where an office answers every point: one by one, all at once, with colleagues, or in a spreadsheet."""

from dataclasses import replace

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import Account
from accounts.rules import Role
from analysis.services import is_kept
from core import clock
from core.access import staff
from core.db import transaction
from core.errors import Clash, NotAllowed, RuleBroken
from core.forms import tidy_line
from core.paging import PER_PAGE, Page, page_number
from decisions import worksheet
from decisions.answer_forms import AnswerForm, AnswersForm, typed
from decisions.answers import assign_answer, save_answer
from decisions.rules import Verdict
from decisions.unanswered import unanswered
from decisions.worksheet import ToAnswer
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.responsible import regulation_to_work_on

bp = Blueprint("answers", __name__)

Answered = str | Response | tuple[str, int]
SHOWS = {"": "All", "missing": "Not answered yet", "mine": "Given to me"}


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    """A stale token is a sentence above what was typed, not a page that has lost it."""
    state.app.extensions["csrf"].exempt(answers)


def _me() -> Account:
    return current_user._get_current_object()


@bp.route("/staff/regulations/<slug>/answers", methods=["GET", "POST"])
@staff(Role.OFFICIAL, Role.ANALYST)
def answers(slug: str) -> Answered:
    regulation, form = regulation_to_work_on(slug, _me()), AnswersForm()
    rows = [] if is_kept(regulation) else worksheet.to_answer(regulation.id)
    colleagues = worksheet.colleagues(regulation)
    forms: dict[str, AnswerForm] = {}
    theirs: dict[str, ToAnswer] = {}
    said = [str(sentence) for sentence in get_flashed_messages()]
    if request.method == "POST":
        keys = set(request.form.getlist("row"))
        forms = {row.key: typed(row, colleagues) for row in rows if row.key in keys}
        if form.validate():
            saved, theirs = _save(slug, rows, forms)
            said = [f"{'1 answer is' if saved == 1 else f'{saved} answers are'} saved."] if saved else []
        forms = {key: each for key, each in forms.items() if each.errors or each.is_unsaved}
        if not forms and not form.errors:
            for sentence in said:
                flash(sentence)
            return redirect(_back(slug), code=303)
        rows = worksheet.to_answer(regulation.id)
    status = 400 if "csrf_token" in form.errors else 409 if theirs else 422
    has_error = bool(form.errors) or any(each.errors for each in forms.values())
    page = _page(regulation, rows, forms, theirs, form, colleagues, said)
    return page, status if has_error else 200


def _save(slug: str, rows: list[ToAnswer], forms: dict[str, AnswerForm]) -> tuple[int, dict[str, ToAnswer]]:
    """The answers that the button is for, each for itself; returns how many, and what colleagues wrote meanwhile."""
    only = request.form.get("do", "").removeprefix("save:")
    saved, theirs = 0, {}
    for row in rows:
        form = forms.get(row.key)
        if form is None or only not in ("all", row.key) or not form.is_unsaved or not form.validate():
            continue
        try:
            _save_one(slug, row.key, form)
        except Clash as clash:
            form.show_rule_broken(clash)
            theirs[row.key] = row
        except NotAllowed:
            raise
        except RuleBroken as error:
            form.show_rule_broken(error)
        else:
            form.shown.data, form.was.data = form.digest, form.assigned.data
            saved += 1
    return saved, theirs


def _save_one(slug: str, key: str, form: AnswerForm) -> None:
    with transaction():
        regulation, me, now = regulation_with(slug), _me(), clock.now()
        what = worksheet.about(regulation, key)
        if form.is_given_to_another:
            to = worksheet.colleague(form.number_in("assigned"))
            assign_answer(regulation=regulation, **what, to=to, instead_of=form.number_in("was"), by=me, now=now)
        if form.is_written:
            save_answer(
                regulation=regulation, **what, verdict=form.chosen, reasons=form.reasons.data or "",
                version=form.began_from, by=me, now=now,
            )  # fmt: skip


def _back(slug: str) -> str:
    only = request.form.get("do", "").removeprefix("save:")
    show, page = request.args.get("show"), request.args.get("page")
    return url_for("answers.answers", slug=slug, show=show, page=page, _anchor=only if only != "all" else None)


def _page(
    regulation: Regulation,
    rows: list[ToAnswer],
    forms: dict[str, AnswerForm],
    theirs: dict[str, ToAnswer],
    form: AnswersForm,
    colleagues: list[tuple[int, str]],
    said: list[str],
) -> str:
    me, taken = _me(), None
    asked, only = request.args.get("show", ""), request.args.get("for", "")
    wanted = [row for row in rows if _is_asked_for(row, asked, only, me) or row.key in forms]
    number = min(page_number(request.args.get("page")), Page[ToAnswer]([], 1, len(wanted)).pages)
    shown = wanted if forms else wanted[(number - 1) * PER_PAGE : number * PER_PAGE]
    strongest = worksheet.strongest_under(regulation.id, [row.point.id for row in shown if row.point])
    shown = [replace(row, strongest=strongest.get(row.point.id, [])) if row.point else row for row in shown]
    for row in shown:
        if row.key in theirs:
            forms[row.key].keep_going(row)
        if row.key not in forms:
            forms[row.key] = AnswerForm.filled(row, colleagues)
            if row.key == only and request.args.get("take"):
                taken = worksheet.answer_elsewhere(request.args["take"])
                forms[row.key].verdict.data, forms[row.key].reasons.data = taken.verdict, taken.reasons
    return render_template(
        "decisions/answers.html",
        regulation=regulation,
        kept=is_kept(regulation),
        has_closed=regulation.theme.window.has_closed(clock.now()),
        page=Page(shown, number, len(wanted)),
        page_url=lambda n: url_for("answers.answers", slug=regulation.slug, show=asked or None, page=n),
        forms=forms,
        form=form,
        theirs={row.key: row for row in shown if row.key in theirs},
        taken=taken,
        only=only,
        has_error=bool(form.errors) or any(f.errors for f in forms.values()),
        missing=sum(row.missing for row in rows),
        unplaced=unanswered(regulation.id).submissions,
        answered=sum(row.answered for row in rows),
        alone=sum(row.comment is not None for row in rows),
        total=len(rows),
        shows=[
            {"label": label, "url": url_for("answers.answers", slug=regulation.slug, show=name or None),
             "active": name == asked and not only}
            for name, label in SHOWS.items()
        ],
        said=said,
        decides=me.role == Role.OFFICIAL,
        me=me,
        verdict_word=lambda verdict: Verdict(verdict).label,
        in_uk=clock.in_uk,
    )  # fmt: skip


def _is_asked_for(row: ToAnswer, asked: str, only: str, me: Account) -> bool:
    if only:
        return row.key == only
    return {"missing": row.missing, "mine": row.assigned_to_id == me.id}.get(asked, True)


@bp.route("/staff/regulations/<slug>/answers/elsewhere")
@staff(Role.OFFICIAL, Role.ANALYST)
def elsewhere(slug: str) -> str:
    """Answers given elsewhere that could be taken for one point here."""
    regulation, key = regulation_to_work_on(slug, _me()), request.args.get("for", "")
    row = next((row for row in worksheet.to_answer(regulation.id) if row.key == key), None)
    if is_kept(regulation) or row is None:
        worksheet.about(regulation, "")
    q = tidy_line(request.args.get("q"))[:200]
    return render_template(
        "decisions/answers_elsewhere.html",
        regulation=regulation,
        row=row,
        q=q,
        found=worksheet.answers_elsewhere(regulation.id, q.split()),
        most=worksheet.MOST_FOUND,
        verdict_word=lambda verdict: Verdict(verdict).label,
    )
