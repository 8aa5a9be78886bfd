"""Who is to hear of something: made in one statement, however many they are, and nobody twice."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    and_,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from accounts.models import Account
from core.db import UtcDateTime, db, take_turn
from decisions.models import Decision
from notices.models import Follow, Hearing, Notice
from notices.rules import UNASKED, Because, Followed, FollowHow, How, Kind, next_digest
from regulations.models import DueChange, Regulation
from voting.models import Comment, Support, Vote

Keys = dict[Followed, Collection[str] | Select[Any]]


@dataclass(frozen=True)
class Decided:
    """What was decided, and whether it is still to be carried out, so that there will be more to tell."""

    outcome: str
    """The outcome and, of improve, the direction, with a space between them."""
    to_be_done: bool


@dataclass(frozen=True)
class Happening:
    """Something to tell: whose line in the record it is, whom it concerns, and by which words it is found again."""

    cause: str
    kind: Kind
    follows: Keys
    """By kind, the keys of what somebody has to follow to hear of it."""
    took_part_in: Collection[int] | Select[Any] = ()
    """Ids of the regulations whose voters hear of it unasked."""
    stood_behind: int | None = None
    """The id of a comment whose supporters hear of it unasked."""
    regulation_id: int | None = None
    words: dict[str, Any] = field(default_factory=dict)
    decided: Decided | None = None
    until: datetime | None = None
    """Told at once where the day's mail would come after this."""


def note(happening: Happening, now: datetime) -> None:
    """Keep a notice for everyone who is to hear. Within the follower's transaction, so once for each."""
    if happening.kind == Kind.DECISION:
        _forget_untold(happening)
    concerned = _concerned(happening).subquery()
    already = select(Notice.id).where(
        Notice.account_id == Account.id, Notice.cause == happening.cause, Notice.kind == happening.kind
    )
    unasked = _told_unasked(happening.regulation_id).subquery()
    digest = next_digest(now)
    if happening.until is not None and happening.until <= digest:
        digest = now
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
            case((concerned.c.soon == 1, literal(now, UtcDateTime)), else_=literal(digest, UtcDateTime)),
        )
        .join(concerned, concerned.c.account_id == Account.id)
        .outerjoin(Hearing, Hearing.account_id == Account.id)
        .outerjoin(unasked, unasked.c.account_id == Account.id)
        .where(
            Account.email.is_not(None),
            wants_to_hear(),
            ~already.exists(),
            or_(asked, _may_be_told_unasked(happening, unasked)),
        )
        .order_by(Account.id)
    )
    columns = ("account_id", "cause", "kind", "regulation_id", "because", "words", "made_at", "due_at")
    db.session.execute(insert(Notice).from_select(columns, told, include_defaults=False))


def _forget_untold(happening: Happening) -> None:
    """What an earlier decision still had to tell nobody needs to hear once a later one has taken its place."""
    take_turn("telling")  # nobody is being written to meanwhile
    db.session.execute(
        delete(Notice).where(
            Notice.regulation_id == happening.regulation_id, Notice.kind.in_((Kind.DECISION, Kind.DONE)),
            Notice.told_at.is_(None), Notice.cause != happening.cause,
        )
    )  # fmt: skip


def _told_unasked(regulation_id: int | None) -> Select[int, int, int, int, int]:
    """By account, what it was told, or will be, about one regulation without having asked: how much, and of what."""
    overdue = (
        select(DueChange.entry_id)
        .join(Regulation, Regulation.theme_id == DueChange.theme_id)
        .where(Regulation.id == regulation_id)
    )
    return (
        select(
            Notice.account_id,
            func.count().filter(Notice.kind.in_((Kind.OVERDUE, Kind.ERASURE))).label("more"),
            func.count().filter(Notice.kind == Kind.DECISION).label("decisions"),
            func.count().filter(Notice.kind == Kind.DONE).label("done"),
            func.count().filter(Notice.kind == Kind.ERASURE).label("erasures"),
        )
        .where(
            Notice.because == Because.TOOK_PART,
            or_(
                and_(
                    Notice.regulation_id == regulation_id,
                    Notice.kind.in_((Kind.DECISION, Kind.DONE, Kind.ERASURE)),
                ),
                and_(Notice.kind == Kind.OVERDUE, Notice.cause.in_(overdue)),
            ),
        )
        .group_by(Notice.account_id)
    )


def _may_be_told_unasked(happening: Happening, unasked: Any) -> ColumnElement[bool]:
    """A first decision, and that it is done, always find their place; what comes again only where one is left."""
    usual = func.coalesce(unasked.c.decisions + unasked.c.done, 0)
    told = usual + case((func.coalesce(unasked.c.more, 0) > 0, 1), else_=0)
    if happening.kind == Kind.DECISION:
        decided = happening.decided
        if decided is None:
            return false()
        kept_for_done = case((func.coalesce(unasked.c.done, 0) == 0, 1), else_=0) if decided.to_be_done else literal(0)
        is_turned_round = _last_told(happening.regulation_id) != decided.outcome
        return or_(func.coalesce(unasked.c.decisions, 0) == 0, and_(is_turned_round, told + kept_for_done < UNASKED))
    if happening.kind == Kind.DONE:
        return and_(func.coalesce(unasked.c.done, 0) == 0, told < UNASKED)
    if happening.kind == Kind.ERASURE:
        return func.coalesce(unasked.c.erasures, 0) == 0
    return true()


def _last_told(regulation_id: int | None) -> ColumnElement[str]:
    """Which outcome an account was told last, asked or not, in the form of Decided.outcome."""
    return (
        select(outcome_of())
        .join(Notice, Notice.cause == Decision.entry_id)
        .where(
            Notice.account_id == Account.id, Notice.kind == Kind.DECISION, Notice.regulation_id == regulation_id,
            Notice.told_at.is_not(None),
        )
        .order_by(Notice.id.desc())
        .limit(1)
        .correlate(Account)
        .scalar_subquery()
    )  # fmt: skip


def outcome_of() -> ColumnElement[str]:
    return Decision.outcome + " " + func.coalesce(Decision.direction, "")


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
            .where(~_has_had_its_one_more() if happening.kind == Kind.OVERDUE else true())
        )
    if happening.stood_behind is not None:
        parts.append(
            select(Support.account_id, literal(0).label("follows"), usually.label("soon"))
            .join(Comment, Comment.id == Support.comment_id)
            .outerjoin(Hearing, Hearing.account_id == Support.account_id)
            .where(Comment.id == happening.stood_behind, Support.stands, Support.version == Comment.version)
        )
    everyone = union_all(*parts).subquery()
    return select(
        everyone.c.account_id, func.max(everyone.c.follows).label("follows"), func.max(everyone.c.soon).label("soon")
    ).group_by(everyone.c.account_id)


def _has_had_its_one_more() -> ColumnElement[bool]:
    """Of a vote: the mail that is added to the usual ones went to say that its reason was erased."""
    return exists().where(
        Notice.account_id == Vote.account_id, Notice.regulation_id == Vote.regulation_id,
        Notice.kind == Kind.ERASURE, Notice.because == Because.TOOK_PART,
    )  # fmt: skip
