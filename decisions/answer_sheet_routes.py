"""The answers on one regulation as a spreadsheet, and back."""

from flask import flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from accounts.rules import Role
from analysis.sent_files import count_sent, status_of_refusal
from analysis.services import is_kept
from analysis.tables import MOST_BYTES
from analysis.uploads import drop_upload, keep_upload, kept_upload
from core import clock
from core.access import staff
from core.db import transaction
from core.errors import NotAllowed, RuleBroken
from decisions import answer_sheets, worksheet
from decisions.answer_forms import SheetForm
from decisions.answer_routes import Answered, _me, bp
from decisions.answer_sheets import Checked
from decisions.answers import save_answer
from decisions.rules import Verdict
from decisions.worksheet import ToAnswer
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.responsible import regulation_to_work_on

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PREVIEWED = 200
MISTAKES_TOLD = 200


@bp.record_once
def _let_large_sheets_in(state: BlueprintSetupState) -> None:
    """Its form checks its own token: the token of all others is read before this page can say how much it takes."""
    state.app.extensions["csrf"].exempt(upload)


@bp.route("/staff/regulations/<slug>/answers.xlsx")
@staff(Role.OFFICIAL, Role.ANALYST)
def sheet_xlsx(slug: str) -> Response:
    return _file(answer_sheets.as_xlsx(_rows(regulation_to_work_on(slug, _me()))), XLSX, f"answers-{slug}.xlsx")


@bp.route("/staff/regulations/<slug>/answers.csv")
@staff(Role.OFFICIAL, Role.ANALYST)
def sheet_csv(slug: str) -> Response:
    text = answer_sheets.as_csv(_rows(regulation_to_work_on(slug, _me())))
    return _file(text.encode("utf-8-sig"), "text/csv; charset=utf-8", f"answers-{slug}.csv")


def _rows(regulation: Regulation) -> list[ToAnswer]:
    return [] if is_kept(regulation) else worksheet.to_answer(regulation.id)


def _file(content: bytes, kind: str, name: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


@bp.route("/staff/regulations/<slug>/answers/upload", methods=["GET", "POST"])
@staff(Role.OFFICIAL)
def upload(slug: str) -> Answered:
    """A sheet is looked at first; what it would change is then saved, all of it or nothing."""
    request.max_content_length = MOST_BYTES + 512 * 1024
    regulation, form, status = regulation_to_work_on(slug, _me()), SheetForm(), 200
    checked: Checked | None = None
    if request.method == "POST":
        try:
            if form.validate():
                is_confirmed = bool(form.kept.data) and not form.sheet.data
                checked = _save(slug, form.kept.data) if is_confirmed else _look(regulation, form)
                if is_confirmed and not checked.mistakes:
                    return _saved(slug, form.kept.data, len(checked.changes))
        except NotAllowed:
            raise
        except RuleBroken as error:
            status = status_of_refusal(error)
            form.show_rule_broken(error)
    if checked is None or checked.mistakes:
        form.kept.data = ""
    for mistake in checked.mistakes[:MISTAKES_TOLD] if checked else ():
        form.form_errors.append(f"Row {mistake.row}: {mistake.what}")
    page = render_template(
        "decisions/answers_upload.html",
        regulation=regulation,
        form=form,
        checked=checked,
        previewed=PREVIEWED,
        told=MISTAKES_TOLD,
        known={row.key: row for row in _rows(regulation)} if checked else {},
        verdict_word=lambda verdict: Verdict(verdict).label if verdict else "No answer",
    )
    if "csrf_token" in form.errors:
        return page, 400
    return page, status if status != 200 or not form.errors else 422


def _look(regulation: Regulation, form: SheetForm) -> Checked:
    file = form.sheet.data
    if not file:
        raise RuleBroken("Choose the spreadsheet.", field="sheet")
    name, content = file.filename or "", file.read()
    count_sent(len(content), _me())
    checked = answer_sheets.check(answer_sheets.read(name, content), _rows(regulation))
    if checked.changes and not checked.mistakes:
        form.kept.data = keep_upload(sender=_me().id, name=name, content=content, now=clock.now())
    return checked


def _save(slug: str, kept: str) -> Checked:
    """Looked at once more within the transaction: what a colleague wrote since the preview is not overwritten."""
    sheet = answer_sheets.read(kept, kept_upload(sender=_me().id, kept=kept, field="sheet"))
    with transaction():
        regulation, me, now = regulation_with(slug), _me(), clock.now()
        checked = answer_sheets.check(sheet, _rows(regulation))
        for change in checked.changes if not checked.mistakes else ():
            save_answer(
                regulation=regulation, **worksheet.about(regulation, change.key), verdict=change.chosen,
                reasons=change.reasons, version=change.version, by=me, now=now,
            )  # fmt: skip
    return checked


def _saved(slug: str, kept: str, number: int) -> Response:
    drop_upload(sender=_me().id, kept=kept)
    said = "1 answer is saved." if number == 1 else f"{number:,} answers are saved."
    flash(said if number else "The spreadsheet says what stands here already.")
    return redirect(url_for("answers.answers", slug=slug), code=303)
