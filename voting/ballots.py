"""Ballots on their way: begun on one page, completed on the next, and waiting until their address is confirmed.

Nothing here is counted, published or on the record until confirm() hands it to voting.services.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from accounts import services as accounts
from accounts.models import Account
from accounts.rules import Capacity, check_capacity, normal_email
from core.db import db
from core.errors import RuleBroken
from regulations.models import Regulation
from voting import rules
from voting.models import PendingBallot, Receipt
from voting.queries import supportable, waiting_ballots
from voting.rules import Ballot, Choice, Direction, ReasonKind
from voting.services import cast_vote, check_still_taken

UNFINISHED_LIFE = timedelta(days=1)


def begin(
    *,
    regulation: Regulation,
    pending: PendingBallot | None,
    order: str,
    choice: Choice | None,
    direction: Direction | None,
    text: str,
    supports: str,
    not_said: bool,
    now: datetime,
) -> PendingBallot:
    """Keep the first screen: choice and reason. Going back and sending it again changes the same ballot."""
    check_still_taken(regulation, None, now)
    kind = rules.check_ballot(choice, direction, text, supports, not_said)
    if kind is ReasonKind.SUPPORTED and supportable(supports, regulation, choice or "") is None:
        raise RuleBroken("Choose a reason given for the choice you made, or write your own.", field="supports")
    if pending is None or pending.given_at is not None:
        pending = PendingBallot(secret=secrets.token_urlsafe(16), regulation=regulation, begun_at=now, order=order)
        db.session.add(pending)
    pending.choice, pending.direction = choice, direction if choice is Choice.IMPROVE else None
    pending.reason_kind, pending.text, pending.supports = kind, text, supports
    return pending


def complete(ballot: PendingBallot, *, capacity: Capacity, organisation: str, display_name: str) -> Ballot:
    """Add the second screen, who somebody speaks for; returns the whole ballot."""
    check_capacity(capacity, organisation)
    ballot.capacity, ballot.display_name = capacity, display_name
    ballot.organisation = organisation if capacity.speaks_for_organisation else ""
    return whole(ballot)


def whole(pending: PendingBallot) -> Ballot:
    return Ballot(
        choice=Choice(pending.choice or ""),
        direction=Direction(pending.direction) if pending.direction else None,
        reason_kind=ReasonKind(pending.reason_kind or ReasonKind.NOT_SAID),
        text=pending.text,
        supports=pending.supports,
        capacity=Capacity(pending.capacity or Capacity.PUBLIC),
        organisation=pending.organisation,
        display_name=pending.display_name,
        order=pending.order,
    )


def give(*, pending: PendingBallot, email: str, confirm_url: str, not_me_url: str, now: datetime) -> None:
    """Let a complete ballot wait for its address, and write to that address if it may be written to.

    Whatever the address has done before, the sender is told the same. The two urls hold {secret}.
    """
    check_still_taken(pending.regulation, None, now)
    pending.email, pending.given_at = normal_email(email), now
    accounts.send_way_in(
        email=email, about=pending.regulation.title, confirm_url=confirm_url, not_me_url=not_me_url, now=now
    )


@dataclass(frozen=True)
class Outcome:
    """What became of one waiting ballot: a receipt, or the sentence that says why it was not counted."""

    regulation_slug: str
    regulation_title: str
    receipt: Receipt | None
    refused: str = ""


def confirm(*, account: Account, struck: Collection[int], now: datetime) -> list[Outcome]:
    """Count every vote waiting under a confirmed address, but for those its holder struck out as not theirs."""
    outcomes = []
    for pending in waiting_ballots(account.email or "", now):
        if pending.id not in struck:
            outcomes.append(_count(account, pending, now))
        db.session.delete(pending)
    return outcomes


def _count(account: Account, pending: PendingBallot, now: datetime) -> Outcome:
    regulation = pending.regulation
    ballot = _with_a_reason_that_still_stands(pending)
    try:
        receipt = cast_vote(
            voter=account, regulation=regulation, ballot=ballot, now=now, given_at=pending.given_at,
            demonstration=account.demonstration,
        )  # fmt: skip
    except RuleBroken as refusal:
        return Outcome(regulation.slug, regulation.title, None, refusal.message)
    return Outcome(regulation.slug, regulation.title, receipt)


def _with_a_reason_that_still_stands(pending: PendingBallot) -> Ballot:
    """A reason withdrawn while the ballot waited must not cost the vote."""
    ballot = whole(pending)
    if (
        ballot.reason_kind is ReasonKind.SUPPORTED
        and supportable(ballot.supports, pending.regulation, ballot.choice) is None
    ):
        pending.reason_kind, pending.supports = ReasonKind.NOT_SAID, ""
        return whole(pending)
    return ballot


def disown(*, email: str, now: datetime) -> None:
    """'This wasn't me': drop what waits under an address and write to it no more."""
    db.session.execute(delete(PendingBallot).where(PendingBallot.email == normal_email(email)))
    accounts.stop_mails(email=email, now=now)


def forget_unconfirmed(now: datetime) -> None:
    """What was never confirmed is deleted after seven days; what was never completed, after one."""
    db.session.execute(delete(PendingBallot).where(PendingBallot.given_at < now - rules.PENDING_LIFE))
    unfinished = PendingBallot.given_at.is_(None) & (PendingBallot.begun_at < now - UNFINISHED_LIFE)
    db.session.execute(delete(PendingBallot).where(unfinished))
