"""A point's own page."""

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from accounts.rules import Capacity
from analysis.queries import comments_under, point_row, point_with, wordings_of
from analysis.services import is_kept
from core.access import public
from core.clock import in_uk
from core.paging import PER_PAGE, Page, page_number
from decisions.rules import Verdict
from opendata.rules import labelled
from opendata.serving import json_response
from pages import reading
from pages.points import Answered, answers_to, check_readable

bp = Blueprint("points", __name__)


@bp.route("/points/<public_id>")
@public
def point(public_id: str) -> str:
    found = point_with(public_id)
    row, regulation = point_row(found.id), found.regulation
    check_readable(found, row)
    number = min(page_number(request.args.get("page")), Page([], 1, row.comments).pages)
    page = Page[Any]([], number, row.comments)
    reasons = comments_under(found.id, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    return render_template(
        "reading/point.html",
        regulation=regulation,
        kept=is_kept(regulation),
        point=row,
        withdrawn_on=in_uk(found.withdrawn_at) if found.withdrawn_at else None,
        split=row.split,
        capacities=[(Capacity(name).plural, number) for name, number in row.by_capacity.items()],
        page=Page([reading.reason_shown(reason) for reason in reasons], number, row.comments),
        page_url=lambda n: url_for("points.point", public_id=public_id, page=n if n > 1 else None),
        first_page=page.number == 1,
        answers=[_answer_shown(answer) for answer in answers_to(found.id)],
        wordings=[
            {"title": w.title, "by": w.worded_by, "at": in_uk(w.worded_at), "href": _line(w.entry_id)}
            for w in wordings_of(found.id)
        ],
        line_href=_line(row.entry_id),
        as_on=reading.today(),
        json_href=url_for("points.point_json", public_id=public_id),
    )


def _line(entry_id: str) -> str:
    return url_for("reading.entry", entry_id=entry_id)


def _answer_shown(answer: Answered) -> dict[str, Any]:
    return {
        "reference": answer.reference,
        "href": url_for("decision_log.decision", reference=answer.reference),
        "on": in_uk(answer.published_at),
        "verdict": Verdict(answer.verdict).told,
        "reasons": answer.reasons,
        "point_title": answer.point_title,
        "behind": answer.behind,
        "line_href": _line(answer.entry_id),
    }


@bp.route("/points/<public_id>.json")
@public
def point_json(public_id: str) -> Response:
    found = point_with(public_id)
    row = point_row(found.id)
    check_readable(found, row)
    said = {
        "id": row.public_id,
        "slug": found.regulation.slug,
        "title": row.title,
        "summary": row.summary,
        "few": row.few,
        "withdrawn_at": found.withdrawn_at,
        "behind": row.behind,
        "comments": row.comments,
        "submissions": row.submissions,
        **row.by_choice,
        "by_capacity": row.by_capacity,
        "reasons": [reading.comment_row(reason) for reason in comments_under(found.id)],
        "answers": [
            {
                "decision": answer.reference,
                "published_at": answer.published_at,
                "verdict": answer.verdict,
                "reasons": answer.reasons,
                "point_title": answer.point_title,
                "behind": answer.behind,
                "entry": answer.entry_id,
            }
            for answer in answers_to(found.id)
        ],
        "wordings": [
            {"title": w.title, "summary": w.summary, "by": w.worded_by, "at": w.worded_at, "entry": w.entry_id}
            for w in wordings_of(found.id)
        ],
        "url": reading.address("points.point", public_id=public_id),
    }
    return json_response(labelled([said], demonstration=reading.is_demonstration())[0])
