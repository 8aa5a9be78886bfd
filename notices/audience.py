"""Who is to hear of something: made in one statement, however many they are, and nobody twice."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, and_, case, func, insert, literal, null, or_, select, union_all

from accounts.models import Account
from core.db import UtcDateTime, db
from notices.models import Follow, Hearing, Notice
from notices.rules import UNASKED, Because, Followed, FollowHow, How, Kind, next_digest
from voting.models import Vote

Keys = dict[Followed, Collection[str] | Select[Any]]


@dataclass(frozen=True)
class Happening:
    """Something to tell: whose line in the record it is, whom it concerns, and by which words it is found again."""

    cause: str
    kind: Kind
    follows: Keys
    """By kind, the keys of what somebody has to follow to hear of it."""
    took_part_in: Collection[int] | Select[Any] = ()
    """Ids of the regulations whose voters hear of it unasked."""
    regulation_id: int | None = None
    words: dict[str, Any] = field(default_factory=dict)


def note(happening: Happening, now: datetime) -> None:
    """Keep a notice for everyone who is to hear. Within the follower's transaction, so once for each."""
    concerned = _concerned(happening).subquery()
    already = select(Notice.id).where(
        Notice.account_id == Account.id, Notice.cause == happening.cause, Notice.kind == happening.kind
    )
    unasked = _told_unasked(happening.regulation_id).subquery()
    asked = concerned.c.follows == 1
    told = (
        select(
            Account.id,
            literal(happening.cause),
            literal(happening.kind.value),
            literal(happening.regulation_id) if happening.regulation_id else null(),
            case((asked, Because.FOLLOWS.value), else_=Because.TOOK_PART.value),
            literal(happening.words, JSON),
            literal(now, UtcDateTime),
            case((concerned.c.soon == 1, literal(now, UtcDateTime)), else_=literal(next_digest(now), UtcDateTime)),
        )
        .join(concerned, concerned.c.account_id == Account.id)
        .outerjoin(Hearing, Hearing.account_id == Account.id)
        .outerjoin(unasked, unasked.c.account_id == Account.id)
        .where(
            Account.email.is_not(None),
            wants_to_hear(),
            ~already.exists(),
            or_(asked, func.coalesce(unasked.c.told, 0) < UNASKED),
        )
        .order_by(Account.id)
    )
    columns = ("account_id", "cause", "kind", "regulation_id", "because", "words", "made_at", "due_at")
    db.session.execute(insert(Notice).from_select(columns, told, include_defaults=False))


def _told_unasked(regulation_id: int | None) -> Select[int, int]:
    """How much each account was told, or will be, about one regulation without having asked."""
    return (
        select(Notice.account_id, func.count().label("told"))
        .where(
            Notice.regulation_id == regulation_id,
            Notice.because == Because.TOOK_PART,
            Notice.kind.in_((Kind.DECISION, Kind.DONE)),
        )
        .group_by(Notice.account_id)
    )


def wants_to_hear() -> ColumnElement[bool]:
    """Neither has said never, nor has an address that is set aside. Joined from the outside to Hearing."""
    return or_(Hearing.account_id.is_(None), and_(Hearing.how != How.NEVER, Hearing.bounced_at.is_(None)))


def _concerned(happening: Happening) -> Select[int, int, int]:
    """Each account once: whether it follows, or only took part, and whether it wants to hear at once."""
    usually = case((Hearing.how == How.IMMEDIATELY, 1), else_=0)
    soon = case((Follow.how == FollowHow.IMMEDIATELY, 1), (Follow.how == FollowHow.DAILY, 0), else_=usually)
    followed = [
        and_(Follow.kind == kind, Follow.key.in_(keys))
        for kind, keys in happening.follows.items()
        if isinstance(keys, Select) or keys
    ]
    parts: list[Select[Any]] = []
    if followed:
        parts.append(
            select(Follow.account_id, literal(1).label("follows"), soon.label("soon"))
            .outerjoin(Hearing, Hearing.account_id == Follow.account_id)
            .where(or_(*followed))
        )
    if isinstance(happening.took_part_in, Select) or happening.took_part_in:
        parts.append(
            select(Vote.account_id, literal(0).label("follows"), usually.label("soon"))
            .outerjoin(Hearing, Hearing.account_id == Vote.account_id)
            .where(Vote.regulation_id.in_(happening.took_part_in), Vote.choice.is_not(None))
        )
    everyone = union_all(*parts).subquery()
    return select(
        everyone.c.account_id, func.max(everyone.c.follows).label("follows"), func.max(everyone.c.soon).label("soon")
    ).group_by(everyone.c.account_id)
