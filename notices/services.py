"""Following, ending, choosing how; ending all mail from within a mail; and forgetting with whom nothing is held."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from flask import current_app
from sqlalchemy import Select, delete, exists, func, select, update

from accounts.models import Account, Department, SignInLink
from core.db import db, take_turn
from core.errors import Gone, NotFound
from core.mail import Mail, forget_unsent
from core.sending import REFUSED_FOR_GOOD
from notices import rules
from notices.models import Follow, Hearing, Notice
from notices.rules import Followed, FollowHow, How
from regulations.models import Regulation, Theme

NOBODYS_LINK = "This link belongs to no address that we write to, so there is nothing to stop."


def follow(*, account: Account, kind: Followed, key: str, how: FollowHow, now: datetime) -> Follow:
    """Hear of something from now on; following it again changes how. Raises NotFound for what there is not."""
    check_there(kind, key)
    take_turn(f"follows {account.id}")
    found = db.session.scalar(select(Follow).filter_by(account_id=account.id, kind=kind, key=key))
    if found is not None:
        found.how = how
        return found
    kinds = list(db.session.scalars(select(Follow.kind).where(Follow.account_id == account.id)))
    rules.check_may_follow(kind, len(kinds), kinds.count(Followed.SEARCH))
    found = Follow(account_id=account.id, kind=kind, key=key, how=how, since=now)
    db.session.add(found)
    return found


def check_there(kind: Followed, key: str) -> None:
    """Raises NotFound where a followed thing could never be heard of."""
    slugs = {Followed.REGULATION: Regulation.slug, Followed.THEME: Theme.slug, Followed.DEPARTMENT: Department.slug}
    if kind in slugs:
        there = db.session.scalar(select(slugs[kind]).where(slugs[kind] == key)) is not None
    elif kind is Followed.SEARCH:
        there = bool(key) and rules.search_key(rules.searched(key)) == key
    else:
        there = key == ""
    if not there:
        raise NotFound("There is nothing to follow at this address.")


def end_follow(*, account: Account, id: int) -> None:
    """Ending what has been ended already is no fault."""
    db.session.execute(delete(Follow).where(Follow.id == id, Follow.account_id == account.id))


def set_how(*, account: Account, how: How) -> None:
    hearing = hearing_of(account.id)
    hearing.how = how
    if how is How.NEVER:
        _forget_untold(hearing)


def _forget_untold(hearing: Hearing) -> None:
    """What waits to be told, and what was written of it and has not left yet."""
    db.session.execute(delete(Notice).where(Notice.account_id == hearing.account_id, Notice.told_at.is_(None)))
    email = db.session.scalar(select(Account.email).where(Account.id == hearing.account_id))
    if email:
        forget_unsent(email, way_out(hearing))


def way_out(hearing: Hearing) -> str:
    """The address that ends all mail, without signing in."""
    return f"{current_app.config['SITE'].url}/account/notices/stop/{hearing.secret}"


def hearing_of(account_id: int) -> Hearing:
    """How somebody hears of things, kept from the first time it is asked for, with the secret their mails carry."""
    take_turn(f"follows {account_id}")
    hearing = db.session.get(Hearing, account_id)
    if hearing is None:
        hearing = Hearing(account_id=account_id, how=How.DAILY, secret=_secret())
        db.session.add(hearing)
        db.session.flush()
    return hearing


def hearings_of(account_ids: list[int]) -> dict[int, Hearing]:
    """The same for many, made where missing."""
    there = {row.account_id: row for row in db.session.scalars(_of(account_ids))}
    missing = [id for id in account_ids if id not in there]
    if missing:
        db.session.add_all([Hearing(account_id=id, how=How.DAILY, secret=_secret()) for id in missing])
        db.session.flush()
        there = {row.account_id: row for row in db.session.scalars(_of(account_ids))}
    return there


def _of(account_ids: list[int]) -> Select[Hearing]:
    return select(Hearing).where(Hearing.account_id.in_(account_ids))


def _secret() -> str:
    return secrets.token_urlsafe(24)


def stop_by_secret(*, secret: str) -> None:
    """What the link in every mail does: nothing but receipts from now on. Raises Gone when it belongs to nobody."""
    hearing = db.session.scalar(select(Hearing).filter_by(secret=secret))
    if hearing is None:
        raise Gone(NOBODYS_LINK)
    hearing.how = How.NEVER
    _forget_untold(hearing)


def set_bounced_aside(now: datetime) -> int:
    """Set aside addresses that were refused for good again and again; returns how many.

    Counted since the last mail that was taken there, so that one that works again begins anew.
    """
    taken = select(Mail.recipient, func.max(Mail.sent_at).label("at")).group_by(Mail.recipient).subquery()
    refused = (
        select(Mail.recipient)
        .outerjoin(taken, taken.c.recipient == Mail.recipient)
        .where(
            Mail.failed_at.is_not(None),
            Mail.last_error.startswith(REFUSED_FOR_GOOD),
            func.coalesce(Mail.failed_at > taken.c.at, True),
        )
        .group_by(Mail.recipient)
        .having(func.count() >= rules.BOUNCES)
    )
    wanted = (
        select(Account.id)
        .outerjoin(Hearing, Hearing.account_id == Account.id)
        .where(Account.email.in_(refused), Hearing.bounced_at.is_(None))
    )
    ids = list(db.session.scalars(wanted))
    for hearing in hearings_of(ids).values() if ids else ():
        hearing.bounced_at = now
    return len(ids)


def take_back_confirmed() -> None:
    """An address whose holder has used a link or a code from it since it was set aside is written to again."""
    used = exists().where(
        Account.id == Hearing.account_id, SignInLink.email == Account.email, SignInLink.used_at > Hearing.bounced_at
    )
    db.session.execute(
        update(Hearing).where(Hearing.bounced_at.is_not(None), used).values(bounced_at=None),
        execution_options={"synchronize_session": False},
    )


def forget_erased() -> None:
    """Of somebody whose address was erased nothing is left to follow, and nobody is left to tell."""
    gone = select(Account.id).where(Account.email.is_(None))
    for kept in (Notice, Follow, Hearing):
        db.session.execute(
            delete(kept).where(kept.account_id.in_(gone)), execution_options={"synchronize_session": False}
        )


def forget_waiting(*, but: Sequence[str]) -> None:
    """Tell nobody what waits to be told, except these addresses: a demonstration's past is over when it begins."""
    kept = select(Account.id).where(Account.email.in_(but))
    db.session.execute(delete(Notice).where(Notice.told_at.is_(None), Notice.account_id.not_in(kept)))
