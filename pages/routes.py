"""Browsing: home, themes, regulations, help; and the two addresses that machines ask whether all is well."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from audit.queries import Head, folded_position, head, log_size
from core import clock
from core.access import probe, public
from core.errors import NotFound
from core.forms import tidy_line
from core.paging import page_number
from decisions.queries import Wanted as WantedDecisions
from decisions.queries import count_decisions, decisions
from notices.rules import follow_address, followed_by, search_key
from opendata.bundle import kept_bundle
from opendata.queries import RegulationRow, ThemeNumbers, theme_numbers
from opendata.rules import DECISION_FIELDS, REGULATION_FIELDS, THEME_FIELDS, labelled, regulation_row
from opendata.serving import json_response
from pages import queries, rules
from pages.downloads import as_data
from pages.rules import Asked
from regulations.due import due_moves
from regulations.queries import ThemeRow, theme_with
from regulations.queries import themes as theme_rows
from regulations.rules import Stage
from search.rules import LONGEST_QUERY

bp = Blueprint("pages", __name__)

OPEN_THEMES_AT_HOME = 6
DECISIONS_AT_HOME = 4
HELP_PAGES = frozenset(path.stem for path in (Path(__file__).parent.parent / "templates" / "help").glob("*.html")) - {
    "index",
    "layout",
}


@bp.route("/")
@public
def home() -> ResponseReturnValue:
    now = clock.now()
    all_themes, numbers = theme_rows(now), theme_numbers()
    open_themes = [theme for theme in all_themes if theme.stage is Stage.OPEN]
    latest = [d for d in decisions(WantedDecisions(), limit=2 * DECISIONS_AT_HOME) if d.superseded_by is None]
    decision_count = count_decisions(WantedDecisions())
    return render_template(
        "pages/home.html",
        open_themes=[_theme_card(theme, numbers, now) for theme in open_themes[:OPEN_THEMES_AT_HOME]],
        open_count=len(open_themes),
        theme_count=len(all_themes),
        next_theme=next((_theme_card(t, numbers, now) for t in all_themes if t.stage is Stage.UPCOMING), None),
        decisions=latest[:DECISIONS_AT_HOME],
        decision_count=decision_count,
        stats=_home_stats(numbers, decision_count),
        counted=_counted(),
    )


def _home_stats(numbers: dict[str, ThemeNumbers], decision_count: int) -> list[dict[str, Any]]:
    size, (listed, votes) = log_size(), _totals(numbers)
    return [
        {"number": listed, "label": _one("regulation", listed), "href": "/regulations"},
        {"number": votes, "label": f"{_one('vote', votes)} counted", "href": "/themes#total"},
        {"number": decision_count, "label": _one("decision", decision_count), "href": "/decisions"},
        {
            "number": size,
            "label": f"{_one('line', size)} in the record",
            "href": "/record",
            "note": _signed_note(head()),
        },
    ]


def _signed_note(head: Head | None) -> str:
    """When the record was last signed, to the minute, or that it no longer is."""
    if head is None or head.signed_at is None:
        return "not signed yet"
    at = rules.to_the_minute(clock.in_uk(head.signed_at))
    return f"not being signed since {at}" if head.refusal else f"signed at {at}"


def _totals(numbers: dict[str, ThemeNumbers]) -> tuple[int, int]:
    """Regulations, and votes counted on them, of all themes together."""
    return sum(n.regulations for n in numbers.values()), sum(n.answers for n in numbers.values())


@bp.route("/themes")
@bp.route("/themes.<any(json, csv):form>")
@public
def themes(form: str = "") -> ResponseReturnValue:
    now = clock.now()
    numbers = theme_numbers()
    cards = [_theme_card(theme, numbers, now) for theme in theme_rows(now)]
    if form:
        return as_data(form, map(_theme_row, cards), THEME_FIELDS, "themes.csv")
    stages = (Stage.OPEN, Stage.UPCOMING, Stage.UNDER_CONSIDERATION, Stage.DECIDED)
    groups = [(stage, [card for card in cards if card["stage"] is stage]) for stage in stages]
    return render_template(
        "pages/themes.html", groups=groups, total=len(cards), totals=_totals(numbers), counted=_counted()
    )


@bp.route("/themes/<slug>")
@bp.route("/themes/<slug>.<any(json, csv):form>")
@public
def theme(slug: str, form: str = "") -> ResponseReturnValue:
    now = clock.now()
    shown = theme_with(slug)
    asked = _asked(f"/themes/{shown.slug}", of_theme=shown.slug)
    if form == "csv":
        return as_data(form, _regulation_rows(asked, now), REGULATION_FIELDS, f"{shown.slug}.csv")
    numbers = theme_numbers().get(shown.slug, ThemeNumbers())
    stage = shown.window.stage(now)
    if stage is Stage.UNDER_CONSIDERATION and numbers.settled == numbers.regulations:
        stage = Stage.DECIDED
    card = {
        "slug": shown.slug, "title": shown.title, "kind": shown.kind, "stage": stage, "split": shown.split,
        "summary": shown.summary, "regulations": numbers.regulations, "decided": numbers.settled - numbers.spent,
        "answers": numbers.answers, "clock": _clock(stage, shown, now),
    }  # fmt: skip
    if form == "json":
        said = _theme_row(card) | {
            "summary": shown.summary, "on_the_table": shown.on_the_table, "off_the_table": shown.off_the_table,
            "closed_early_because": shown.closed_early_because or None,
        }  # fmt: skip
        demonstration = current_app.config["SITE"].demonstration
        rows = labelled(_regulation_rows(asked, now), demonstration=demonstration)
        return json_response(labelled([said], demonstration=demonstration)[0] | {"regulations": rows})
    stats = _theme_stats(numbers, asked.without_filters(q=""))
    return render_template(
        "pages/theme.html",
        theme=shown,
        card=card,
        stats=stats,
        due_moves=due_moves([shown.id]).get(shown.id, []) if stage is Stage.UNDER_CONSIDERATION else [],
        **_listing(asked, now),
        counted=_counted(),
    )


def _theme_stats(numbers: ThemeNumbers, everything: Asked) -> list[dict[str, Any]]:
    """Each number leads to the rows it was added up from."""
    rows, by_votes = (everything.address(sort=sort) + "#regulations" for sort in ("title", "most_votes"))
    decisions_on_it = f"/decisions?theme={everything.theme}"
    return [
        {"number": numbers.regulations, "label": _one("regulation", numbers.regulations), "href": rows},
        {"number": numbers.answers, "label": f"{_one('vote', numbers.answers)} counted", "href": by_votes},
        {"number": numbers.reasons, "label": f"{_one('vote', numbers.reasons)} with a reason", "href": by_votes},
        {
            "number": numbers.settled - numbers.spent,
            "label": "decided",
            "href": decisions_on_it,
            "note": f"of {numbers.regulations - numbers.spent} to decide",
        },
    ]


def _one(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


@bp.route("/regulations")
@bp.route("/regulations.<any(json, csv):form>")
@public
def regulations(form: str = "") -> ResponseReturnValue:
    now = clock.now()
    asked = _asked("/regulations")
    if form:
        return as_data(form, _regulation_rows(asked, now), REGULATION_FIELDS, "regulations.csv")
    return render_template("pages/regulations.html", **_listing(asked, now), counted=_counted())


@bp.route("/data")
@public
def data() -> ResponseReturnValue:
    names = {"regulations": REGULATION_FIELDS, "decisions": DECISION_FIELDS, "themes": THEME_FIELDS}
    record = kept_bundle()
    made_at = clock.in_uk(record.made_at) if record else None
    return render_template("pages/data.html", names=names, record=record, made_at=made_at)


@bp.route("/help")
@public
def help_index() -> ResponseReturnValue:
    return render_template("help/index.html")


@bp.route("/help/<name>")
@public
def help_page(name: str) -> ResponseReturnValue:
    known = name.replace("-", "_")
    if known not in HELP_PAGES or "_" in name:
        raise NotFound("There is no help page at this address.")
    return render_template(f"help/{known}.html")


@bp.route("/help/sources")
@public
def sources() -> ResponseReturnValue:
    return render_template("help/sources.html")


@bp.route("/healthz")
@probe
def healthz() -> ResponseReturnValue:
    """This process answers; nothing else is asked."""
    return Response("ok\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})


@bp.route("/readyz")
@probe
def readyz() -> ResponseReturnValue:
    """Whether visitors may be sent here; 503 with what is missing otherwise."""
    size, reasons = queries.readiness()
    response = json_response({"ready": not reasons, "log_size": size, "reasons": reasons})
    response.headers["Cache-Control"] = "no-store"
    response.status_code = 503 if reasons else 200
    return response


def _asked(path: str, of_theme: str = "") -> Asked:
    """What the address asks for, tidied: a NUL or a page of text is nothing to search for."""
    given = {
        name: tidy_line(request.args.get(name, "")[: 2 * LONGEST_QUERY])[:LONGEST_QUERY]
        for name in ("q", "theme", "department", "stage", "outcome", "sector", "sort")
    }
    if of_theme:
        given["theme"] = of_theme
    return Asked(path=path, page=page_number(request.args.get("page")), of_theme=bool(of_theme), **given)


def _listing(asked: Asked, now: datetime) -> dict[str, Any]:
    """Everything the list's own template, pages/listing.html, shows."""
    found = queries.listing(asked, now)
    filters = rules.filters_in_use(found.facets, asked)
    given = {"q": asked.q, **asked.chosen, "theme": asked.theme}
    follows, key = followed_by(given), search_key(given)
    return {
        "asked": asked,
        "listing": found,
        "follow": follow_address(*follows) if follows else "",
        "feed": url_for("news.news") + (f"?{key}" if key else ""),
        "rows": [(row, _row_clock(row, now)) for row in found.page.rows],
        "filters": filters,
        "chosen": len(asked.chosen),
        "page_url": lambda number: asked.address(page=number),
        "sorts": rules.sort_links(asked, found.sort, found.any_open),
        "sort_note": rules.SORT_NOTES.get(found.sort, ""),
        "near_misses": [] if found.page.total else queries.near_misses(asked.q),
        "suggested_themes": [] if found.page.total else queries.some_themes(),
    }


def _row_clock(row: RegulationRow, now: datetime) -> dict[str, Any]:
    return rules.clock_of(row.stage, row.opens_on, row.closes_on, row.due_on, clock.uk_day(now))


def _clock(stage: Stage, theme: Any, now: datetime) -> dict[str, Any]:
    days = clock.uk_day(theme.window.opens), clock.last_day(theme.window.closes), clock.last_day(theme.decision_due_at)
    return rules.clock_of(stage, *days, clock.uk_day(now))


def _theme_card(theme: ThemeRow, numbers: dict[str, ThemeNumbers], now: datetime) -> dict[str, Any]:
    return {
        "slug": theme.slug, "title": theme.title, "kind": theme.kind, "stage": theme.stage, "split": theme.split,
        "summary": theme.summary, "regulations": theme.regulations, "decided": theme.decided,
        "answers": numbers.get(theme.slug, ThemeNumbers()).answers, "clock": _clock(theme.stage, theme, now),
    }  # fmt: skip


def _theme_row(card: dict[str, Any]) -> dict[str, Any]:
    """A theme under the names that every download uses."""
    on: dict[str, date] = card["clock"]
    days = {"opens_on": on["opens_on"], "closes_on": on["closes_on"], "decision_due_on": on["due_on"]}
    said = card | days | {"url": f"{current_app.config['SITE'].url}/themes/{card['slug']}"}
    return {name: said[name] for name in THEME_FIELDS}


def _regulation_rows(asked: Asked, now: datetime) -> list[dict[str, Any]]:
    site = current_app.config["SITE"].url
    return [regulation_row(row, f"{site}/regulations/{row.slug}") for row in queries.every_row(asked, now)]


def _counted() -> tuple[int, datetime | None]:
    """How many lines of the record the numbers on a page were counted from, and when, in UK time."""
    position, moved_at = folded_position()
    return position, clock.in_uk(moved_at) if moved_at else None
