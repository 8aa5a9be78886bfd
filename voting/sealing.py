"""What stands in an entry for who somebody is, and for which way they chose while a theme keeps its split."""

import secrets
from typing import Any

import rfc8785
from sqlalchemy import select

from accounts.models import Account, Organisation
from accounts.queries import known_by
from audit import entries
from audit.services import Sealed
from core.db import db
from regulations.models import Regulation
from regulations.rules import Split
from voting.models import Comment, Pseudonym, Vote


def side_of(row: Vote | Comment, *, kind: str, field: str) -> tuple[dict[str, Any], dict[str, Sealed]]:
    """Choice and direction as an entry says them, the choice named ``field``, and what its commitment opens to.

    Where the split is kept until the close, a commitment stands for both.
    """
    if row.regulation.theme.split != Split.KEPT:
        return {field: row.choice, "direction": row.direction}, {}
    sealed = Sealed.of(kind, f"{row.choice}:{row.direction or ''}")
    return {"commit": sealed.commit}, {"commit": sealed}


def pseudonym_of(account_id: int, regulation: Regulation, kind: str) -> str:
    """Computed at the first act on an item and kept: a later change of address must not split a person in two."""
    known = _of_person(account_id, regulation, kind)
    if known is None:
        known = _new_for_person(account_id, regulation, kind)
        db.session.add(known)
    return known.value


def voter_of(vote: Vote) -> Pseudonym:
    """Under which pseudonym a vote is cast: the organisation's where it is confirmed to be its vote, or the person's.

    One made just now is not in the session yet. One that is known is held until the commit, for two colleagues may
    both be about to follow its last line.
    """
    if vote.organisation_id is None:
        known = _of_person(vote.account_id, vote.regulation, "voter")
        return known or _new_for_person(vote.account_id, vote.regulation, "voter")
    wanted = select(Pseudonym).filter_by(
        organisation_id=vote.organisation_id, regulation_id=vote.regulation_id, kind="voter"
    )
    known = db.session.scalar(_held(wanted))
    if known is not None:
        return known
    organisation = db.session.get_one(Organisation, vote.organisation_id)
    made = _made("voter", {"organisation": organisation.key, "item": vote.regulation.slug}, vote.regulation_id)
    made.organisation_id = organisation.id
    return made


def standing_under(vote: Vote) -> Pseudonym:
    """The pseudonym whose last line is this vote's own."""
    return db.session.scalars(_held(select(Pseudonym).filter_by(last_entry_id=vote.entry_id))).one()


def _held(wanted: Any) -> Any:
    return wanted.with_for_update().execution_options(populate_existing=True)


def _of_person(account_id: int, regulation: Regulation, kind: str) -> Pseudonym | None:
    return db.session.scalar(select(Pseudonym).filter_by(account_id=account_id, regulation_id=regulation.id, kind=kind))


def _new_for_person(account_id: int, regulation: Regulation, kind: str) -> Pseudonym:
    account = db.session.get_one(Account, account_id)
    made = _made(kind, {**known_by(account), "item": regulation.slug}, regulation.id)
    made.account_id = account_id
    return made


def _made(kind: str, identity: dict[str, str], regulation_id: int) -> Pseudonym:
    salt = secrets.token_bytes(32)
    return Pseudonym(
        regulation_id=regulation_id, kind=kind, salt=salt, value=entries.pseudonym(kind, salt, identity),
        identity=rfc8785.dumps(identity).decode(),
    )  # fmt: skip
