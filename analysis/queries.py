"""Asking about points: who stands behind each, what is under them, and what nobody has read yet.

A reason counts under a point while it is published and still in the words that were read there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Subquery, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import joinedload

from accounts.rules import Capacity
from analysis.models import Dispute, Grouping, Point, PointWording, Submission, SubmissionPoint
from analysis.noted import is_noted
from analysis.rules import Outcome
from analysis.submission_rules import Withheld
from core.db import db
from core.errors import NotFound
from regulations.models import Regulation, Theme
from regulations.responsible import of_department
from regulations.rules import Split
from voting.models import Comment, Support, Vote
from voting.queries import reasons_of
from voting.rules import PUBLIC, Choice, Tally
from voting.shown import Reason

_published = Comment.status.in_(PUBLIC)
_counts = and_(Grouping.stands.is_(True), Grouping.version == Comment.version, _published)


@dataclass(frozen=True)
class PointRow:
    """A point with the people behind it: whoever wrote a reason under it or stands behind one, each once."""

    id: int
    public_id: str
    entry_id: str
    title: str
    summary: str
    few: bool
    version: int
    changed_at: datetime
    behind: int = 0
    comments: int = 0
    by_choice: dict[str, int] = field(default_factory=dict)
    by_capacity: dict[str, int] = field(default_factory=dict)
    by_both: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (capacity, choice); absent where there is nobody."""
    submissions: int = 0
    """That everybody can read and that make it, with as many as a rule withholds, and papers that wait for a look."""
    withheld: int = 0
    waiting: int = 0

    @property
    def is_readable(self) -> bool:
        """Whether something stands under it that everybody can read: else it could tell what is withheld."""
        return bool(self.behind or self.submissions)

    @property
    def needs_answer(self) -> bool:
        return bool(self.is_readable or self.waiting)

    @property
    def split(self) -> Tally:
        """Those behind it by what they chose."""
        chosen = self.by_choice
        return Tally(
            participants=self.behind, scrap=chosen[Choice.SCRAP], improve=chosen[Choice.IMPROVE],
            keep=chosen[Choice.KEEP],
        )  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """A point that a comment was put under, as the comment's author is told of it."""

    grouping_id: int
    comment_id: int
    point_id: int
    public_id: str
    title: str
    counts: bool
    """It stands there in the words it has now."""
    disputed: str
    """open, kept, noted or moved where its author has objected since it was put there."""


def points_of(regulation_id: int) -> list[PointRow]:
    """The standing points of a regulation, those with most people behind them first, the few last."""
    wanted = select(Point).where(Point.regulation_id == regulation_id, Point.withdrawn_at.is_(None))
    return _rows(wanted, Point.regulation_id == regulation_id)


def points_to_answer(regulation_id: int) -> list[PointRow]:
    """The same as the next decision answers them: without the reasons that staff noted to belong elsewhere."""
    wanted = select(Point).where(Point.regulation_id == regulation_id, Point.withdrawn_at.is_(None))
    return _rows(wanted, and_(Point.regulation_id == regulation_id, ~is_noted()))


def point_row(point_id: int) -> PointRow:
    return _rows(select(Point).where(Point.id == point_id), Point.id == point_id)[0]


def _rows(wanted: Select[Any], which: Any) -> list[PointRow]:
    made = select(func.count()).select_from(SubmissionPoint).join(Submission)
    waits = Submission.withheld_because == Withheld.WAITING
    sent = {
        "submissions": Submission.withheld.is_(False),
        "withheld": and_(Submission.withheld.is_(True), ~waits),
        "waiting": waits,
    }
    counts = [
        made.where(SubmissionPoint.point_id == Point.id, which_are).scalar_subquery().label(name)
        for name, which_are in sent.items()
    ]
    columns = wanted.with_only_columns(
        Point.id, Point.public_id, Point.entry_id, Point.title, Point.summary, Point.few, Point.version,
        Point.changed_at, *counts,
    )  # fmt: skip
    people = _people(which)
    each = columns.add_columns(people.c.choice, people.c.capacity, people.c.people, people.c.wrote)
    points: dict[int, dict[str, Any]] = {}
    for row in db.session.execute(each.outerjoin(people, people.c.point_id == Point.id).order_by(Point.id)):
        said = dict(row._mapping)
        choice, capacity, behind, wrote = (said.pop(name) for name in ("choice", "capacity", "people", "wrote"))
        of = points.setdefault(row.id, said | _nobody())
        if behind is not None:
            of["behind"] += behind
            of["comments"] += int(wrote)
            of["by_choice"][Choice(choice)] += behind
            of["by_capacity"][capacity] = of["by_capacity"].get(capacity, 0) + behind
            of["by_both"][capacity, choice] = behind
    for of in points.values():
        of["by_capacity"] = {c: of["by_capacity"][c] for c in Capacity if c in of["by_capacity"]}
    return sorted((PointRow(**of) for of in points.values()), key=lambda row: (row.few, -row.behind))


def _nobody() -> dict[str, Any]:
    return {"behind": 0, "comments": 0, "by_choice": dict.fromkeys(Choice, 0), "by_capacity": {}, "by_both": {}}


def _people(which: Any) -> Subquery:
    """How many stand behind each point, by what they chose and whom they speak for, and how many of them wrote."""
    which = and_(which, Point.withdrawn_at.is_(None))
    authors = (
        select(Grouping.point_id, Comment.account_id, Comment.choice, Comment.capacity, literal(1).label("wrote"))
        .join(Comment, Comment.id == Grouping.comment_id)
        .join(Point, Point.id == Grouping.point_id)
        .where(_counts, which)
    )
    supporters = (
        select(Grouping.point_id, Support.account_id, Vote.choice, Vote.capacity, literal(0).label("wrote"))
        .join(Comment, Comment.id == Grouping.comment_id)
        .join(Point, Point.id == Grouping.point_id)
        .join(Support, Support.comment_id == Comment.id)
        .join(Vote, and_(Vote.account_id == Support.account_id, Vote.regulation_id == Support.regulation_id))
        .where(_counts, which, Support.stands.is_(True), Support.version == Comment.version, Vote.choice.is_not(None))
    )
    each = union_all(authors, supporters).subquery()
    once = (
        select(each.c.point_id, each.c.account_id, func.min(each.c.choice).label("choice"),
               func.min(each.c.capacity).label("capacity"), func.sum(each.c.wrote).label("wrote"))
        .group_by(each.c.point_id, each.c.account_id)
        .subquery()
    )  # fmt: skip
    counted = select(
        once.c.point_id,
        once.c.choice,
        once.c.capacity,
        func.count().label("people"),
        func.sum(once.c.wrote).label("wrote"),
    )
    return counted.group_by(once.c.point_id, once.c.choice, once.c.capacity).subquery()


def comments_under(
    point_id: int, *, choice: str | None = None, offset: int = 0, limit: int | None = None
) -> list[Reason]:
    """The reasons that count under a point, most supported first."""
    ids: Any = (
        select(Comment.id)
        .join(Grouping, Grouping.comment_id == Comment.id)
        .join(Point, Point.id == Grouping.point_id)
        .where(Point.id == point_id, Point.withdrawn_at.is_(None), _counts)
    )
    regulation_id = db.session.scalar(select(Point.regulation_id).where(Point.id == point_id)) or 0
    return reasons_of(regulation_id, ids=ids, choice=choice, offset=offset, limit=limit)


def ungrouped(
    regulation_id: int, *, choice: str | None = None, capacity: str | None = None, words: str = ""
) -> list[Reason]:
    """Published comments that stand under no standing point in the words they have now, most supported first."""
    ids: Any = _ungrouped(regulation_id, words)
    return reasons_of(regulation_id, ids=ids, choice=choice, capacity=capacity)


def count_ungrouped(regulation_id: int) -> int:
    return db.session.scalar(select(func.count()).select_from(_ungrouped(regulation_id, "").subquery())) or 0


_is_grouped = exists(
    select(Grouping.id)
    .join(Point, Point.id == Grouping.point_id)
    .where(
        Grouping.comment_id == Comment.id, Grouping.stands.is_(True), Grouping.version == Comment.version,
        Point.withdrawn_at.is_(None),
    )
)  # fmt: skip


def _ungrouped(regulation_id: int, words: str) -> Select[Any]:
    wanted = select(Comment.id).where(Comment.regulation_id == regulation_id, _published, ~_is_grouped)
    for word in words.split():
        wanted = wanted.where(func.lower(Comment.text).contains(word.lower(), autoescape=True))
    return wanted


@dataclass(frozen=True)
class ToRead:
    """A regulation on which comments wait to be read."""

    slug: str
    title: str
    theme_title: str
    closes_at: datetime
    unread: int


def regulations_to_read(*, department: int | None = None, offset: int, limit: int) -> list[ToRead]:
    """Of one department or of all; those whose themes close or closed first come first."""
    wanted = (
        _to_read(Regulation.slug, Regulation.title, Theme.title, Theme.closes_at, func.count(Comment.id))
        .group_by(Regulation.id, Regulation.slug, Regulation.title, Theme.title, Theme.closes_at)
        .where(of_department(department))
        .order_by(Theme.closes_at, func.count(Comment.id).desc(), Regulation.id)
    )
    return [ToRead(*row) for row in db.session.execute(wanted.offset(offset).limit(limit))]


def count_to_read(department: int | None = None) -> tuple[int, int]:
    """How many regulations have comments that wait to be read, and how many comments."""
    counts = _to_read(func.count(Regulation.id.distinct()), func.count(Comment.id))
    row = db.session.execute(counts.where(of_department(department))).one()
    return row[0], row[1]


def _to_read(*columns: Any) -> Select[Any]:
    is_open = or_(Theme.split != Split.KEPT, Theme.frozen_at.is_not(None))
    found: Select[Any] = select(*columns).select_from(Comment)
    joined = found.join(Regulation, Regulation.id == Comment.regulation_id).join(Theme, Theme.id == Regulation.theme_id)
    return joined.where(_published, ~_is_grouped, is_open)


def comments_to_read() -> Select[Any]:
    """How many comments wait to be read."""
    return _to_read(func.count(Comment.id))


def read_before(ids: Collection[int]) -> set[int]:
    """Which of some comments stood under a point in words that their authors have changed since."""
    changed = (
        select(Grouping.comment_id)
        .join(Comment, Comment.id == Grouping.comment_id)
        .where(Grouping.comment_id.in_(ids), Grouping.stands.is_(True), Grouping.version != Comment.version)
    )
    return set(db.session.scalars(changed)) if ids else set()


def placed_of(comment_ids: Sequence[int]) -> list[Placed]:
    """Where comments were put, and what came of their authors' objections, in the order it happened."""
    latest = select(Dispute.grouping_id, func.max(Dispute.id).label("id")).group_by(Dispute.grouping_id).subquery()
    wanted = (
        select(
            Grouping.id, Grouping.comment_id, Grouping.stands, Grouping.version, Grouping.put_at,
            Point.id.label("point"), Point.public_id, Point.title, Point.withdrawn_at, Comment.version.label("now"),
            Comment.status, Dispute.id.label("dispute"), Dispute.raised_at, Dispute.outcome,
        )
        .join(Point, Point.id == Grouping.point_id)
        .join(Comment, Comment.id == Grouping.comment_id)
        .outerjoin(latest, latest.c.grouping_id == Grouping.id)
        .outerjoin(Dispute, Dispute.id == latest.c.id)
        .where(Grouping.comment_id.in_(comment_ids))
    )  # fmt: skip
    return [_placed(row) for row in db.session.execute(wanted.order_by(Grouping.put_at, Grouping.id))]


def _placed(row: Any) -> Placed:
    stands = row.stands and row.withdrawn_at is None and row.version == row.now and row.status in PUBLIC
    objected = row.dispute is not None and row.raised_at >= row.put_at
    was_freed = row.outcome == Outcome.NOTED and not row.stands
    came_of_it = Outcome.MOVED if was_freed else row.outcome or "open"
    return Placed(row.id, row.comment_id, row.point, row.public_id, row.title, stands, came_of_it if objected else "")


def point_with(public_id: str) -> Point:
    with_regulation = joinedload(Point.regulation).joinedload(Regulation.theme)
    point = db.session.scalar(select(Point).filter_by(public_id=public_id).options(with_regulation))
    if point is None:
        raise NotFound("There is no such point.")
    return point


def wordings_of(point_id: int) -> list[PointWording]:
    """All that a point ever said, the newest first."""
    wanted = select(PointWording).filter_by(point_id=point_id).order_by(PointWording.version.desc())
    return list(db.session.scalars(wanted))


def comments_named(regulation_id: int, public_ids: Collection[str]) -> list[Comment]:
    wanted = select(Comment).where(
        Comment.regulation_id == regulation_id, Comment.public_id.in_(public_ids), _published
    )
    return list(db.session.scalars(wanted.order_by(Comment.id)))


@dataclass(frozen=True)
class OpenDispute:
    """An objection that waits for a second look."""

    id: int
    raised_at: datetime
    comment_id: int
    point_id: int
    point_title: str
    point_public_id: str
    regulation_id: int
    slug: str
    regulation_title: str


def open_disputes(regulation_id: int | None = None, *, department: int | None = None) -> list[OpenDispute]:
    """Those on one regulation, on one department's, or on all: the longest waiting first."""
    wanted = _waiting(
        Dispute.id, Dispute.raised_at, Grouping.comment_id, Point.id.label("point"), Point.title.label("said"),
        Point.public_id, Regulation.id.label("regulation"), Regulation.slug, Regulation.title,
    ).where(of_department(department))  # fmt: skip
    if regulation_id is not None:
        wanted = wanted.where(Point.regulation_id == regulation_id)
    return [OpenDispute(*row) for row in db.session.execute(wanted.order_by(Dispute.raised_at, Dispute.id))]


def disputes_waiting() -> Select[Any]:
    """How many objections wait for a second look."""
    return _waiting(func.count())


def _waiting(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Dispute)
        .join(Grouping, Grouping.id == Dispute.grouping_id)
        .join(Point, Point.id == Grouping.point_id)
        .join(Regulation, Regulation.id == Point.regulation_id)
        .where(Dispute.settled_at.is_(None))
    )


def dispute_with(id: int) -> Dispute:
    dispute = db.session.get(Dispute, id) if id < 2**31 else None
    if dispute is None:
        raise NotFound("There is no such objection.")
    return dispute


def grouping_with(id: int) -> Grouping:
    grouping = db.session.get(Grouping, id) if id < 2**62 else None
    if grouping is None:
        raise NotFound("Your reason is not under this point.")
    return grouping


def points_of_theme(theme_id: int) -> list[PointRow]:
    """The standing points on all regulations of a theme, in the order of points_of()."""
    of_theme = Point.regulation_id.in_(select(Regulation.id).where(Regulation.theme_id == theme_id))
    return _rows(select(Point).where(of_theme, Point.withdrawn_at.is_(None)), of_theme)
