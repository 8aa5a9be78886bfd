"""The evidence on a regulation, as a page and as data: the count in all its parts, the points, costs, submissions."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from flask import Response, render_template, url_for

from analysis.folding import sent_round
from analysis.queries import PointRow, points_of
from core import clock
from core.access import public
from core.clock import in_uk
from decisions.queries import decisions_on
from opendata.rules import labelled
from opendata.serving import json_response
from pages import reading
from pages.evidence import Crossed, Told, crossed_tally, received, since, told_by_voters
from pages.regulation_routes import bp
from regulations.models import Regulation
from regulations.queries import regulation_with
from voting.queries import cells_of, tally_of
from voting.rules import Tally

FIELDS = ("slug", "part", "group", "capacity", "level", *Tally().counts)
NOTHING_TOLD = Told((), ())


@bp.route("/regulations/<slug>/evidence")
@bp.route("/regulations/<slug>/evidence.json", endpoint="evidence_json")
@bp.route("/regulations/<slug>/evidence.csv", endpoint="evidence_csv")
@public
def evidence(slug: str) -> str | Response:
    now = clock.now()
    found = regulation_with(slug)
    cells, form = cells_of(found.id), reading.form_asked()
    tally = tally_of(found.id, cells)
    sealed = reading.tally_mode(found, tally, now) == "kept"
    crossed = crossed_tally(cells)
    points = [] if sealed else points_of(found.id)
    told = NOTHING_TOLD if sealed else told_by_voters(found.id, _told_before(found, now))
    sent = [] if sealed else sent_round(found.id)
    if form == "csv":
        rows = _rows(slug, crossed, told, points, sealed)
        return reading.rows_as(form, rows, FIELDS, f"{slug}-evidence")
    decisions = decisions_on(found.id) if found.settled else []
    came = received(found, decisions[0].published_at if decisions else None)
    changed = since(decisions[0], tally, points, came) if decisions else None
    if form == "json":
        said = {
            "slug": slug,
            "title": found.title,
            "counted_at": tally.as_at,
            "counted_lines": tally.position,
            "final_at": found.theme.frozen_at,
            **reading.counts_shown(tally, sealed),
            "rows": _rows(slug, crossed, told, points, sealed),
            "points": [_point_row(row) for row in points],
            "sent_round": [vars(each) for each in sent],
            "costs": [asdict(cost) for cost in told.costs],
            "submissions": [asdict(each) for each in came],
            "since_decision": asdict(changed) if changed else None,
            "url": reading.address("reading.evidence", slug=slug),
        }
        return json_response(labelled([said], demonstration=reading.is_demonstration())[0])
    return render_template(
        "reading/evidence.html",
        regulation=found,
        clock=reading.clock_of(found, now, decisions[0] if decisions else None).given,
        tally=reading.dated(tally, found),
        final_at=reading.final_at_of(found),
        sealed=sealed,
        has_closed=found.theme.window.has_closed(now),
        crossed=[(part.label, part.tally) for part in crossed],
        cuts=[
            {"title": cut.title, "parts": [(label, part) for _, label, part in cut.parts], "whole": cut.whole}
            for cut in told.cuts
        ],
        costs=told.costs,
        told_since=found.theme.frozen_at is None,
        points=[vars(row) | {"href": _point_href(row), "split": row.split} for row in points],
        most=max((row.behind for row in points), default=0),
        sent=sent,
        received=came,
        since=replace(changed, published_at=in_uk(changed.published_at)) if changed else None,
        decision_href=url_for("decision_log.decision", reference=changed.reference) if changed else "",
        downloads={form: url_for(f"reading.evidence_{form}", slug=slug) for form in ("json", "csv")},
        as_on=reading.today(),
    )


def _told_before(found: Regulation, now: datetime) -> datetime | None:
    """While votes come in, what their givers add counts from the next day on."""
    return None if found.theme.frozen_at else clock.day_begins(clock.uk_day(now))


def _point_href(row: PointRow) -> str:
    return url_for("points.point", public_id=row.public_id)


def _point_row(row: PointRow) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "title": row.title,
        "summary": row.summary,
        "few": row.few,
        "behind": row.behind,
        "comments": row.comments,
        "submissions": row.submissions,
        **row.by_choice,
        "by_capacity": row.by_capacity,
        "entry": row.entry_id,
        "url": reading.address("points.point", public_id=row.public_id),
    }


def _rows(slug: str, crossed: list[Crossed], told: Told, points: list[PointRow], sealed: bool) -> list[dict[str, Any]]:
    """Every count on the page in one table: ``part`` says by what, ``group`` of whom."""
    nobody: dict[str, Any] = dict.fromkeys(FIELDS)
    rows = [
        nobody
        | {"slug": slug, "part": "capacity_and_level", "capacity": part.capacity.value, "level": part.level}
        | {"group": f"{part.capacity.value}-{part.level}"}
        | reading.counts_shown(part.tally, sealed)
        for part in crossed
    ]
    for cut in told.cuts:
        rows += [nobody | {"slug": slug, "part": cut.name, "group": word} | part.counts for word, _, part in cut.parts]
    rows += [
        nobody | {"slug": slug, "part": "point", "group": row.public_id, "participants": row.behind} | row.by_choice
        for row in points
    ]
    return rows
