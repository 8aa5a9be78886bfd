"""A paper ballot and a poster for each regulation, to print and lay out where people are."""

from typing import Any

from flask import Blueprint, render_template, request, url_for

from accounts.rules import Capacity
from core import clock
from core.access import public
from pages import reading
from pages.on_paper import sheet_asked, sides, squares
from regulations.models import Regulation
from regulations.queries import regulation_with
from voting.rules import ORDERS, Direction

bp = Blueprint("on_paper", __name__)


@bp.route("/regulations/<slug>/paper-ballot")
@public
def paper_ballot(slug: str) -> str:
    """Six versions, one for each order of the choices, so that none comes first more often than another."""
    found, now = regulation_with(slug), clock.now()
    sheet = sheet_asked(request.args.get("sheet"), now)
    return render_template(
        "pages/paper_ballot.html",
        **_said_on_both(found, sheet),
        sheet=sheet,
        sheets=[(n, url_for("on_paper.paper_ballot", slug=slug, sheet=n)) for n in range(1, len(ORDERS) + 1)],
        choices=ORDERS[sheet - 1],
        directions=list(Direction),
        capacities=list(Capacity),
    )


@bp.route("/regulations/<slug>/poster")
@public
def poster(slug: str) -> str:
    found = regulation_with(slug)
    sheet = sheet_asked(request.args.get("sheet"), clock.now())
    return render_template("pages/poster.html", **_said_on_both(found, sheet), choices=ORDERS[sheet - 1])


def _said_on_both(found: Regulation, sheet: int) -> dict[str, Any]:
    """The two sides change places from sheet to sheet as well."""
    address = reading.address("voting.vote", slug=found.slug)
    is_open = reading.is_open(found, clock.now())
    return {
        "regulation": found,
        "is_open": is_open,
        "clock": reading.clock_of(found, clock.now()).given,
        "closes_on": clock.last_day(found.theme.closes_at),
        "due_on": clock.last_day(found.theme.decision_due_at),
        "sides": sides(found)[:: 1 if sheet % 2 else -1] if is_open else [],
        "address": address.partition("://")[2],
        "code": squares(address) if is_open else None,
    }
