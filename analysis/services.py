"""Naming points, putting reasons under them, and looking again where an author objects. Each writes its lines."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

import rfc8785
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Role
from analysis import rules
from analysis.answered import answered_for_now
from analysis.models import Dispute, Grouping, Point, PointWording
from analysis.noted import is_noted
from analysis.rules import Outcome
from audit.entries import DisputeEntry, GroupingEntry, PointEntry, text_digest
from audit.services import record
from core.db import db, take_turn
from core.errors import Clash, NotAllowed, RuleBroken
from regulations.models import Regulation
from regulations.responsible import check_may_work_on
from regulations.rules import Split
from voting.models import Comment

ANALYSTS = (Role.ANALYST, Role.OFFICIAL)


def make_point(
    *,
    regulation: Regulation,
    title: str,
    summary: str,
    by: Account,
    now: datetime,
    few: bool = False,
    demonstration: bool = False,
) -> Point:
    """Name one distinct argument. ``few`` makes the one group that gathers what few people raised."""
    _check_analyst(by, regulation)
    rules.check_open_to_grouping(is_kept(regulation))
    rules.check_wording(title, summary)
    if few:
        take_turn(f"few {regulation.id}")
        if _standing_few(regulation) is not None:
            raise RuleBroken("There is a group for what few people raised already. Put the comments under that.")
    point = Point(
        public_id=secrets.token_hex(8), regulation=regulation, title=title, summary=summary, few=few,
        made_by=by.office, made_at=now, changed_at=now, demonstration=demonstration,
    )  # fmt: skip
    db.session.add(point)
    _record_wording(point, by, now)
    return point


def reword_point(*, point: Point, version: int, title: str, summary: str, by: Account, now: datetime) -> Point:
    """Say a point better. ``version`` is the wording one began from; raises Clash when a colleague was first."""
    _check_analyst(by, point.regulation)
    rules.check_wording(title, summary)
    _hold(point)
    rules.check_stands(point.withdrawn_at is not None)
    if point.version != version:
        raise Clash("A colleague has worded this point anew since you opened it. Compare the two, then save again.")
    if (point.title, point.summary) == (title, summary):
        return point
    point.title, point.summary, point.changed_at = title, summary, now
    point.version += 1
    _record_wording(point, by, now)
    return point


def withdraw_point(*, point: Point, by: Account, now: datetime) -> None:
    """Give a point up. What stood under it waits to be read again, unless it is under another point too."""
    _check_analyst(by, point.regulation)
    answered = answered_for_now(point.regulation)
    _hold(point)
    rules.check_stands(point.withdrawn_at is not None)
    rules.check_point_has_no_answer(point.id in answered.points)
    for grouping in db.session.scalars(select(Grouping).filter_by(point_id=point.id, stands=True)):
        _settle_open_dispute(grouping, Outcome.MOVED, by, now)
    point.withdrawn_at = point.changed_at = now
    body = PointEntry(
        item=point.regulation.slug, point=point.public_id, withdrawn=True, actor=by.office, prev=point.entry_id
    )
    point.entry_id = record(body, about=point, now=now).id


def put_under(*, point: Point, comments: Sequence[Comment], by: Account, now: datetime) -> list[Grouping]:
    """Put reasons, in the words they have now, under a point; those that stand there already stay as they are."""
    _check_analyst(by, point.regulation)
    rules.check_open_to_grouping(is_kept(point.regulation))
    rules.check_ticked(len(comments))
    _hold(point)
    rules.check_stands(point.withdrawn_at is not None)
    wanted = select(Grouping).where(
        Grouping.point_id == point.id, Grouping.comment_id.in_([comment.id for comment in comments])
    )
    known = {grouping.comment_id: grouping for grouping in db.session.scalars(wanted)}
    return [_put(known.get(comment.id), point, comment, by, now) for comment in comments]


def take_out(*, point: Point, comments: Sequence[Comment], by: Account, now: datetime) -> None:
    """Take reasons out from under a point. An objection that waits is settled by that.

    Raises RuleBroken for what a decision answered there: that is moved only where its author objects.
    """
    _check_analyst(by, point.regulation)
    rules.check_ticked(len(comments))
    answered = answered_for_now(point.regulation)
    _hold(point)
    wanted = select(Grouping).where(
        Grouping.point_id == point.id,
        Grouping.comment_id.in_([comment.id for comment in comments]),
        Grouping.stands.is_(True),
    )
    standing = db.session.scalars(wanted).all()
    rules.check_none_was_answered(sum(map(answered.holds, standing)))
    for grouping in standing:
        _take(grouping, by, now)
        _settle_open_dispute(grouping, Outcome.MOVED, by, now)


def object_to(*, grouping: Grouping, author: Account, now: datetime) -> Dispute:
    """Its author says that a reason was put in the wrong place: staff will look again."""
    db.session.refresh(grouping, with_for_update=True)
    earlier = select(Dispute.id).where(Dispute.grouping_id == grouping.id, Dispute.raised_at >= grouping.put_at)
    rules.check_may_object(
        is_author=grouping.comment.account_id == author.id,
        stands=counts(grouping),
        has_objected=db.session.scalar(earlier.limit(1)) is not None,
    )
    dispute = Dispute(grouping=grouping, raised_at=now)
    db.session.add(dispute)
    _record_dispute(dispute, "raised", None, now)
    return dispute


def settle_dispute(*, dispute: Dispute, outcome: Outcome, by: Account, now: datetime, to: Iterable[Point] = ()) -> None:
    """Having looked again, leave a reason where it is, or take it out and put it under other points, if there are.

    What a decision answered there stays there too, unless it answers one of the other points: that is noted then, and
    the next decision has to answer it anew.
    """
    _check_analyst(by, dispute.grouping.point.regulation)
    db.session.refresh(dispute, with_for_update=True)
    if dispute.settled_at is not None:
        raise Clash("A colleague has settled this already.")
    grouping = dispute.grouping
    if outcome is not Outcome.KEPT:
        outcome = _move(grouping, to, by, now)
    _settle(dispute, outcome, by, now)


def _move(grouping: Grouping, to: Iterable[Point], by: Account, now: datetime) -> Outcome:
    answered = answered_for_now(grouping.point.regulation)
    was_answered = answered.holds(grouping)
    for point in to:
        put_under(point=point, comments=[grouping.comment], by=by, now=now)
    if was_answered and not answered.reaches(grouping.comment, besides=grouping):
        return Outcome.NOTED
    if grouping.stands:
        _take(grouping, by, now)
    return Outcome.MOVED


def free_noted(*, regulation: Regulation, by: Account, now: datetime) -> None:
    """With the next decision, reasons leave the points where staff noted that they do not belong."""
    wanted = select(Grouping).join(Point).where(Point.regulation_id == regulation.id, Grouping.stands, is_noted())
    for grouping in db.session.scalars(wanted.order_by(Grouping.id)).all():
        _take(grouping, by, now)


def is_kept(regulation: Regulation) -> bool:
    """Whether a regulation's split is kept from everybody for now."""
    return regulation.theme.split == Split.KEPT and regulation.theme.frozen_at is None


def counts(grouping: Grouping) -> bool:
    """Whether a reason is under its point in the words it has now."""
    return grouping.stands and grouping.version == grouping.comment.version and grouping.point.withdrawn_at is None


def point_text(title: str, summary: str) -> str:
    """The canonical JSON of what a point says: the record keeps its digest."""
    return rfc8785.dumps({"title": title, "summary": summary}).decode()


def _check_analyst(by: Account, regulation: Regulation) -> None:
    if by.role not in ANALYSTS:
        raise NotAllowed("Only analysts and officials may make points and put reasons under them.")
    check_may_work_on(by, regulation)


def _standing_few(regulation: Regulation) -> int | None:
    wanted = select(Point.id).where(Point.regulation_id == regulation.id, Point.few, Point.withdrawn_at.is_(None))
    return db.session.scalar(wanted)


def _hold(point: Point) -> None:
    """Kept from others until the commit, so that no two put the same reason under it or word it at once."""
    db.session.flush()
    db.session.refresh(point, with_for_update=True)


def _record_wording(point: Point, by: Account, now: datetime) -> None:
    db.session.flush()
    body = PointEntry(
        item=point.regulation.slug,
        point=point.public_id,
        text_sha256=text_digest(point_text(point.title, point.summary)),
        few=point.few,
        actor=by.office,
        prev=point.entry_id,
    )
    point.entry_id = record(body, about=point, now=now).id
    db.session.add(
        PointWording(
            point_id=point.id, version=point.version, title=point.title, summary=point.summary,
            worded_by=by.office, worded_at=now, entry_id=point.entry_id,
        )
    )  # fmt: skip


def _put(grouping: Grouping | None, point: Point, comment: Comment, by: Account, now: datetime) -> Grouping:
    if grouping is None:
        grouping = Grouping(comment=comment, point=point)
        db.session.add(grouping)
    elif grouping.stands and grouping.version == comment.version:
        return grouping
    grouping.stands, grouping.version = True, comment.version
    grouping.put_by, grouping.put_at = by.office, now
    _record_grouping(grouping, by, now)
    return grouping


def _take(grouping: Grouping, by: Account, now: datetime) -> None:
    grouping.stands = False
    _record_grouping(grouping, by, now)


def _record_grouping(grouping: Grouping, by: Account, now: datetime) -> None:
    body = GroupingEntry(
        item=grouping.point.regulation.slug,
        comment=grouping.comment.entry_id or "",
        point=grouping.point.entry_id or "",
        actor=by.office,
        withdrawn=None if grouping.stands else True,
    )
    grouping.entry_id = record(body, about=grouping, now=now).id


def _settle_open_dispute(grouping: Grouping, outcome: Outcome, by: Account, now: datetime) -> None:
    waiting = select(Dispute).where(Dispute.grouping_id == grouping.id, Dispute.settled_at.is_(None))
    for dispute in db.session.scalars(waiting).all():
        _settle(dispute, outcome, by, now)


def _settle(dispute: Dispute, outcome: Outcome, by: Account, now: datetime) -> None:
    dispute.settled_at, dispute.settled_by, dispute.outcome = now, by.office, outcome
    _record_dispute(dispute, outcome, by, now)


def _record_dispute(dispute: Dispute, state: str, by: Account | None, now: datetime) -> None:
    body = DisputeEntry(
        item=dispute.grouping.point.regulation.slug,
        grouping=dispute.grouping.entry_id or "",
        state=state,
        actor=by.office if by else None,
    )
    dispute.entry_id = record(body, about=dispute, now=now).id
