"""The evidence on a regulation, as a page and as data: the count in all its parts, the points, costs, submissions."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from flask import Response, render_template, request, url_for

from accounts.rules import Capacity
from analysis.folding import SentRound, sent_round
from analysis.queries import PointRow, points_of
from core import clock
from core.access import public
from core.clock import in_uk
from decisions.queries import decisions_on
from opendata.rules import labelled
from opendata.serving import json_response
from pages import reading
from pages.crossing import CAPACITY, LEVEL, SEALED, THINGS, Crossing, crossed, things_asked
from pages.evidence import Crossed, Told, crossed_tally, received, said_by, since, told_by_voters
from pages.points import readable
from pages.regulation_routes import bp
from regulations.models import Regulation
from regulations.queries import regulation_with
from search.rules import LONGEST_QUERY
from voting.queries import cells_of, tally_of
from voting.rules import Cell, Tally

FIELDS = ("slug", "part", "group", "by_group", "capacity", "level", *Tally().counts)
NOTHING_TOLD = Told((), ())
WORDS_SOUGHT = 8
"""By so many of its first words a text that many sent is found among the reasons."""


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
    by_two = crossed_tally(cells)
    points = [] if sealed else readable(points_of(found.id))
    told = NOTHING_TOLD if sealed else told_by_voters(found.id, _told_before(found, now))
    crossing = _crossing(found, cells, told, sealed)
    if form == "csv":
        rows = _rows(slug, by_two, told, points, crossing, sealed)
        return reading.rows_as(form, rows, FIELDS, f"{slug}-evidence")
    sent = [] if sealed else sent_round(found.id)
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
            "rows": _rows(slug, by_two, told, points, crossing, sealed),
            "crossed": {"rows": crossing.rows, "by": crossing.by, "why_not": crossing.why_not or None},
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
        says=[
            {
                "who": each.capacity.plural,
                "tally": each.tally,
                "points": each.points,
                "href": _reasons_of(slug, each.capacity),
            }
            for each in said_by(tally, points)
        ],
        crossing=crossing,
        things={name: title for name, (title, _) in THINGS.items()},
        ways=_ways(slug, crossing),
        cuts=[
            {"title": cut.title, "parts": [(label, part) for _, label, part in cut.parts], "whole": cut.whole}
            for cut in told.cuts
        ],
        costs=told.costs,
        told_since=found.theme.frozen_at is None,
        points=[
            vars(row) | {"href": _point_href(row), "split": row.split, "who": _who(row.by_capacity)} for row in points
        ],
        most=max((row.behind for row in points), default=0),
        sent=[vars(each) | {"href": _like(slug, each)} for each in sent],
        received=came,
        since=replace(changed, published_at=in_uk(changed.published_at)) if changed else None,
        decision_href=url_for("decision_log.decision", reference=changed.reference) if changed else "",
        downloads={form: _address(slug, crossing, f"evidence_{form}") for form in ("json", "csv")},
        as_on=reading.today(),
    )


def _crossing(found: Regulation, cells: Sequence[Cell], told: Told, sealed: bool) -> Crossing:
    """Of what stands in clear in the record the folded votes are crossed, as they stand in the tally beside."""
    rows, by = things_asked(request.args.get("rows"), request.args.get("by"))
    if sealed:
        return Crossing(rows, by, why_not=SEALED)
    in_clear = {rows, by} <= {CAPACITY, LEVEL}
    return crossed(cells if in_clear else told.votes, rows, by, is_final=found.theme.frozen_at is not None)


def _asked(crossing: Crossing) -> dict[str, str]:
    """What an address says of it: nothing where it shows what stands there unasked."""
    asked = {"rows": crossing.rows, "by": crossing.by}
    return {} if asked == {"rows": CAPACITY, "by": LEVEL} else asked


WAYS = ((CAPACITY, LEVEL), ("sector", CAPACITY), ("size_band", CAPACITY), ("sector", "nation"))


def _ways(slug: str, crossing: Crossing) -> list[tuple[str, str]]:
    """Some tables that many will want, but for the one that is there."""
    pairs = [Crossing(*pair) for pair in WAYS if pair != (crossing.rows, crossing.by)]
    return [(each.title, f"{_address(slug, each, 'evidence')}#crossed") for each in pairs]


def _address(slug: str, crossing: Crossing, name: str) -> str:
    asked: dict[str, Any] = _asked(crossing)
    return url_for(f"reading.{name}", slug=slug, **asked)


def _who(by_capacity: dict[str, int]) -> str:
    """ "7 businesses, 1 charity" """
    words = {True: lambda who: who.label.removeprefix("A ").lower(), False: lambda who: who.plural.lower()}
    return ", ".join(f"{n:,} {words[n == 1](Capacity(who))}" for who, n in by_capacity.items())


def _reasons_of(slug: str, capacity: Capacity) -> str:
    return url_for("reading.comments", slug=slug, capacity=capacity.value)


def _like(slug: str, sent: SentRound) -> str:
    """Where the reasons in these words are read."""
    return url_for("reading.comments", slug=slug, q=" ".join(sent.text.split()[:WORDS_SOUGHT])[:LONGEST_QUERY])


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


def _rows(
    slug: str, by_two: list[Crossed], told: Told, points: list[PointRow], crossing: Crossing, sealed: bool
) -> list[dict[str, Any]]:
    """Every count on the page in one table: ``part`` says by what, ``group`` of whom."""
    nobody: dict[str, Any] = dict.fromkeys(FIELDS)
    rows = [
        nobody
        | {"slug": slug, "part": "capacity_and_level", "capacity": part.capacity.value, "level": part.level}
        | {"group": f"{part.capacity.value}-{part.level}"}
        | reading.counts_shown(part.tally, sealed)
        for part in by_two
    ]
    for cut in told.cuts:
        rows += [nobody | {"slug": slug, "part": cut.name, "group": word} | part.counts for word, _, part in cut.parts]
    rows += [
        nobody
        | {"slug": slug, "part": f"{crossing.rows}_by_{crossing.by}", "group": group.word, "by_group": part.word}
        | part.tally.counts
        for group in (crossing.groups if _asked(crossing) else ())
        for part in group.parts
    ]
    rows += [
        nobody | {"slug": slug, "part": "point", "group": row.public_id, "participants": row.behind} | row.by_choice
        for row in points
    ]
    return rows
