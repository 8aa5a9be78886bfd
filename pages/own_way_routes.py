"""One contribution and what became of it, on a page to print or keep. It has no public address."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_login import current_user

from analysis.queries import PointRow, placed_of, point_row
from core import clock
from core.access import participant
from core.errors import NotFound
from decisions.answers import AnswerRow, answers_to_comments
from decisions.queries import decision_with
from decisions.rules import Outcome
from pages.own_way import Shown, WayStep, in_words, way_of
from pages.own_way_queries import becoming_of, steps_taken
from pages.personal_queries import Contribution, contribution_to
from voting.rules import Choice, Direction

bp = Blueprint("own_way", __name__)


def ways_of(rows: Sequence[Contribution], *, named: bool = True) -> dict[str, list[WayStep]]:
    """By the regulation's slug: each contribution's way, in as many questions for many as for one."""
    comments = [row.comment_id for row in rows if row.comment_id is not None]
    placed, answers = placed_of(comments), answers_to_comments(comments)
    steps = steps_taken([row.decision for row in rows if row.decision])
    known = {row.slug: becoming_of(row, placed, answers, steps, _decision_href(row)) for row in rows}
    return {slug: way_of(replace(one, named=named)) for slug, one in known.items()}


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
    answer = answers_to_comments([row.comment_id]).get(row.comment_id) if row.comment_id and not row.hidden_by else None
    point = _point_of(row, answer)
    words = row.reason if not (row.hidden_by or row.masked_by) else ""
    tells = point is not None and point["tells"]
    shows = _shows(by_itself=not tells)
    return render_template(
        "personal/contribution.html",
        row=row,
        citation=row.citation.official,
        steps=ways_of([row], named=shows["point"])[row.slug],
        point=point,
        answer=answer,
        offered=[
            ("choice", "Show which way I chose", ""),
            *([("words", "Show my own words", "")] if words else []),
            *([("point", "Name the point and the answer", TELLS if tells else MAY_TELL)] if point else []),
        ],
        in_words=in_words(_to_show(row, point, answer, words, shows)),
        decision=decision_with(row.decision) if row.decision else None,
        decided_on=clock.uk_day(row.decided_at) if row.decided_at else None,
        due_on=clock.last_day(row.due_at),
        cast_on=clock.uk_day(row.cast_at),
        on=clock.uk_day(now),
        shows=shows,
        words=words,
        only_here="ticked" not in request.args,
    )


MAY_TELL = "Its page says which way most of those behind it went."
TELLS = "Everybody behind it chose the same, as its page says. Whoever knows your point knows what you chose."


def _shows(*, by_itself: bool) -> dict[str, bool]:
    """The point is named until its owner unticks it, unless that would tell what they chose."""
    ticked = {name: request.args.get(name) == "yes" for name in ("choice", "words", "point")}
    return ticked if "ticked" in request.args else ticked | {"point": ticked["point"] or by_itself}


def _to_show(
    row: Contribution, point: dict[str, Any] | None, answer: AnswerRow | None, words: str, shows: dict[str, bool]
) -> Shown:
    site = current_app.config["SITE"]
    way = f", {Direction(row.direction).label.lower()}" if row.direction else ""
    is_named = point is not None and not point["few"]
    return Shown(
        title=row.title,
        asked_for=f"{Choice(row.choice).label}{way}" if shows["choice"] and row.choice else "",
        point=point["title"] if point and is_named and shows["point"] else "",
        others=point["others"] if point and is_named else None,
        words=" ".join(words.split()) if shows["words"] else "",
        answer=answer.told.lower() if answer and shows["point"] else "",
        outcome=Outcome(row.outcome).label.lower() if row.outcome else "",
        statement=row.statement,
        href=site.url + (f"/decisions/{row.decision}" if row.decision else f"/regulations/{row.slug}"),
        demonstration=site.demonstration,
    )


def _point_of(row: Contribution, answer: AnswerRow | None) -> dict[str, Any] | None:
    """The point that stands for this reason: the answered one, or else the one with most people behind it."""
    if row.comment_id is None or row.hidden_by:
        return None
    if answer is not None and answer.point_id is not None:
        behind = point_row(answer.point_id)
        return _one_point(answer.point_title, answer.behind, answer.few, behind)
    under: list[PointRow] = [point_row(each.point_id) for each in placed_of([row.comment_id])[:3] if each.counts]
    if not under:
        return None
    most = max(under, key=lambda point: (not point.few, point.behind))
    return _one_point(most.title, most.behind, most.few, most)


def _one_point(title: str, people: int, few: bool, point: PointRow) -> dict[str, Any]:
    ways = sum(number > 0 for number in point.by_choice.values())
    return {"title": title, "others": max(0, people - 1), "few": few, "tells": not few and ways <= 1}
