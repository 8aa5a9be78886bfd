"""The answers on one regulation as a spreadsheet, and back."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts.rules import Role
from analysis.services import is_kept
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
    form, checked = SheetForm(), None
    regulation = regulation_to_work_on(slug, _me())
    rows = _rows(regulation)
    if form.validate_on_submit():
        try:
            if request.form.get("do") == "save":
                number = _save(slug, form.changes.data)
                flash("1 answer is saved." if number == 1 else f"{number:,} answers are saved.")
                return redirect(url_for("answers.answers", slug=slug), code=303)
            checked = answer_sheets.check(_sheet(form), rows)
        except NotAllowed:
            raise
        except RuleBroken as error:
            form.show_rule_broken(error)
    if checked is not None:
        form.changes.data = answer_sheets.packed(checked.changes)
        for mistake in checked.mistakes:
            form.form_errors.append(f"Row {mistake.row}: {mistake.what}")
    page = render_template(
        "decisions/answers_upload.html",
        regulation=regulation,
        form=form,
        checked=checked,
        known={row.key: row for row in rows},
        verdict_word=lambda verdict: Verdict(verdict).label if verdict else "No answer",
    )
    return page, 422 if form.errors else 200


def _sheet(form: SheetForm) -> list[tuple[int, dict[str, str]]]:
    file: Any = request.files.get("sheet")
    if not file or not file.filename:
        raise RuleBroken("Choose the spreadsheet.", field="sheet")
    return answer_sheets.read(file.filename, file.read())


def _save(slug: str, changes: str | None) -> int:
    """Looked at once more within the transaction: what a colleague wrote since the preview is not overwritten."""
    with transaction():
        regulation, me, now = regulation_with(slug), _me(), clock.now()
        checked: Checked = answer_sheets.check(answer_sheets.unpacked(changes), _rows(regulation))
        if checked.mistakes:
            raise RuleBroken(f"{checked.mistakes[0].what} Nothing was saved: bring the spreadsheet again.")
        for change in checked.changes:
            save_answer(
                regulation=regulation, **worksheet.about(regulation, change.key), verdict=change.chosen,
                reasons=change.reasons, version=change.version, by=me, now=now,
            )  # fmt: skip
    return len(checked.changes)
