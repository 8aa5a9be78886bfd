"""Reading about one regulation: its own page, the reasons people gave, the evidence. The trail is in record_routes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from accounts.rules import Capacity, Level
from core import clock
from core.access import public
from core.errors import Unavailable
from core.forms import tidy_line
from core.paging import Page, page_number
from decisions.queries import decisions_on
from opendata.queries import regulation as listed_regulation
from opendata.rules import labelled, regulation_row
from opendata.serving import json_response
from pages import reading, trail
from pages.trail import Place
from regulations.due import DueMove, due_moves
from regulations.models import Regulation
from regulations.queries import regulation_and_sectors, regulation_with
from regulations.rules import SECTORS, Stage
from search.queries import matching_comments
from search.rules import LONGEST_QUERY
from voting.queries import count_readable, count_reasons, reasons_of, strongest_reasons, tally_of
from voting.rules import Choice, Tally

bp = Blueprint("reading", __name__)

TRAIL_LINES = 7
FOUND_AT_MOST = 5_000
CAPACITIES = {capacity.plural: capacity.value for capacity in Capacity}
LEVELS = {level.name.replace("_", " ").capitalize(): level.value for level in Level}


@bp.route("/regulations/<slug>")
@public
def regulation(slug: str) -> str:
    now = clock.now()
    found, sectors = regulation_and_sectors(slug)
    tally = tally_of(found.id)
    decisions = decisions_on(found.id) if found.settled else []
    place = Place(found.slug, found.theme_id)
    acts = trail.acts(place, limit=TRAIL_LINES + 1, demonstration=reading.is_demonstration())
    story = trail.together(acts, trail.folded_days(place))
    return render_template(
        "reading/regulation.html",
        regulation=found,
        clock=reading.clock_of(found, now, decisions[0] if decisions else None).given,
        is_open=reading.is_open(found, now),
        tally=reading.dated(tally, found),
        final_at=reading.final_at_of(found),
        has_closed=found.theme.window.has_closed(now),
        was_asked=_was_asked(found, tally, bool(decisions)),
        tally_mode=reading.tally_mode(found, tally, now),
        decision=decisions[0] if decisions else None,
        decided_on=clock.uk_day(decisions[0].published_at) if decisions else None,
        earlier_decisions=decisions[1:],
        due_moves=_due_moves(found, now),
        listed_later=found.listed_at > found.theme.opens_at,
        sides=[] if reading.is_sealed(found) else _sides(found),
        in_force=reading.day_in(found.in_force) or found.in_force,
        checked_on=reading.day_in(found.checked_on),
        source=reading.SOURCES.get(found.source, found.source),
        sectors=[SECTORS.get(name, name) for name in sectors],
        trail=[reading.trail_shown(found.slug, item) for item in story[:TRAIL_LINES]],
        left_out=trail.left_out(story[TRAIL_LINES:]),
        contents_list=_contents(found, tally, bool(decisions)),
    )


def _due_moves(found: Regulation, now: datetime) -> list[DueMove]:
    """Why the decision is due later than its close would have it, while that is still waited for."""
    if found.settled or not found.theme.window.has_closed(now):
        return []
    return due_moves([found.theme_id]).get(found.theme_id, [])


def _was_asked(found: Regulation, tally: Tally, decided: bool) -> bool:
    """What was spent before anybody could answer has no count and no reasons to show."""
    return decided or tally.participants > 0 or found.settled != Stage.ALREADY_SPENT


def _contents(found: Regulation, tally: Tally, decided: bool) -> list[tuple[str, str]]:
    sections = {
        "#decision": ("The decision", decided),
        "#about": ("What it is, and who must obey it", True),
        "#chosen": ("What people chose", _was_asked(found, tally, decided)),
        "#reasons": ("The reasons people gave", _was_asked(found, tally, decided)),
        "#trail": ("Its trail", True),
    }
    return [(title, anchor) for anchor, (title, is_there) in sections.items() if is_there]


def _sides(found: Regulation) -> list[dict[str, Any]]:
    totals = count_reasons(found.id)
    return [
        {
            "choice": choice.value,
            "reasons": [reading.reason_shown(reason) for reason in reasons],
            "total": totals.get(choice, 0),
            "url": url_for("reading.comments", slug=found.slug, choice=choice.value),
        }
        for choice, reasons in strongest_reasons(found.id).items()
    ]


@bp.route("/regulations/<slug>.json")
@public
def regulation_json(slug: str) -> Response:
    listed, found = listed_regulation(slug, clock.now()), regulation_with(slug)
    tally = tally_of(found.id)
    sealed = listed.sealed or tally.sealed
    row = regulation_row(listed, reading.address("reading.regulation", slug=slug)) | {
        "sentence": found.sentence,
        "summary": found.summary,
        "binds": found.binds,
        "in_force": found.in_force,
        "checked_on": found.checked_on,
        "source": found.source,
        "link": found.link,
        "reasons": tally.reasons,
        "counted_at": tally.as_at,
        "counted_lines": tally.position,
        "by_capacity": [_part("capacity", CAPACITIES[label], part, sealed, label) for label, part in tally.by_capacity],
        "by_level": [_part("level", LEVELS[label], part, sealed, label) for label, part in tally.by_level],
    }
    return json_response(labelled([row], demonstration=reading.is_demonstration())[0])


def _part(name: str, code: str | int, tally: Tally, sealed: bool, label: str) -> dict[str, Any]:
    return {name: code, "label": label} | reading.counts_shown(tally, sealed)


@bp.route("/regulations/<slug>/comments")
@bp.route("/regulations/<slug>/comments.json", endpoint="comments_json")
@bp.route("/regulations/<slug>/comments.csv", endpoint="comments_csv")
@public
def comments(slug: str) -> str | Response:
    found = regulation_with(slug)
    asked = {
        "choice": _one_of(Choice, "choice"),
        "capacity": _one_of(Capacity, "capacity"),
        "q": tidy_line(request.args.get("q"))[:LONGEST_QUERY].strip(),
        "sort": "newest" if request.args.get("sort") == "newest" else "",
    }
    ids = matching_comments(asked["q"], found.id, FOUND_AT_MOST) if asked["q"] else None
    wanted: dict[str, Any] = {
        "choice": asked["choice"],
        "capacity": asked["capacity"],
        "ids": ids,
        "newest": bool(asked["sort"]),
    }
    form = reading.form_asked()
    if form != "html":
        if asked["q"] and ids is None:
            raise Unavailable("The search of reasons is being rebuilt. Please try again in a few minutes.")
        rows = [reading.comment_row(reason) for reason in reasons_of(found.id, **wanted)]
        return reading.rows_as(form, rows, reading.COMMENT_FIELDS, f"{slug}-reasons")

    numbers = count_readable(found.id, ids=ids)
    total = sum(n for (choice, capacity), n in numbers.items() if _fits(asked, choice=choice, capacity=capacity))
    number = min(page_number(request.args.get("page")), Page([], 1, total).pages)
    page: Page[dict[str, Any]] = Page([], number, total)
    here = reasons_of(found.id, **wanted, offset=(number - 1) * page.per_page, limit=page.per_page)

    def address(**changes: Any) -> str:
        return url_for("reading.comments", slug=slug, **reading.kept(**(asked | changes)))

    return render_template(
        "reading/comments.html",
        regulation=found,
        clock=reading.clock_of(found, clock.now()).given,
        is_open=reading.is_open(found, clock.now()),
        sealed=reading.is_sealed(found),
        has_closed=found.theme.window.has_closed(clock.now()),
        asked=asked,
        rebuilding=bool(asked["q"]) and ids is None,
        page=replace(page, rows=[reading.reason_shown(reason) for reason in here]),
        page_url=lambda n: address(page=n if n > 1 else 0),
        facets=[
            _facet("choice", "Choice", {c.value: c.label for c in Choice}, numbers, asked, address),
            _facet("capacity", "Who people speak for", {c.value: c.plural for c in Capacity}, numbers, asked, address),
        ],
        filters=_filters_in_use(asked, address),
        clear_url=address(q="", choice="", capacity=""),
        sorts=[
            {"label": "Most supported", "url": address(sort=""), "active": not asked["sort"]},
            {"label": "Newest", "url": address(sort="newest"), "active": bool(asked["sort"])},
        ],
        downloads={
            form: url_for(f"reading.comments_{form}", slug=slug, **reading.kept(**asked)) for form in ("json", "csv")
        },
    )


def _one_of(words: Any, name: str) -> str:
    asked = request.args.get(name, "")
    return asked if asked in tuple(words) else ""


def _fits(asked: dict[str, str], **row: str) -> bool:
    return all(not asked[name] or asked[name] == value for name, value in row.items())


def _facet(
    name: str,
    title: str,
    words: dict[str, str],
    numbers: dict[tuple[str, str], int],
    asked: dict[str, str],
    address: Callable[..., str],
) -> dict[str, Any]:
    """The values of one filter, each with how many there would be under the other."""
    counts = dict.fromkeys(words, 0)
    for (choice, capacity), n in numbers.items():
        row = {"choice": choice, "capacity": capacity}
        counts[row[name]] += n if _fits(asked | {name: ""}, **row) else 0
    items = [
        {"label": label, "count": counts[word], "url": address(**{name: "" if active else word}), "active": active}
        for word, label in words.items()
        if (active := asked[name] == word) or counts[word]
    ]
    return {"title": title, "items": items, "clear_url": address(**{name: ""})}


def _filters_in_use(asked: dict[str, str], address: Callable[..., str]) -> list[dict[str, str]]:
    used = {
        "q": ("Words", asked["q"]),
        "choice": ("Choice", Choice(asked["choice"]).label if asked["choice"] else ""),
        "capacity": ("Who", Capacity(asked["capacity"]).plural if asked["capacity"] else ""),
    }
    return [
        {"label": label, "value": word, "remove_url": address(**{name: ""})}
        for name, (label, word) in used.items()
        if word
    ]
