"""The follower that keeps the tallies, and the act that makes a theme's count final."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import delete, exists, func, select

from accounts.rules import Capacity
from audit import queries as record_queries
from audit.entries import TallyEntry
from audit.followers import Step
from audit.models import Entry
from audit.services import record
from core.clock import uk_day
from core.db import db, take_turn
from regulations.models import Regulation, Theme
from regulations.rules import GRACE
from voting import rules
from voting.models import (
    Comment,
    CommentTally,
    DayTally,
    FrozenTally,
    PendingBallot,
    Support,
    TallyCell,
    TallyTotal,
    Vote,
)
from voting.queries import CellKey, reasons_step, steps_of, tally_from
from voting.rules import Cell, Tally

GATHERED = ("vote", "comment", "support")
"""What people give. The story of a regulation adds these up by the day."""


class TallyFollower:
    """Folds votes and reasons into cells and totals, in the same transaction that moves its cursor."""

    name = "tally"
    keeps_outside = False

    def follow(self, steps: Sequence[Step], now: datetime) -> None:
        touched = {
            step.item
            for step in steps
            if step.item and step.type in ("vote", "comment", "support", "moderation", "erasure", "tally")
        }
        ids = self._ids(touched)
        for item, regulation_id in ids.items():
            of_item = [step for step in steps if step.item == item]
            self._fold_votes(regulation_id, [step.said for step in of_item if step.type == "vote"])
            if any(step.type == "tally" for step in of_item):
                _count_from_rows(regulation_id)
            reasons = reasons_step([step.said for step in of_item if step.type in ("comment", "support")])
            _add_up_again(regulation_id, reasons)
            _count_days(regulation_id, of_item)
        _count_supports(steps)

    def forget(self) -> None:
        for derived in (TallyCell, TallyTotal, DayTally, CommentTally):
            db.session.execute(delete(derived))

    def _ids(self, items: set[str]) -> dict[str, int]:
        rows = db.session.execute(select(Regulation.slug, Regulation.id).where(Regulation.slug.in_(items)))
        return {row.slug: row.id for row in rows}

    def _fold_votes(self, regulation_id: int, votes: Sequence[dict[str, object]]) -> None:
        changes: dict[CellKey, int] = {}
        for key, step in steps_of(votes):
            changes[key] = changes.get(key, 0) + step
        for (capacity, level, choice, direction), step in changes.items():
            cell = db.session.get(TallyCell, (regulation_id, capacity.value, level, choice, direction))
            if cell is None:
                db.session.add(
                    TallyCell(
                        regulation_id=regulation_id,
                        capacity=capacity,
                        level=level,
                        choice=choice,
                        direction=direction,
                        votes=step,
                    )
                )
            else:
                cell.votes += step


def _count_days(regulation_id: int, steps: Sequence[Step]) -> None:
    """Add what people gave to the day in the UK on which they gave it."""
    changes: Counter[tuple[date, str, str, bool, bool]] = Counter()
    for step in steps:
        if step.type in GATHERED:
            day = uk_day(datetime.fromtimestamp(step.said["t"], UTC))
            side = step.said.get("choice") or step.said.get("vote") or ""
            changes[day, step.type, side, "withdrawn" in step.said, "prev" in step.said] += 1
    for key, lines in changes.items():
        row = db.session.get(DayTally, (regulation_id, *key))
        if row is None:
            day, type, side, taken_back, again = key
            row = DayTally(
                regulation_id=regulation_id, day=day, type=type, side=side, taken_back=taken_back, again=again, lines=0
            )
            db.session.add(row)
        row.lines += lines


def _count_from_rows(regulation_id: int) -> None:
    """Once a kept split is final its cells, until then without a choice, are counted from the votes themselves."""
    db.session.execute(delete(TallyCell).where(TallyCell.regulation_id == regulation_id))
    db.session.expire_all()
    for cell in _standing_cells(regulation_id):
        db.session.add(
            TallyCell(
                regulation_id=regulation_id, capacity=cell.capacity, level=cell.level, choice=cell.choice,
                direction=cell.direction, votes=cell.votes,
            )
        )  # fmt: skip
    db.session.flush()


def _standing_cells(regulation_id: int) -> list[Cell]:
    kinds = (Vote.capacity, Vote.level, Vote.choice, func.coalesce(Vote.direction, "").label("direction"))
    wanted = (
        select(*kinds, func.count().label("votes"))
        .where(Vote.regulation_id == regulation_id, Vote.choice.is_not(None))
        .group_by(Vote.capacity, Vote.level, Vote.choice, Vote.direction)
    )
    return [
        Cell(Capacity(r.capacity), r.level, r.choice or "", r.direction, r.votes) for r in db.session.execute(wanted)
    ]


def _add_up_again(regulation_id: int, reasons: int) -> None:
    db.session.flush()
    cells = db.session.execute(
        select(TallyCell.capacity, TallyCell.level, TallyCell.choice, TallyCell.direction, TallyCell.votes).where(
            TallyCell.regulation_id == regulation_id
        )
    )
    tally = rules.add_up(Cell(Capacity(r.capacity), r.level, r.choice, r.direction, r.votes) for r in cells)
    total = db.session.get(TallyTotal, regulation_id)
    if total is None:
        total = TallyTotal(regulation_id=regulation_id, reasons=0)
        db.session.add(total)
    for name, count in tally.counts.items():
        setattr(total, name, count)
    total.reasons += reasons
    published = select(func.count()).where(Comment.regulation_id == regulation_id, Comment.status.in_(rules.PUBLIC))
    total.comments = db.session.scalar(published) or 0


def _count_supports(steps: Iterable[Step]) -> None:
    """How many stand behind each comment in the words it has now, wherever a support or the comment itself changed."""
    acts = [step.about_id for step in steps if step.about_kind == Support.__name__]
    comments = set(db.session.scalars(select(Support.comment_id).where(Support.id.in_(acts)))) if acts else set()
    comments |= {step.about_id for step in steps if step.about_kind == Comment.__name__ and step.about_id}
    named = [step.said["comment"] for step in steps if step.type == "support"]
    if named:
        of_entries = select(Entry.about_id).where(Entry.id.in_(named), Entry.about_kind == Comment.__name__)
        comments |= set(db.session.scalars(of_entries))
    standing = (
        select(Support.comment_id, func.count())
        .join(Comment, Comment.id == Support.comment_id)
        .where(Support.comment_id.in_(comments), Support.stands, Support.version == Comment.version)
        .group_by(Support.comment_id)
    )
    counts = {row[0]: row[1] for row in db.session.execute(standing)}
    for row in db.session.scalars(select(CommentTally).where(CommentTally.comment_id.in_(comments))):
        row.supports = counts.pop(row.comment_id, 0)
    db.session.add_all(CommentTally(comment_id=comment, supports=supports) for comment, supports in counts.items())


def final_tally(regulation_id: int, frozen_at: datetime, given: tuple[int, int] | None = None) -> Tally:
    """A count that is final, with its parts, from the votes it was counted from, whatever has been folded."""
    return tally_from(regulation_id, _standing_cells(regulation_id), 0, frozen_at, given)


def themes_to_freeze(now: datetime) -> list[int]:
    """Closed themes whose count can become final: a day has passed, or nothing given before the close still waits.

    A theme in which everything was settled otherwise has no count to make final.
    """
    unsettled = exists().where(Regulation.theme_id == Theme.id, Regulation.settled.is_(None))
    closed = select(Theme.id, Theme.closes_at).where(Theme.closes_at <= now, Theme.frozen_at.is_(None), unsettled)
    return [row.id for row in db.session.execute(closed) if row.closes_at + GRACE <= now or not waiting_in(row.id, now)]


def waiting_in(theme_id: int, now: datetime) -> int:
    """How many ballots given in a theme still wait for their address to be confirmed."""
    wanted = (
        select(func.count())
        .select_from(PendingBallot)
        .join(Regulation, Regulation.id == PendingBallot.regulation_id)
        .where(Regulation.theme_id == theme_id, PendingBallot.given_at > now - rules.PENDING_LIFE)
    )
    return db.session.scalar(wanted) or 0


def freeze_theme(*, theme: Theme, now: datetime) -> bool:
    """Make a theme's count final and put it on the record, once all its votes have their place there.

    Returns False while some still wait for theirs; asking again a second later will do.
    """
    take_turn(f"theme {theme.id}")
    db.session.refresh(theme)
    if theme.frozen_at is not None:
        return True
    items = select(Regulation.slug).where(Regulation.theme_id == theme.id)
    if db.session.scalar(select(Entry.seq).where(Entry.idx.is_(None), Entry.item.in_(items)).limit(1)) is not None:
        return False
    wanted = select(Regulation).filter_by(theme_id=theme.id, settled=None)
    regulations = db.session.scalars(wanted.order_by(Regulation.id)).all()
    if not regulations:
        return True
    at_size = record_queries.log_size()
    theme.frozen_at = now
    for regulation in regulations:
        _freeze(regulation, theme, at_size, now)
    return True


def _freeze(regulation: Regulation, theme: Theme, at_size: int, now: datetime) -> None:
    frozen = FrozenTally(regulation_id=regulation.id, at_size=at_size, frozen_at=now)
    db.session.add(frozen)
    counts = rules.add_up(_standing_cells(regulation.id)).counts
    body = TallyEntry(item=regulation.slug, at_size=at_size, counts=counts)
    frozen.entry_id = record(body, about=[frozen, theme], now=now).id
