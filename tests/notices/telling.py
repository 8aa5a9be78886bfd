"""What these tests begin with: regulations that people voted on, the morning's mail, and who was told what."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from accounts.models import Account
from core import clock
from core.db import db, transaction
from core.mail import Mail
from decisions.rules import Outcome
from notices.models import Notice
from notices.rules import Followed, FollowHow, How
from notices.services import follow, set_how
from notices.telling import tell_due
from regulations.models import Regulation
from tests.factories import NOON, a_decision, a_frozen_theme, a_regulation, a_theme, a_vote, a_voter, settle_the_record
from voting.rules import Choice, ReasonKind

SILENT = {"text": "", "reason_kind": ReasonKind.NOT_SAID}
MORNING = NOON.replace(day=3, hour=7)
"""The first daily mail after NOON: 7 in the morning, winter time."""


def mails(kind: str = "") -> list[Mail]:
    """All but receipts, or those of a kind."""
    which = Mail.kind == kind if kind else Mail.kind != "receipt"
    return list(db.session.scalars(select(Mail).where(which).order_by(Mail.id)))


def notices_of(account: Account) -> list[Notice]:
    return list(db.session.scalars(select(Notice).filter_by(account_id=account.id).order_by(Notice.id)))


def a_voted_regulation(voters: int = 1, title: str = "The Workplace Regulations 1992", **given: Any) -> Regulation:
    regulation = a_regulation(a_theme(), title=title)
    for n in range(voters):
        a_vote(regulation, Choice.KEEP, a_voter(f"voter{n}@example.org"), **(SILENT | given))
    return regulation


def decide(regulation: Regulation, outcome: Outcome = Outcome.KEEP, **given: Any) -> Any:
    """Close and count its theme, and publish a decision on it."""
    if regulation.theme.frozen_at is None:
        a_frozen_theme(regulation.theme)
    return a_decision(regulation, outcome, **given)


def a_decided_regulation(voters: int = 1, outcome: Outcome = Outcome.KEEP, **given: Any) -> Any:
    return decide(a_voted_regulation(voters), outcome, **given)


def tell(now: datetime = MORNING) -> None:
    """What the worker does until nobody is left to write to."""
    with clock.pretending(now):
        while tell_due(now):
            pass


def a_follower(
    kind: Followed, key: str, email: str = "follower@example.org", how: FollowHow = FollowHow.AS_SET
) -> Account:
    settle_the_record()  # what was listed before is no news
    account = a_voter(email)
    with transaction():
        follow(account=account, kind=kind, key=key, how=how, now=NOON - timedelta(days=20))
    return account


def hears(account: Account, how: How) -> Account:
    with transaction():
        set_how(account=account, how=how)
    return account
