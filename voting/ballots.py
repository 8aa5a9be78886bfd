"""Ballots on their way: begun on one page, completed on the next, and waiting until their address is confirmed.

Nothing here is counted, published or on the record until it is handed to voting.services.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from accounts import services as accounts
from accounts.models import Account
from accounts.rules import Capacity, check_capacity, normal_email
from audit.services import check_writable
from core.db import db
from core.errors import RuleBroken, Unavailable
from regulations.models import Regulation
from voting import rules
from voting.models import PendingBallot, Receipt, Vote
from voting.offers import supportable
from voting.queries import ballot_with, waiting_ballots
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
    """Keep the first screen: choice and reason. Going back and sending it again changes the same ballot.

    One that waits for its address already is left as it was given, and another begun in its place.
    """
    check_still_taken(regulation, None, now)
    check_writable()
    kind = rules.check_ballot(choice, direction, text, supports, not_said)
    if kind is ReasonKind.SUPPORTED and supportable(supports, regulation, choice or "") is None:
        raise RuleBroken(
            "Choose a reason given for the choice you made, as it stands now, or write your own.", field="supports"
        )
    if pending is None or pending.email is not None:
        pending = PendingBallot(secret=secrets.token_urlsafe(16), regulation=regulation, begun_at=now, order=order)
        db.session.add(pending)
    pending.choice, pending.direction = choice, direction if choice is Choice.IMPROVE else None
    pending.reason_kind, pending.text, pending.supports = kind, text, supports
    return pending


def to_complete(
    pending: PendingBallot, *, capacity: Capacity, organisation: str, display_name: str, email: str, now: datetime
) -> PendingBallot:
    """The ballot that takes the second screen: where this one waits for its address already, another in its place.

    Sent a second time as it is, it goes on waiting.
    """
    if pending.email is None:
        return pending
    names = organisation if capacity.speaks_for_organisation else ""
    sent = (pending.capacity, pending.organisation, pending.display_name, pending.email)
    if sent == (capacity, names, display_name, normal_email(email)):
        return pending
    db.session.delete(pending)
    db.session.flush()
    another = PendingBallot(
        secret=pending.secret, regulation=pending.regulation, begun_at=now, order=pending.order,
        choice=pending.choice, direction=pending.direction, reason_kind=pending.reason_kind, text=pending.text,
        supports=pending.supports,
    )  # fmt: skip
    db.session.add(another)
    return another


def complete(ballot: PendingBallot, *, capacity: Capacity, organisation: str, display_name: str) -> Ballot:
    """Add the second screen, who somebody speaks for; returns the whole ballot.

    What waits for its address stays as it was given, for its holder may be reading it.
    """
    if ballot.email is not None:
        raise RuleBroken("This ballot waits for its email address already, and cannot be changed any more.")
    check_capacity(capacity, organisation)
    rules.check_display_name(display_name)
    ballot.capacity, ballot.display_name = capacity, display_name
    ballot.organisation = organisation if capacity.speaks_for_organisation else ""
    return whole(ballot)


def note(pending: PendingBallot, *, capacity: Capacity | None, organisation: str, display_name: str) -> None:
    """Keep the second screen as far as it was filled in, unchecked, for somebody who signs in before they send it."""
    if pending.email is None:
        pending.capacity, pending.organisation, pending.display_name = capacity, organisation, display_name


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


def give(
    *, pending: PendingBallot, email: str, replaces: str, confirm_url: str, not_me_url: str, now: datetime
) -> None:
    """Let a complete ballot wait for its address, and write to that address if it may be written to.

    Whatever the address has done before, the sender is told the same. ``replaces`` is the secret of the one this
    browser gave before on the same regulation. The two urls hold {secret}.
    """
    check_still_taken(pending.regulation, None, now)
    check_writable()
    earlier = ballot_with(replaces, hold=True)
    if earlier is not None and earlier.id != pending.id:
        db.session.delete(earlier)
    email = normal_email(email)
    if pending.email == email:
        return  # a second click: it waits already, and was written about
    pending.email = email
    pending.given_at = now if _has_room(email, now) else None
    ask(pending=pending, confirm_url=confirm_url, not_me_url=not_me_url, now=now)


def _has_room(email: str, now: datetime) -> bool:
    """So many an hour wait under one address. One too many is kept for its own browser, where the code lets it in."""
    accounts.take_address_turn(email)
    waiting = select(func.count()).where(
        PendingBallot.email == email, PendingBallot.given_at > now - timedelta(hours=1)
    )
    return (db.session.scalar(waiting) or 0) < rules.BALLOTS_AN_HOUR_UNDER_AN_ADDRESS


def ask(*, pending: PendingBallot, confirm_url: str, not_me_url: str, now: datetime) -> None:
    """Write to the address a ballot waits for, if it may be written to today."""
    accounts.send_way_in(
        email=pending.email or "",
        about=pending.regulation.title,
        confirm_url=confirm_url,
        not_me_url=not_me_url,
        now=now,
    )


def count_at_once(*, pending: PendingBallot, voter: Account, demonstration: bool, now: datetime) -> Receipt:
    """The vote of somebody who is signed in waits for nothing."""
    pending.email = pending.given_at = None
    return cast_vote(
        voter=voter, regulation=pending.regulation, ballot=whole(pending), now=now, demonstration=demonstration
    )


@dataclass(frozen=True)
class Outcome:
    """What became of one waiting ballot: its receipt's secret, or the sentence that says why it was not counted."""

    regulation_slug: str
    regulation_title: str
    receipt: str | None
    refused: str = ""
    ballot: str = ""
    """The secret under which a refused ballot is kept for a day, so that it can be changed and sent again."""


def mark(pending: PendingBallot) -> str:
    """Names a ballot exactly as it stands, so that nobody confirms what was changed after they had read it."""
    words = repr((pending.id, pending.regulation_id, *astuple(whole(pending))))
    return f"{pending.id}-{hashlib.sha256(words.encode()).hexdigest()}"


def let_in(*, pending: PendingBallot) -> None:
    """Its address is confirmed in the browser that gave it, so it need not wait for room."""
    if pending.given_at is None:
        pending.given_at = pending.begun_at


def confirm(*, account: Account, listed: Collection[str], struck: Collection[str], now: datetime) -> list[Outcome]:
    """Count the votes a confirmed address's holder has seen, but for those they struck out as not theirs.

    ``listed`` and ``struck`` hold marks. What came in, or was changed, after the page was drawn goes on waiting.
    """
    outcomes = []
    for pending in waiting_ballots(account.email or "", now, hold=True):
        seen = mark(pending)
        if seen not in listed:
            continue
        if seen in struck:
            db.session.delete(pending)
            continue
        outcomes.append(_count(account, pending, now))
    return outcomes


def _count(account: Account, pending: PendingBallot, now: datetime) -> Outcome:
    regulation = pending.regulation
    ballot = _with_a_reason_that_still_stands(pending)
    try:
        receipt = cast_vote(
            voter=account, regulation=regulation, ballot=ballot, now=now, given_at=pending.given_at,
            demonstration=account.demonstration,
        )  # fmt: skip
    except Unavailable:
        raise  # no fault of the ballot's, so it goes on waiting
    except RuleBroken as refusal:
        pending.email, pending.given_at, pending.begun_at = None, None, now
        return Outcome(regulation.slug, regulation.title, None, refusal.message, pending.secret)
    db.session.delete(pending)
    return Outcome(regulation.slug, regulation.title, receipt.secret)


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


def forget(secrets: Collection[str]) -> None:
    """Ballots that their giver wants no more."""
    db.session.execute(delete(PendingBallot).where(PendingBallot.secret.in_(secrets)))


def forget_unconfirmed(now: datetime) -> None:
    """What was never confirmed is deleted after seven days; what was never completed, after one."""
    db.session.execute(delete(PendingBallot).where(PendingBallot.given_at < now - rules.PENDING_LIFE))
    unfinished = PendingBallot.given_at.is_(None) & (PendingBallot.begun_at < now - UNFINISHED_LIFE)
    db.session.execute(delete(PendingBallot).where(unfinished))


@dataclass(frozen=True)
class CountedVote:
    """A receipt with what its vote now says."""

    secret: str
    slug: str
    title: str
    choice: str | None
    direction: str | None


def votes_of_receipts(secrets: Sequence[str]) -> list[CountedVote]:
    wanted = (
        select(Receipt.secret, Regulation.slug, Regulation.title, Vote.choice, Vote.direction)
        .join(Vote, Vote.id == Receipt.vote_id)
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .where(Receipt.secret.in_(secrets))
    )
    return [CountedVote(**row._mapping) for row in db.session.execute(wanted.order_by(Receipt.id))]


def ballots_with(secrets: Sequence[str]) -> list[PendingBallot]:
    wanted = select(PendingBallot).where(PendingBallot.secret.in_(secrets))
    return list(db.session.scalars(wanted.order_by(PendingBallot.id)))
