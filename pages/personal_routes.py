"""What a person sees of their own, and the mailbox that stands in for everyone's in a demonstration."""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from analysis.own_routes import placed_shown
from analysis.queries import Placed, placed_of
from core import clock
from core.access import participant, visitor
from core.db import transaction
from core.forms import tidy_line
from core.mail import enclosure_of
from core.paging import PER_PAGE, Page, page_number
from pages.own_way import WayStep
from pages.own_way_routes import ways_of
from pages.personal_queries import (
    Contribution,
    contributions_by,
    count_contributions,
    count_letters,
    letter_with,
    letters,
)
from pages.rules import clock_of
from regulations.rules import SECTORS, Stage
from voting import ballots
from voting.confirm_routes import tell
from voting.models import PendingBallot
from voting.queries import waiting_ballots
from voting.rules import NATIONS, SIZE_BANDS, ReasonKind, Subject

bp = Blueprint("personal", __name__)

LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; sandbox"


@bp.route("/my/contributions")
@participant
def contributions() -> str:
    asked, now = page_number(request.args.get("page")), clock.now()
    total = count_contributions(current_user.id)
    number = min(asked, Page((), 1, total).pages)
    rows = contributions_by(current_user.id, now, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    placed = placed_of([row.comment_id for row in rows if row.comment_id is not None])
    ways = ways_of([row for row in rows if row.choice])
    return render_template(
        "personal/contributions.html",
        email=current_user.email,
        waiting=[_waiting_row(ballot) for ballot in waiting_ballots(current_user.email or "", now)],
        groups=_in_groups(
            [_shown(row) | {"placed": _placed(row, placed), "way": ways.get(row.slug, [])} for row in rows]
        ),
        token=generate_csrf(),
        page=Page(rows, number, total),
    )


@bp.route("/my/contributions.json")
@participant
def contributions_json() -> Response:
    now = clock.now()
    rows = contributions_by(current_user.id, now)
    ways = ways_of([row for row in rows if row.choice])
    said = {
        "contributions": [_plain(row) | {"way": _plain_way(ways.get(row.slug, []))} for row in rows],
        "waiting": [_plain_waiting(ballot) for ballot in waiting_ballots(current_user.email or "", now)],
    }
    return current_app.json.response(said)


@bp.route("/my/contributions/waiting", methods=["GET", "POST"])
@participant
def waiting() -> str | Response:
    """Whoever is signed in has shown the address to be theirs, so what waits under it needs no other mail."""
    if request.method == "POST":
        return _count_waiting()
    found = waiting_ballots(current_user.email or "", clock.now())
    if not found:
        return redirect(url_for("personal.contributions"), code=303)
    rows = [_waiting_row(ballot) for ballot in found]
    return render_template("personal/waiting.html", waiting=rows, email=current_user.email, token=generate_csrf())


def _count_waiting() -> Response:
    with transaction():
        outcomes = ballots.confirm(
            account=current_user._get_current_object(),
            listed=request.form.getlist("listed"),
            struck=request.form.getlist("not_mine"),
            now=clock.now(),
        )
    return tell(outcomes) if outcomes else redirect(url_for("personal.contributions"), code=303)


def _waiting_row(ballot: PendingBallot) -> dict[str, Any]:
    return {
        "mark": ballots.mark(ballot),
        "title": ballot.regulation.title,
        "href": url_for("reading.regulation", slug=ballot.regulation.slug),
        "choice": ballot.choice,
        "direction": ballot.direction,
        "text": ballot.text if ballot.reason_kind == ReasonKind.WRITTEN else "",
        "given_at": clock.in_uk(ballot.given_at) if ballot.given_at else None,
    }


GROUPS = (
    ("Open: you can still change these", "open"),
    ("Closed: waiting for a decision", "under_consideration"),
    ("Settled", "settled"),
)


def _in_groups(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """In the order the rows came: what may be changed, what waits, what is settled."""
    known = {stage for _, stage in GROUPS}
    groups = []
    for title, stage in GROUPS:
        own = [row for row in rows if (row["stage"] if row["stage"] in known else "settled") == stage]
        if own:
            groups.append((title, stage, own))
    return groups


def _its_clock(row: Contribution) -> dict[str, Any]:
    closes_on, due_on = clock.last_day(row.closes_at), clock.last_day(row.due_at)
    return clock_of(Stage(row.stage), closes_on, closes_on, due_on, clock.uk_day(clock.now()))


def _shown(row: Contribution) -> dict[str, Any]:
    open_links = [
        ("Change it" if row.choice else "Vote again", url_for("voting.vote", slug=row.slug)),
        ("Withdraw it", url_for("voting.withdraw", slug=row.slug) if row.choice else ""),
        ("A paper with it", url_for("own_papers.own_paper", slug=row.slug) if _may_bring_a_paper(row) else ""),
    ]
    kept_links = [
        ("Receipt", url_for("voting.receipt", secret=row.receipt) if row.receipt and row.choice else ""),
        ("Line in the record", url_for("reading.entry", entry_id=row.entry_id) if row.entry_id else ""),
    ]
    kept_links.append(("Print or share", url_for("own_way.contribution", slug=row.slug) if row.choice else ""))
    links = (open_links if row.changeable else []) + kept_links
    return {
        "title": row.title,
        "citation": row.citation.official,
        "href": url_for("reading.regulation", slug=row.slug),
        "theme_title": row.theme_title,
        "theme_href": url_for("pages.theme", slug=row.theme),
        "stage": row.stage,
        **_its_clock(row),
        "decided_on": clock.uk_day(row.decided_at) if row.decided_at else None,
        "choice": row.choice,
        "direction": row.direction,
        "speaks_for": _speaks_for(row),
        "details": _details(row.details),
        "reason": row.reason,
        "hidden_by": row.hidden_by,
        "masked_by": row.masked_by,
        "stands_behind": row.stands_behind,
        "reason_changed": row.reason_changed,
        "changeable": row.changeable,
        "lost_reason": row.reason_kind is ReasonKind.SUPPORTED and not row.stands_behind,
        "cast_on": clock.uk_day(row.cast_at),
        "outcome": row.outcome,
        "statement": row.statement,
        "comparison": row.comparison,
        "decision_href": url_for("decision_log.decision", reference=row.decision) if row.decision else "",
        "links": [(words, href) for words, href in links if href],
    }


def _may_bring_a_paper(row: Contribution) -> bool:
    return row.choice is not None and row.capacity.speaks_for_organisation


def _placed(row: Contribution, placed: list[Placed]) -> list[dict[str, Any]]:
    """The points this reason was put under; whoever only stands behind it has nothing to object to."""
    of_it = [each for each in placed if each.comment_id == row.comment_id and (each.counts or each.disputed)]
    if row.reason:
        return [placed_shown(each) for each in of_it]
    return [placed_shown(each) | {"object_href": "", "disputed": ""} for each in of_it if each.counts]


def _speaks_for(row: Contribution) -> str:
    if not row.capacity.speaks_for_organisation:
        return "as a member of the public"
    return f"for {row.organisation or row.capacity.label.lower()}"


def _details(given: dict[str, Any]) -> str:
    """In a line, in the words of the form they were given in."""
    words: dict[str, Callable[[Any], str]] = {
        "subject": lambda value: Subject(value).label,
        "clause": str,
        "cost_pounds": lambda value: f"£{value:,} a year",
        "cost_hours": lambda value: f"{value:,} hours a year",
        "size_band": lambda value: SIZE_BANDS.get(value, value),
        "sector": lambda value: SECTORS.get(value, value),
        "nation": lambda value: NATIONS.get(value, value),
    }
    return "; ".join(words[name](value) for name, value in given.items())


def _plain(row: Contribution) -> dict[str, Any]:
    site = current_app.config["SITE"]
    return {
        "slug": row.slug,
        "citation": str(row.citation),
        "title": row.title,
        "theme": row.theme,
        "stage": row.stage,
        "closes_on": clock.last_day(row.closes_at).isoformat(),
        "choice": row.choice,
        "direction": row.direction,
        "withdrawn": row.choice is None,
        "changeable": row.changeable,
        "capacity": row.capacity,
        "organisation": row.organisation,
        "reason_kind": row.reason_kind,
        "reason": row.reason,
        "hidden_by": row.hidden_by,
        "masked_by": row.masked_by,
        "stands_behind": row.stands_behind,
        "reason_changed": row.reason_changed,
        "details": row.details,
        "cast_at": row.cast_at.isoformat(),
        "entry_id": row.entry_id,
        "receipt_url": site.url + url_for("voting.receipt", secret=row.receipt) if row.receipt else None,
        "outcome": row.outcome,
        "decision": row.decision,
        "decision_url": site.url + url_for("decision_log.decision", reference=row.decision) if row.decision else None,
        "url": site.url + url_for("reading.regulation", slug=row.slug),
        **({"demonstration": True} if site.demonstration else {}),
    }


def _plain_way(way: list[WayStep]) -> list[dict[str, Any]]:
    return [
        {
            "step": step.name.lower(),
            "reached": step.reached,
            "words": step.words,
            "on": step.on.isoformat() if step.on else None,
        }
        for step in way
    ]


def _plain_waiting(ballot: PendingBallot) -> dict[str, Any]:
    return {
        "slug": ballot.regulation.slug,
        "title": ballot.regulation.title,
        "choice": ballot.choice,
        "direction": ballot.direction,
        "reason": ballot.text,
        "given_at": ballot.given_at.isoformat() if ballot.given_at else None,
    }


@bp.route("/dev/mailbox")
@visitor
def mailbox() -> str:
    _only_in_a_demonstration()
    to = tidy_line(request.args.get("to"))[:200].casefold()
    total = count_letters(to)
    number = min(page_number(request.args.get("page")), Page((), 1, total).pages)
    found = letters(to, offset=(number - 1) * PER_PAGE, limit=PER_PAGE)
    rows = [
        {
            "href": url_for("personal.mailbox_letter", id=letter.id),
            "to": letter.to,
            "subject": letter.subject,
            "at": clock.in_uk(letter.written_at),
        }
        for letter in found
    ]
    again = url_for("personal.mailbox", to=to or None)
    pages = url_for("personal.mailbox", to=to or None, page="{page}")
    return render_template(
        "personal/mailbox.html", letters=rows, to=to, again=again, pages=pages, page=Page(rows, number, total)
    )


@bp.route("/dev/mailbox/<int(max=2147483647):id>")
@visitor
def mailbox_letter(id: int) -> str:
    letter = _letter(id)
    return render_template(
        "personal/mailbox_letter.html",
        subject=letter.subject,
        to=letter.recipient,
        at=clock.in_uk(letter.written_at),
        parts=with_links(letter.text),
        mailbox=url_for("personal.mailbox"),
        others=url_for("personal.mailbox", to=letter.recipient),
        html=url_for("personal.mailbox_html", id=id),
        enclosed=enclosure_of(letter),
    )


@bp.route("/dev/mailbox/<int(max=2147483647):id>/html")
@visitor
def mailbox_html(id: int) -> Response:
    """As an email program would show it: in a sandbox, with the style that mails carry inside them."""
    response = current_app.make_response(_letter(id).html)
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    return response


def _letter(id: int) -> Any:
    _only_in_a_demonstration()
    return letter_with(id) or abort(404)


def _only_in_a_demonstration() -> None:
    if not current_app.config["SITE"].demonstration:
        abort(404)


def with_links(text: str) -> list[tuple[str, str]]:
    """A plain text in parts, each with the address it links to, or with none."""
    pieces = re.split(r"(https?://\w(?:[^\s<>\"]*[^\s<>\".,;:!?)])?)", text)
    return [(piece, piece if n % 2 else "") for n, piece in enumerate(pieces) if piece]
