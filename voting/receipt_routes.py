"""The receipt: a page only its holder finds, and the file they keep."""

from dataclasses import replace
from typing import Any

from flask import make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts.rules import Capacity, Level
from audit.queries import Line, entry_line, openings_of
from core import clock
from core.access import visitor
from core.errors import NotFound
from regulations.rules import Split
from voting.confirm_routes import bp
from voting.models import Receipt, Vote
from voting.offers import what_became_of_reason
from voting.queries import tally_with_tail
from voting.receipts import Standing, file_name, known_by, receipt_file, receipt_with, standing_of

_LEVELS = {
    Level.UNCONFIRMED: "Not confirmed",
    Level.EMAIL_CONFIRMED: "Email confirmed",
    Level.ORGANISATION_MATCHED: "Organisation matched by its email domain",
    Level.CHECKED_BY_STAFF: "Checked by staff",
}


@bp.route("/receipts/<secret>")
@visitor
def receipt(secret: str) -> Response:
    """Only who has the address finds it. The tally here already holds the vote."""
    found, now = _receipt_or_404(secret), clock.now()
    vote, regulation = found.vote, found.vote.regulation
    standing = standing_of(found, now)
    line = standing.line
    choice, direction = _counted(found.entry_id, line.said if line else {})
    sealed = regulation.theme.split == Split.KEPT and regulation.theme.frozen_at is None
    tally = None if sealed else tally_with_tail(regulation.id, regulation.slug, now)
    page = render_template(
        "voting/receipt.html",
        regulation=regulation,
        choice=choice,
        direction=direction,
        capacity=Capacity(line.said["capacity"] if line else vote.capacity).label,
        level=_LEVELS[Level(line.said["level"] if line else vote.level)],
        line=line,
        record=_record(standing),
        known_by=known_by(line),
        secret=secret,
        file=url_for("voting.receipt_file", secret=secret),
        file_name=file_name(found.entry_id),
        counted_at=clock.in_uk(found.made_at),
        withdrawn=vote.choice is None,
        changed=vote.choice is not None and (_is_anothers(vote, line) or _side(vote) != (choice, direction)),
        latest_entry=vote.entry_id,
        tally=replace(tally, as_at=None) if tally else None,
        as_at=clock.in_uk(now),
        is_open=regulation.theme.window.is_open(now) and not regulation.settled,
        last_day=clock.last_day(regulation.theme.closes_at),
        closes_at=clock.in_uk(regulation.theme.closes_at),
        due_on=clock.last_day(regulation.theme.decision_due_at),
        settled=regulation.settled,
        by_email=vote.account.email is not None,
        for_organisation=Capacity(vote.capacity).speaks_for_organisation,
        details_kept="details" in request.args,
        reason=what_became_of_reason(vote.account_id, regulation.id),
    )
    return _its_holders_alone(make_response(page))


@bp.route("/receipts/<secret>/receipt.json", endpoint="receipt_file")
@visitor
def receipt_to_keep(secret: str) -> Response:
    found = _receipt_or_404(secret)
    response = make_response(receipt_file(found, standing_of(found, clock.now())))
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(found.entry_id)}"'
    return _its_holders_alone(response)


def _receipt_or_404(secret: str) -> Receipt:
    found = receipt_with(secret)
    if found is None:
        raise NotFound("There is no receipt at this address. It has to be exactly as it was given to you.")
    return found


def _its_holders_alone(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _record(standing: Standing) -> dict[str, Any]:
    """What the page says of the line's place, by what was found just now."""
    proof, promise, signed_at = standing.proof, standing.promise, standing.signed_at
    return {
        "wrong": standing.wrong,
        "index": standing.line.idx if standing.line else None,
        "size": proof.size if proof else None,
        "signed_at": clock.in_uk(signed_at) if signed_at else None,
        "promised_by": clock.in_uk(promise.by) if promise else None,
        "refusal": standing.head.refusal,
        "origin": standing.head.origin,
    }


def _is_anothers(vote: Vote, line: Line | None) -> bool:
    """Whether the vote stands in the name of an organisation now, and did not in this line, or the reverse."""
    if line is None or line.id == vote.entry_id:
        return False
    latest = entry_line(vote.entry_id or "")
    return latest is not None and latest.said["voter"] != line.said["voter"]


def _side(vote: Vote) -> tuple[str | None, str | None]:
    return vote.choice, vote.direction


def _counted(entry_id: str, said: dict[str, str]) -> tuple[str, str | None]:
    """Choice and direction as the line in the record has them, or as it seals them until the close."""
    if "choice" in said:
        return said["choice"], said.get("direction")
    choice, _, direction = openings_of(entry_id).get("commit", "").partition(":")
    return choice, direction or None
