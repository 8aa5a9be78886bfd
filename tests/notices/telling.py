"""What these tests begin with: regulations that people voted on, the morning's mail, and who was told what."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Role
from core import clock
from core.clock import uk_day
from core.db import db, transaction
from core.mail import Mail
from decisions.milestones import add_milestone, change_milestone
from decisions.rules import Outcome
from decisions.steps import State, Step
from notices.models import Notice
from notices.rules import Followed, FollowHow, How
from notices.services import follow, set_how
from notices.telling import tell_due
from regulations.due import note_overdue
from regulations.models import Regulation, Theme
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
)
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


def at_once(*emails: str) -> None:
    for email in emails:
        hears(a_voter(email), How.IMMEDIATELY)


def told_to(email: str) -> list[str]:
    """The kinds of their mails but receipts, in the order they were written."""
    wanted = select(Mail.kind).where(Mail.recipient == email, Mail.kind != "receipt").order_by(Mail.id)
    return list(db.session.scalars(wanted))


def go_overdue(theme: Theme) -> None:
    with transaction():
        found = db.session.get_one(Theme, theme.id)
        assert note_overdue(theme=found, now=found.decision_due_at + DAY)
    settle_the_record()


def is_done(decision: Any, now: datetime = NOON + 30 * DAY) -> None:
    """Whatever was promised after a decision is carried out."""
    official = a_member_of_staff(Role.OFFICIAL)
    with transaction():
        step = add_milestone(
            decision=db.session.merge(decision), step=Step.GUIDANCE, words="", due_on=uk_day(now + 30 * DAY),
            by=db.session.merge(official), now=now,
        )  # fmt: skip
    with transaction():
        step = db.session.merge(step)
        change_milestone(
            milestone=step, seen=step.entry_id or "", state=State.DONE, due_on=step.due_on,
            instrument="SI 2027/123", reason="", by=db.session.merge(official), now=now,
        )  # fmt: skip
    settle_the_record()
