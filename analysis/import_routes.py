"""Staff import many submissions at once: a file, a preview with what is wrong in which row, then all or nothing."""

import csv
import io
from typing import Any

import xlsxwriter
from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from accounts.models import Account
from analysis.importing import COLUMNS, Prepared, import_rows, prepare
from analysis.sent_files import count_sent, status_of_refusal
from analysis.services import ANALYSTS
from analysis.submission_forms import ImportForm
from analysis.tables import MOST_BYTES, Table, read_table
from analysis.uploads import drop_upload, keep_upload, kept_upload
from core import clock
from core.access import staff
from core.db import transaction
from core.errors import RuleBroken
from regulations.models import Theme
from regulations.queries import theme_with, themes

bp = Blueprint("importing", __name__)

Answer = str | AnyResponse | tuple[str, int]
PREVIEWED = 50
WRONG_TOLD = 200
EXAMPLE = (
    "letter", "charity", "Example Aid", "2026-03-01", "SI 1992/2792", "", "What the letter says.", "", "", "", "17", "",
)  # fmt: skip


@bp.record_once
def _let_forms_answer_for_themselves(state: BlueprintSetupState) -> None:
    state.app.extensions["csrf"].exempt(import_submissions)


@bp.route("/staff/submissions/import", methods=["GET", "POST"])
@staff(*ANALYSTS)
def import_submissions() -> Answer:
    request.max_content_length = MOST_BYTES + 512 * 1024
    form, status, shown = ImportForm(), 200, {}
    form.offer_themes([(theme.slug, theme.title) for theme in themes(clock.now())])
    if request.method == "POST":
        status = 422
        try:
            if form.validate():
                if form.kept.data and not form.file.data:
                    return _import(form)
                shown, status = _preview(form), 200
        except RuleBroken as error:
            form.kept.data, status = "", status_of_refusal(error)
            form.show_rule_broken(error)
    page = render_template("analysis/import_submissions.html", form=form, columns=COLUMNS, **shown)
    return page, 400 if "csrf_token" in form.errors else status


def _preview(form: ImportForm) -> dict[str, Any]:
    """What would be entered, and what has to be put right first."""
    if not form.file.data:
        raise RuleBroken("Choose a file.", field="file")
    name, content = form.file.data.filename or "", form.file.data.read()
    count_sent(len(content), _me())
    table = read_table(name, content)
    prepared = prepare(table, now=clock.now(), by=_me(), theme=_theme(form))
    form.kept.data = ""
    if prepared.ready and not prepared.wrong:
        form.kept.data = keep_upload(sender=_me().id, name=name, content=content, now=clock.now())
    return {"table": table, "file_name": name, "prepared": prepared, "rows": _rows(prepared), "told": WRONG_TOLD}


def _rows(prepared: Prepared) -> list[dict[str, Any]]:
    return [
        {"row": ready.row, "about": ready.regulation.title if ready.regulation else f"Theme: {ready.theme.title}"}
        | vars(ready.received)
        for ready in prepared.ready[:PREVIEWED]
    ]


def _import(form: ImportForm) -> AnyResponse:
    kept = form.kept.data
    table: Table = read_table(kept, kept_upload(sender=_me().id, kept=kept))
    with transaction():
        done = import_rows(
            table=table, by=_me(), now=clock.now(), theme=_theme(form),
            demonstration=current_app.config["SITE"].demonstration,
        )  # fmt: skip
    drop_upload(sender=_me().id, kept=kept)
    return redirect(url_for("submissions.list_submissions", imported=len(done.ready), known=len(done.known)), code=303)


def _theme(form: ImportForm) -> Theme | None:
    return theme_with(form.theme.data) if form.theme.data else None


@bp.route("/staff/submissions/import/template.csv")
@staff(*ANALYSTS)
def template_csv() -> Response:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([list(COLUMNS), EXAMPLE])
    return _file("\ufeff" + written.getvalue(), "text/csv; charset=utf-8", "submissions.csv")


@bp.route("/staff/submissions/import/template.xlsx")
@staff(*ANALYSTS)
def template_xlsx() -> Response:
    """With what each column holds on a second sheet."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        rows, about, bold = (
            book.add_worksheet("Submissions"),
            book.add_worksheet("Columns"),
            book.add_format({"bold": 1}),
        )
        rows.write_row(0, 0, list(COLUMNS), bold)
        rows.write_row(1, 0, EXAMPLE)
        rows.freeze_panes(1, 0)
        rows.set_column(0, len(COLUMNS) - 1, 18)
        about.write_row(0, 0, ["Column", "What it holds"], bold)
        for number, (name, holds) in enumerate(COLUMNS.items(), 1):
            about.write_row(number, 0, [name, holds])
        about.set_column(1, 1, 100)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _file(written.getvalue(), kind, "submissions.xlsx")


def _file(content: str | bytes, kind: str, name: str) -> Response:
    return Response(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _me() -> Account:
    return current_user._get_current_object()
