"""Asking about votes, reasons and tallies. Lists come as plain rows, never as mapped objects."""

import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select

from accounts.models import Account
from accounts.rules import Capacity, Level
from audit.models import Entry, FollowerCursor
from audit.queries import folded_position, read
from core.db import db
from regulations.models import Regulation, Theme
from regulations.rules import Split
from voting import rules
from voting.models import (
    Comment,
    CommentTally,
    PendingBallot,
    Support,
    TallyCell,
    TallyTotal,
    Vote,
    VoteDetail,
)
from voting.rules import Cell, Choice, CommentStatus, Tally
from voting.shown import Reason, as_reasons

Given = TypeVar("Given", Vote, Comment, Support)


def standing_vote(voter: Account, regulation: Regulation, *, hold: bool = False) -> Vote | None:
    with db.session.no_autoflush:
        return _own(Vote, voter, regulation, hold)


def comment_by(author: Account, regulation: Regulation, *, hold: bool = False) -> Comment | None:
    return _own(Comment, author, regulation, hold)


def support_by(author: Account, regulation: Regulation, *, hold: bool = False) -> Support | None:
    return _own(Support, author, regulation, hold)


def _own(model: type[Given], account: Account, regulation: Regulation, hold: bool) -> Given | None:
    """``hold`` reads it again, whatever was read before its turn came, and keeps others off until the commit."""
    wanted = select(model).filter_by(account_id=account.id, regulation_id=regulation.id)
    if hold:
        wanted = wanted.with_for_update(of=model, key_share=True).execution_options(populate_existing=True)
    return db.session.scalar(wanted)


def tally_of(regulation_id: int, cells: Sequence[Cell] | None = None, given: tuple[int, int] | None = None) -> Tally:
    """The folded tally: exact over the first ``position`` entries of the record, and the same for every reader.

    ``cells`` and ``given``, how many gave reasons and comments, save asking for them once more.
    """
    of_this = TallyTotal.regulation_id == regulation_id
    totals = func.coalesce(TallyTotal.reasons, 0), func.coalesce(TallyTotal.comments, 0)
    wanted = select(FollowerCursor.position, FollowerCursor.moved_at, *totals).outerjoin(TallyTotal, of_this)
    row = db.session.execute(wanted.where(FollowerCursor.name == "tally")).one_or_none()
    position, moved_at, *folded = row or (0, None, 0, 0)
    found = cells_of(regulation_id) if cells is None else cells
    return tally_from(regulation_id, found, position, moved_at, given or (folded[0], folded[1]))


def tally_with_tail(regulation_id: int, item: str, now: datetime) -> Tally:
    """The folded tally and what came after it, so that whoever has just voted finds their vote counted."""
    position, _ = folded_position("tally")
    cells = {(c.capacity, c.level, c.choice, c.direction): c.votes for c in cells_of(regulation_id)}
    not_folded = or_(Entry.idx.is_(None), Entry.idx >= position)
    tail = select(Entry.type, Entry.body).where(Entry.item == item, Entry.type.in_(_COUNTED), not_folded)
    rows = [(row.type, read(row.body)) for row in db.session.execute(tail.order_by(Entry.seq))]
    for key, step in steps_of([said for type, said in rows if type == "vote"]):
        cells[key] = cells.get(key, 0) + step
    tally = tally_from(regulation_id, [Cell(*key, votes) for key, votes in cells.items() if votes], position, now)
    return replace(tally, reasons=tally.reasons + reasons_step([said for type, said in rows if type != "vote"]))


_COUNTED = ("vote", "comment", "support")


CellKey = tuple[Capacity, int, str, str]


def steps_of(votes: Sequence[dict[str, Any]]) -> list[tuple[CellKey, int]]:
    """What each vote entry adds to, and takes from, the cells: its own vote, and the one it replaces."""
    earlier = _with_what_came_before(votes)
    steps = []
    for vote in votes:
        before = earlier.get(vote.get("prev", ""))
        if before is not None and not before.get("withdrawn"):
            steps.append((_cell_key(before), -1))
        if not vote.get("withdrawn"):
            steps.append((_cell_key(vote), 1))
    return steps


def reasons_step(acts: Sequence[dict[str, Any]]) -> int:
    """By how much comment and support entries change the number of those who gave a reason: saying anew adds none."""
    earlier = _with_what_came_before(acts)
    step = 0
    for act in acts:
        before = earlier.get(act.get("prev", ""))
        stood = before is not None and not before.get("withdrawn")
        step += -1 if act.get("withdrawn") else 0 if stood else 1
    return step


def _with_what_came_before(acts: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    earlier = {act["id"]: act for act in acts}
    missing = {act["prev"] for act in acts if "prev" in act} - earlier.keys()
    if missing:
        rows = db.session.scalars(select(Entry.body).where(Entry.id.in_(missing)))
        earlier |= {said["id"]: said for said in map(read, rows)}
    return earlier


def _cell_key(vote: dict[str, Any]) -> CellKey:
    return Capacity(vote["capacity"]), vote["level"], vote.get("choice", ""), vote.get("direction", "")


def cells_of(regulation_id: int) -> list[Cell]:
    """The folded votes, each kind once."""
    rows = db.session.execute(
        select(TallyCell.capacity, TallyCell.level, TallyCell.choice, TallyCell.direction, TallyCell.votes).where(
            TallyCell.regulation_id == regulation_id, TallyCell.votes > 0
        )
    )
    return [Cell(Capacity(r.capacity), r.level, r.choice, r.direction, r.votes) for r in rows]


def tally_from(
    regulation_id: int,
    cells: Sequence[Cell],
    position: int,
    as_at: datetime | None,
    given: tuple[int, int] | None = None,
) -> Tally:
    """A tally of cells, however they were counted, with how many gave reasons: ``given``, or asked for."""
    reasons, comments = given or _reasons_and_comments(regulation_id)
    by_capacity = [(c.plural, rules.add_up(x for x in cells if x.capacity is c)) for c in Capacity]
    by_level = [(_LEVEL_WORDS[n], rules.add_up(x for x in cells if x.level == n)) for n in _LEVEL_WORDS]
    return rules.add_up(
        cells,
        reasons=reasons,
        comments=comments,
        as_at=as_at,
        position=position,
        by_capacity=tuple((label, part) for label, part in by_capacity if part.participants),
        by_level=tuple((label, part) for label, part in by_level if part.participants),
    )


def _reasons_and_comments(regulation_id: int) -> tuple[int, int]:
    wanted = select(TallyTotal.reasons, TallyTotal.comments).where(TallyTotal.regulation_id == regulation_id)
    row = db.session.execute(wanted).one_or_none()
    return (row.reasons, row.comments) if row else (0, 0)


_LEVEL_WORDS = {
    Level.EMAIL_CONFIRMED: "Email confirmed",
    Level.ORGANISATION_MATCHED: "Organisation matched",
    Level.CHECKED_BY_STAFF: "Checked by staff",
}


_supports = func.coalesce(CommentTally.supports, 0).label("supports")


def _reasons() -> Any:
    """Comments that have their place: published, masked, hidden or erased, and none where the split is still kept."""
    return (
        select(
            Comment.id, Comment.public_id, Comment.choice, Comment.direction, Comment.text, Comment.capacity,
            Comment.level, Comment.display_name, Comment.organisation_name, Comment.written_at, Comment.entry_id,
            Comment.status, Comment.version, Comment.demonstration, _supports, Regulation.slug, Regulation.title,
            Comment.erased_at, Comment.erasure_basis, Comment.erasure_entry_id,
        )
        .join(Regulation, Regulation.id == Comment.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .outerjoin(CommentTally, CommentTally.comment_id == Comment.id)
        .where(Comment.status != CommentStatus.WITHDRAWN, or_(Theme.split != Split.KEPT, Theme.frozen_at.is_not(None)))
    )  # fmt: skip


def reasons_of(
    regulation_id: int,
    *,
    choice: str | None = None,
    capacity: str | None = None,
    ids: Sequence[int] | None = None,
    newest: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> list[Reason]:
    """Reasons on a regulation, most supported first, the newest first among equals; or simply the newest first."""
    wanted = _reasons().where(Comment.regulation_id == regulation_id)
    if choice:
        wanted = wanted.where(Comment.choice == choice)
    if capacity:
        wanted = wanted.where(Comment.capacity == capacity)
    if ids is not None:
        wanted = wanted.where(Comment.id.in_(ids))
    order = (Comment.written_at.desc(), Comment.id.desc()) if newest else (_supports.desc(), Comment.id.desc())
    wanted = wanted.order_by(*order).offset(offset)
    return as_reasons(db.session.execute(wanted if limit is None else wanted.limit(limit)).all())


def strongest_reasons(regulation_id: int, each: int = 2, also: Collection[str] = ()) -> dict[Choice, list[Reason]]:
    """The published reasons most people stand behind, so many for each choice; ``also`` names others to come with them.

    A reason is named as in reasons_named().
    """
    place = func.row_number().over(partition_by=Comment.choice, order_by=(_supports.desc(), Comment.id.desc()))
    ranked = (
        select(Comment.id, place.label("place"))
        .outerjoin(CommentTally, CommentTally.comment_id == Comment.id)
        .where(Comment.regulation_id == regulation_id, Comment.status == CommentStatus.PUBLISHED)
        .subquery()
    )
    best = Comment.id.in_(select(ranked.c.id).where(ranked.c.place <= each))
    wanted = or_(best, and_(Comment.regulation_id == regulation_id, _is_named(also))) if also else best
    rows = db.session.execute(_reasons().where(wanted).order_by(_supports.desc(), Comment.id.desc()))
    reasons = as_reasons(rows.all())
    return {choice: [reason for reason in reasons if reason.choice == choice] for choice in Choice}


def reasons_named(regulation_id: int, names: Collection[str]) -> list[Reason]:
    """Reasons on a regulation by their public ids, or by the ids of their lines in the record."""
    if not names:
        return []
    here = Comment.regulation_id == regulation_id
    rows = db.session.execute(_reasons().where(here, _is_named(names)).order_by(Comment.id))
    return as_reasons(rows.all())


def _is_named(names: Collection[str]) -> ColumnElement[bool]:
    return or_(Comment.public_id.in_(names), Comment.entry_id.in_(names))


def count_reasons(regulation_id: int) -> dict[str, int]:
    """How many reasons are published for each choice."""
    wanted = (
        select(Comment.choice, func.count())
        .where(Comment.regulation_id == regulation_id, Comment.status.in_(rules.PUBLIC))
        .group_by(Comment.choice)
    )
    return {row[0]: row[1] for row in db.session.execute(wanted)}


def count_readable(regulation_id: int, *, ids: Sequence[int] | None = None) -> dict[tuple[str, str], int]:
    """How many reasons reasons_of() finds for each choice and capacity, those that were hidden or erased among them."""
    readable = _reasons().with_only_columns(Comment.choice, Comment.capacity, func.count())
    readable = readable.where(Comment.regulation_id == regulation_id)
    if ids is not None:
        readable = readable.where(Comment.id.in_(ids))
    return {(row[0], row[1]): row[2] for row in db.session.execute(readable.group_by(Comment.choice, Comment.capacity))}


def offered_reasons(
    regulation_id: int, *, seed: str, but_not_of: int | None = None, chosen: str = ""
) -> dict[Choice, list[Reason]]:
    """At most five reasons a side, drawn from the most supported and the newest, in the ballot's own random order.

    ``chosen`` is the one this ballot stands behind already; it is always among them, in the words it has now.
    """
    chosen = rules.public_id_of(chosen)
    strong = func.row_number().over(partition_by=Comment.choice, order_by=(_supports.desc(), Comment.id.desc()))
    new = func.row_number().over(partition_by=Comment.choice, order_by=Comment.id.desc())
    published = (
        select(Comment.id, Comment.public_id, strong.label("strong"), new.label("new"))
        .outerjoin(CommentTally, CommentTally.comment_id == Comment.id)
        .where(Comment.regulation_id == regulation_id, Comment.status == CommentStatus.PUBLISHED)
    )
    if but_not_of is not None:
        published = published.where(Comment.account_id != but_not_of)
    ranked = published.subquery()
    pool = select(ranked.c.id).where(
        or_(ranked.c.strong <= _DRAWN_FROM, ranked.c.new <= _DRAWN_FROM, ranked.c.public_id == chosen)
    )
    rows = db.session.execute(_reasons().where(Comment.id.in_(pool)).order_by(Comment.id)).all()
    reasons = as_reasons(rows)
    draw = random.Random(f"reasons:{seed}")  # noqa: S311 - a fair order, not a secret
    return {choice: _drawn([r for r in reasons if r.choice == choice], chosen, draw) for choice in Choice}


_DRAWN_FROM = 15


def _drawn(side: list[Reason], chosen: str, draw: random.Random) -> list[Reason]:
    """A text that many sent is offered once."""
    once = {reason.text: reason for reason in side} | {r.text: r for r in side if r.public_id == chosen}
    offered = draw.sample(list(once.values()), min(len(once), rules.REASONS_OFFERED))
    missing = [reason for reason in side if reason.public_id == chosen and reason not in offered]
    return [*offered[: rules.REASONS_OFFERED - len(missing)], *missing]


def _held(wanted: Any) -> Any:
    """Kept from others until the commit, and read again: what was seen before waiting may have changed."""
    return wanted.with_for_update(of=PendingBallot).execution_options(populate_existing=True)


def waiting_ballots(email: str, now: datetime, *, hold: bool = False) -> list[PendingBallot]:
    """What was given under an address and waits for it to be confirmed; ``hold`` keeps others off until the commit."""
    wanted = select(PendingBallot).where(
        PendingBallot.email == email, PendingBallot.given_at > now - rules.PENDING_LIFE
    )
    wanted = wanted.order_by(PendingBallot.given_at, PendingBallot.id)
    return list(db.session.scalars(_held(wanted) if hold else wanted))


def ballot_with(secret: str | None, *, hold: bool = False) -> PendingBallot | None:
    if not secret:
        return None
    wanted = select(PendingBallot).filter_by(secret=secret)
    return db.session.scalar(_held(wanted) if hold else wanted)


def details_of(vote: Vote) -> VoteDetail | None:
    return db.session.get(VoteDetail, vote.id)


def order_effect() -> list[tuple[str, str, int]]:
    """How often each choice was made under each of the six orders on the ballot: (order, choice, votes)."""
    wanted = (
        select(Vote.order, Vote.choice, func.count())
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .join(Theme, Theme.id == Regulation.theme_id)
        .where(Vote.choice.is_not(None), or_(Theme.split != Split.KEPT, Theme.frozen_at.is_not(None)))
        .group_by(Vote.order, Vote.choice)
    )
    return [(row[0], row[1] or "", row[2]) for row in db.session.execute(wanted)]
