"""What came by other ways than the ballot, as readers see it: on a regulation, one by one, and its papers."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from analysis.submission_queries import SubmissionRow, count_submissions, submission_row, submissions_of
from analysis.submission_routes import as_paper
from core import clock
from core.access import public
from core.errors import NotFound
from core.paging import PER_PAGE, Page, page_number
from pages import reading
from regulations.queries import regulation_with

bp = Blueprint("sent", __name__)

SUBMISSION_FIELDS = (
    "reference", "slug", "theme", "how", "capacity", "organisation", "received_on", "text", "points", "signatures",
    "paper", "paper_sha256", "from_ballot", "withheld", "withheld_because", "entry", "url",
)  # fmt: skip


@bp.route("/regulations/<slug>/submissions")
@bp.route("/regulations/<slug>/submissions.json", endpoint="submissions_json")
@bp.route("/regulations/<slug>/submissions.csv", endpoint="submissions_csv")
@public
def submissions(slug: str) -> str | Response:
    """Those on this regulation, and those on its whole theme."""
    found = regulation_with(slug)
    form = reading.form_asked()
    if form != "html":
        rows = [_row(row) for row in submissions_of(found.id)]
        return reading.rows_as(form, rows, SUBMISSION_FIELDS, f"{slug}-submissions")
    counted = count_submissions(found.id)
    number = min(page_number(request.args.get("page")), Page([], 1, counted.total).pages)
    shown = [_shown(row) for row in submissions_of(found.id, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)]
    return render_template(
        "analysis/regulation_submissions.html",
        regulation=found,
        clock=reading.clock_of(found, clock.now()).given,
        groups=[
            ("here", "On this regulation", [row for row in shown if row["slug"]]),
            ("theme", "On the whole theme", [row for row in shown if not row["slug"]]),
        ],
        counted=counted,
        page=Page(shown, number, counted.total),
        page_url=lambda n: url_for("sent.submissions", slug=slug, page=n if n > 1 else None),
        downloads={form: url_for(f"sent.submissions_{form}", slug=slug) for form in ("json", "csv")},
    )


@bp.route("/submissions/<reference>")
@public
def submission(reference: str) -> str:
    row = submission_row(reference)
    return render_template("analysis/public_submission.html", row=_shown(row))


@bp.route("/submissions/<reference>/paper")
@public
def paper(reference: str) -> Response:
    row = submission_row(reference)
    if not row.is_readable or not row.file_sha256:
        raise NotFound("There is no paper to read at this address.")
    return as_paper(row.file_sha256, f"{row.reference}-{row.file_name}")


def _shown(row: SubmissionRow) -> dict[str, Any]:
    return {**vars(row), "paper": _paper_path(row), "url": url_for("sent.submission", reference=row.reference)}


def _paper_path(row: SubmissionRow) -> str:
    return url_for("sent.paper", reference=row.reference) if row.file_sha256 else ""


def _row(row: SubmissionRow) -> dict[str, Any]:
    has_paper = bool(row.file_sha256)
    return {
        "reference": row.reference,
        "slug": row.slug,
        "theme": row.theme,
        "how": row.how.value,
        "capacity": row.capacity.value,
        "organisation": row.organisation or None,
        "received_on": row.received_on,
        "text": (row.text or None) if row.is_readable else None,
        "points": [point.public_id for point in row.points],
        "signatures": row.signatures,
        "paper": reading.address("sent.paper", reference=row.reference) if has_paper else None,
        "paper_sha256": row.file_sha256 or None,
        "from_ballot": row.from_ballot,
        "withheld": row.withheld is not None,
        "withheld_because": row.withheld.value if row.withheld else None,
        "entry": row.entry_id,
        "url": reading.address("sent.submission", reference=row.reference),
    }
