"""One contribution and what became of it, on a page to print or keep. It has no public address."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from analysis.queries import PointRow, placed_of, point_row
from core import clock
from core.access import participant
from core.errors import NotFound
from decisions.answers import AnswerRow, answers_to_comments
from decisions.queries import decision_with
from pages.own_way import WayStep, way_of
from pages.own_way_queries import becoming_of, steps_taken
from pages.personal_queries import Contribution, contribution_to

bp = Blueprint("own_way", __name__)


def ways_of(rows: Sequence[Contribution]) -> dict[str, list[WayStep]]:
    """By the regulation's slug: each contribution's way, in as many questions for many as for one."""
    comments = [row.comment_id for row in rows if row.comment_id is not None]
    placed, answers = placed_of(comments), answers_to_comments(comments)
    steps = steps_taken([row.decision for row in rows if row.decision])
    return {row.slug: way_of(becoming_of(row, placed, answers, steps, _decision_href(row))) for row in rows}


def _decision_href(row: Contribution) -> str:
    return url_for("decision_log.decision", reference=row.decision) if row.decision else ""


@bp.route("/my/contributions/<slug>")
@participant
def contribution(slug: str) -> str:
    """What it shows of the person, their choice and their words, is up to them."""
    now = clock.now()
    row = contribution_to(slug, current_user.id, now)
    if row is None or row.choice is None:
        raise NotFound("You have no vote on this regulation that stands.")
    answer = answers_to_comments([row.comment_id]).get(row.comment_id) if row.comment_id else None
    return render_template(
        "personal/contribution.html",
        row=row,
        citation=row.citation.official,
        steps=ways_of([row])[row.slug],
        point=_point_of(row, answer),
        answer=answer if not row.hidden_by else None,
        decision=decision_with(row.decision) if row.decision else None,
        decided_on=clock.uk_day(row.decided_at) if row.decided_at else None,
        due_on=clock.last_day(row.due_at),
        cast_on=clock.uk_day(row.cast_at),
        on=clock.uk_day(now),
        shows=_shows(),
        words=row.reason if not (row.hidden_by or row.masked_by) else "",
    )


def _shows() -> dict[str, bool]:
    return {name: request.args.get(name) == "yes" for name in ("choice", "words")}


def _point_of(row: Contribution, answer: AnswerRow | None) -> dict[str, Any] | None:
    """The point that stands for this reason: the answered one, or else the one with most people behind it."""
    if row.comment_id is None or row.hidden_by:
        return None
    if answer is not None and answer.point_id is not None:
        return {"title": answer.point_title, "others": max(0, answer.behind - 1), "few": answer.few}
    under: list[PointRow] = [point_row(each.point_id) for each in placed_of([row.comment_id])[:3] if each.counts]
    if not under:
        return None
    most = max(under, key=lambda point: (not point.few, point.behind))
    return {"title": most.title, "others": max(0, most.behind - 1), "few": most.few}
