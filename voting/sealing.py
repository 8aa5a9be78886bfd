"""What stands in an entry for who somebody is, and for which way they chose while a theme keeps its split."""

import secrets
from typing import Any

import rfc8785
from sqlalchemy import select

from accounts.models import Account
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
    known = db.session.scalar(
        select(Pseudonym.value).filter_by(account_id=account_id, regulation_id=regulation.id, kind=kind)
    )
    if known is not None:
        return known
    account = db.session.get_one(Account, account_id)
    identity = {**known_by(account), "item": regulation.slug}
    salt = secrets.token_bytes(32)
    value = entries.pseudonym(kind, salt, identity)
    db.session.add(
        Pseudonym(
            account_id=account_id, regulation_id=regulation.id, kind=kind, salt=salt, value=value,
            identity=rfc8785.dumps(identity).decode(),
        )
    )  # fmt: skip
    return value
