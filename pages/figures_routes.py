"""The figures that have to add up, with the rows behind each, and the figures about the ballot itself."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts.rules import Capacity
from analysis.submission_rules import How, Withheld
from audit.queries import log_size
from core import clock
from core.access import public
from core.errors import NotFound
from core.paging import Page, page_number
from opendata.rules import DEMONSTRATION
from opendata.serving import json_response
from pages import figures_queries, rules
from pages.downloads import as_data
from pages.figures import (
    ANSWERS,
    ANSWERS_TO_SUBMISSIONS,
    COMMENTS,
    EVERY_THEME,
    FIELDS,
    FIGURES,
    OF_REGULATIONS,
    OF_SUBMISSIONS,
    REGULATIONS,
    SIGNATURES,
    SUBMISSIONS,
    Figures,
    together,
)
from regulations.queries import theme_with
from voting.queries import order_effect

bp = Blueprint("figures", __name__)

ROWS_PER_PAGE = 50


@bp.route("/figures")
@bp.route("/figures.<any(json, csv):form>")
@public
def figures(form: str = "") -> ResponseReturnValue:
    now, size = clock.now(), log_size()
    themes = figures_queries.figures()
    if form == "csv":
        return as_data(form, map(_row, themes), FIELDS, "figures.csv")
    total = together(themes)
    amiss = [sentence for row in themes for sentence in row.amiss] + total.amiss
    if form:
        said = {
            "counted_at": now, "log_size": size, "equations_hold": not amiss, "amiss": amiss,
            "themes": [_row(theme) for theme in themes], "totals": {name: _row(total)[name] for name in _ADDED_UP},
        }  # fmt: skip
        return json_response(said | ({DEMONSTRATION: True} if current_app.config["SITE"].demonstration else {}))
    return render_template(
        "pages/figures.html",
        tables=_tables(), themes=themes, total=total, amiss=amiss, now=now, size=size, at=clock.in_uk(now),
        later=[theme for theme in themes if theme.listed_later],
        counted=[theme for theme in themes if theme.census],
        upcoming=[theme for theme in themes if theme.opens_at and theme.opens_at > now],
    )  # fmt: skip


_ADDED_UP = tuple(name for name in FIELDS if name not in {"slug", "title", "opens_at", "census", "url"})


def _tables() -> list[dict[str, Any]]:
    return [
        {"caption": "What became of the regulations", "columns": REGULATIONS},
        {"caption": "What became of the comments", "columns": COMMENTS},
        {"caption": "Which published comments have been answered", "columns": ANSWERS},
        {"caption": "Which submissions can be read", "columns": SUBMISSIONS, "beside": SIGNATURES},
        {"caption": "Which submissions have been answered", "columns": ANSWERS_TO_SUBMISSIONS},
    ]


def _row(theme: Figures) -> dict[str, Any]:
    given = asdict(theme) | {"url": f"{current_app.config['SITE'].url}/themes/{theme.slug}"}
    return {name: given[name] for name in FIELDS}


_FIGURE = ", ".join(FIGURES)


@bp.route(f"/figures/<theme>/<any({_FIGURE}):figure>")
@bp.route(f"/figures/<theme>/<any({_FIGURE}):figure>.<any(json, csv):form>")
@public
def rows_behind(theme: str, figure: str, form: str = "") -> ResponseReturnValue:
    """What one number of the figures was counted from."""
    title = "All themes" if theme == EVERY_THEME else theme_with(theme).title
    site = current_app.config["SITE"].url
    if form:
        rows = figures_queries.rows_behind(figure, theme, site)
        return as_data(form, rows, figures_queries.names_behind(figure), f"{theme}-{figure}.csv")
    total = figures_queries.count_behind(figure, theme)
    number = page_number(request.args.get("page"))
    if number > Page((), number, total, ROWS_PER_PAGE).pages:
        raise NotFound("This list has fewer pages.")
    rows = figures_queries.rows_behind(figure, theme, "", offset=(number - 1) * ROWS_PER_PAGE, limit=ROWS_PER_PAGE)
    return render_template(
        "pages/figures_rows.html",
        figure=FIGURES[figure], of=_of(figure), theme=theme, title=title,
        signatures=figures_queries.signatures_of(theme) if figure == SIGNATURES.name else None,
        page=Page(rows, number, total, ROWS_PER_PAGE),
        words=_WORDS, ways=_labels(How), capacities=_labels(Capacity), because=_labels(Withheld),
        address=url_for("figures.rows_behind", theme=theme, figure=figure),
    )  # fmt: skip


def _of(figure: str) -> str:
    if figure == SIGNATURES.name:
        return "petition"
    if figure in OF_REGULATIONS:
        return "regulation"
    return "submission" if figure in OF_SUBMISSIONS else "comment"


def _labels(words: type[How] | type[Capacity] | type[Withheld]) -> dict[str, str]:
    return {word.value: word.label for word in words}


_WORDS = (
    rules.OUTCOME_WORDS | {f.name: f.heading for f in (*COMMENTS[1:], *SUBMISSIONS[1:])} | {"undecided": "Undecided"}
)


@bp.route("/figures/ballot-order")
@bp.route("/figures/ballot-order.<any(json, csv):form>")
@public
def ballot_order(form: str = "") -> ResponseReturnValue:
    rows = rules.votes_by_order(order_effect())
    if form:
        return as_data(form, rows, rules.BALLOT_ORDER_FIELDS, "ballot-order.csv")
    total = sum(row["votes"] for row in rows)
    return render_template("pages/ballot_order.html", rows=rows, places=rules.shares_by_place(rows), total=total)
