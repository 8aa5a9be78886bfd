"""Organisations that voters name: whose word still waits for a check, and what a check changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select

from accounts import services as accounts
from accounts.models import Account, Organisation
from accounts.rules import Level, organisation_key
from core.db import db, take_turn
from core.errors import NotFound, RuleBroken
from regulations.models import Regulation, Theme
from voting.models import Vote
from voting.services import raise_level


@dataclass(frozen=True)
class Unchecked:
    """An organisation as one voter named it, with the latest of the votes given in its name."""

    vote_id: int
    organisation: str
    email: str
    capacity: str
    votes: int
    last_at: datetime


_can_be_checked = (
    Vote.organisation_name != "", Vote.choice.is_not(None), Vote.level < Level.CHECKED_BY_STAFF,
    Theme.frozen_at.is_(None), Account.email.is_not(None),
)  # fmt: skip


def organisations_to_check() -> Select[Any]:
    """How many organisations, by who names each, unchecked_organisations() would list without a limit."""
    each = (
        select(Vote.account_id, Vote.organisation_name)
        .join(Account, Account.id == Vote.account_id)
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .where(*_can_be_checked)
        .distinct()
    )
    return select(func.count()).select_from(each.subquery())


def unchecked_organisations(*, limit: int) -> list[Unchecked]:
    """The newest first; only where a check would still change a count that is not final."""
    wanted = (
        select(
            func.max(Vote.id).label("vote_id"), Vote.organisation_name.label("organisation"), Account.email,
            func.max(Vote.capacity).label("capacity"), func.count().label("votes"),
            func.max(Vote.cast_at).label("last_at"),
        )
        .join(Account, Account.id == Vote.account_id)
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .where(*_can_be_checked)
        .group_by(Vote.account_id, Vote.organisation_name, Account.email)
        .order_by(func.max(Vote.id).desc())
        .limit(limit)
    )  # fmt: skip
    return [Unchecked(**row._mapping) for row in db.session.execute(wanted)]


def vote_naming_organisation(vote_id: int) -> Vote:
    """Raises NotFound."""
    vote = db.session.get(Vote, vote_id)
    if vote is None or not vote.organisation_name or vote.choice is None:
        raise NotFound("There is no vote here that names an organisation.")
    return vote


def confirm_organisation(*, vote: Vote, name: str, domain: str, by: Account, now: datetime) -> Organisation:
    """Staff have found that a voter speaks for the organisation they named: their open votes say so from now on.

    So do those of people who named it and write from its mail domain.
    """
    if organisation_key(name) != organisation_key(vote.organisation_name):
        raise RuleBroken(
            f"The voter named “{vote.organisation_name}”. Spell it as it should be; for another name, ask them to vote "
            "again under it.",
            field="name",
        )
    take_turn("organisations")
    organisation = accounts.check_organisation(account=vote.account, name=name, domain=domain, by=by, now=now)
    db.session.flush()
    for open_vote in sorted(_open_votes(vote.account_id, organisation), key=lambda each: (each.account_id, each.id)):
        raise_level(vote=open_vote, now=now)
    return organisation


def _open_votes(account_id: int, organisation: Organisation) -> Sequence[Vote]:
    theirs = Vote.account_id == account_id
    if organisation.domain:
        theirs = or_(theirs, Account.email.endswith("@" + organisation.domain, autoescape=True))
    wanted = (
        select(Vote)
        .join(Account, Account.id == Vote.account_id)
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .where(theirs, Vote.organisation_name != "", Vote.choice.is_not(None), Theme.frozen_at.is_(None))
    )
    return db.session.scalars(wanted.order_by(Vote.id)).all()
