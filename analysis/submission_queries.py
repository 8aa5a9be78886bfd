"""Asking about submissions: those on a regulation and on its theme as readers see them, and what waits for staff."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, func, or_, select

from accounts.rules import Capacity
from analysis.models import Point, Submission, SubmissionPoint
from analysis.submission_rules import How, Withheld
from core.db import db
from core.errors import NotFound
from regulations.models import Regulation, Theme
from regulations.responsible import of_department, touches_department
from regulations.rules import Citation, Split


@dataclass(frozen=True)
class PointMade:
    public_id: str
    title: str


@dataclass(frozen=True)
class SubmissionRow:
    """A submission as readers see it: of one that is withheld only that there is one."""

    id: int
    reference: str
    theme: str
    theme_title: str
    slug: str | None
    title: str | None
    how: How
    capacity: Capacity
    organisation: str
    received_on: date
    text: str
    signatures: int | None
    withheld: Withheld | None
    file_name: str
    file_sha256: str
    from_ballot: bool
    entry_id: str
    demonstration: bool
    kept: bool
    """Its theme keeps which way people went until the count is final, and what was sent in with it."""
    points: Sequence[PointMade] = ()

    @property
    def is_readable(self) -> bool:
        return self.withheld is None and not self.kept


def submissions_of(regulation_id: int, *, offset: int = 0, limit: int | None = None) -> list[SubmissionRow]:
    """On a regulation, then on its whole theme, each in the order they came; withheld ones without what they say."""
    wanted = _ROWS.where(_concerns(regulation_id)).offset(offset).limit(limit)
    return _rows(wanted.order_by(Submission.regulation_id.is_(None), Submission.received_on, Submission.id))


def _concerns(regulation_id: int) -> ColumnElement[bool]:
    theme = select(Regulation.theme_id).where(Regulation.id == regulation_id).scalar_subquery()
    wholly = (Submission.regulation_id.is_(None)) & (Submission.theme_id == theme)
    return or_(Submission.regulation_id == regulation_id, wholly)


@dataclass(frozen=True)
class Counted:
    total: int
    withheld: int
    signatures: int


def count_submissions(regulation_id: int) -> Counted:
    """Of all that submissions_of() gives."""
    wanted = select(
        func.count(), func.count(case((Submission.withheld, 1))), func.coalesce(func.sum(Submission.signatures), 0)
    ).where(_concerns(regulation_id))
    total, withheld, signatures = db.session.execute(wanted).one()
    return Counted(total, withheld, int(signatures or 0))


def submission_row(reference: str) -> SubmissionRow:
    """Raises NotFound."""
    found = _rows(_ROWS.where(Submission.reference == reference))
    if not found:
        raise NotFound("There is no submission at this address.")
    return found[0]


_ROWS: Any = (
    select(
        Submission.id, Submission.reference, Theme.slug.label("theme"), Theme.title.label("theme_title"),
        Regulation.slug, Regulation.title, Submission.how, Submission.capacity,
        Submission.organisation_name.label("organisation"), Submission.received_on, Submission.text,
        Submission.signatures, Submission.withheld_because, Submission.file_name, Submission.file_sha256,
        Submission.from_ballot, Submission.entry_id, Submission.demonstration, Theme.split, Theme.frozen_at,
    )
    .join(Theme, Theme.id == Submission.theme_id)
    .outerjoin(Regulation, Regulation.id == Submission.regulation_id)
)  # fmt: skip


def _rows(wanted: Any) -> list[SubmissionRow]:
    found = db.session.execute(wanted).all()
    points = points_made([row.id for row in found])
    return [_row(row, points.get(row.id, ())) for row in found]


def _row(row: Any, points: Sequence[PointMade]) -> SubmissionRow:
    kept = row.split == Split.KEPT and row.frozen_at is None
    withheld = Withheld(row.withheld_because) if row.withheld_because else None
    given = dict(row._mapping, how=How(row.how), capacity=Capacity(row.capacity), withheld=withheld, kept=kept)
    for name in ("withheld_because", "split", "frozen_at"):
        del given[name]
    if withheld is not None or kept:
        given |= {"organisation": "", "text": "", "file_name": "", "file_sha256": ""}
        points = ()
    return SubmissionRow(**given, points=points)


def points_made(ids: Sequence[int]) -> dict[int, list[PointMade]]:
    """The standing points that submissions make, by the submission."""
    if not ids:
        return {}
    wanted = (
        select(SubmissionPoint.submission_id, Point.public_id, Point.title)
        .join(Point, Point.id == SubmissionPoint.point_id)
        .where(SubmissionPoint.submission_id.in_(ids), Point.withdrawn_at.is_(None))
        .order_by(Point.id)
    )
    made: dict[int, list[PointMade]] = defaultdict(list)
    for id, public_id, title in db.session.execute(wanted):
        made[id].append(PointMade(public_id, title))
    return made


@dataclass(frozen=True)
class Entered:
    """A submission as staff list it."""

    reference: str
    how: How
    capacity: Capacity
    organisation: str
    received_on: date
    withheld: Withheld | None
    entered_by: str
    entered_at: datetime
    title: str
    """Of the regulation, or of the theme."""


def count_entered(*, waiting: bool, department: int | None = None) -> int:
    return db.session.scalar(_entered(waiting, department, func.count())) or 0


def entered(*, waiting: bool, department: int | None = None, offset: int, limit: int) -> list[Entered]:
    """Those on one department's regulations or on all: the newest first; of those to be looked at the oldest."""
    wanted = _entered(
        waiting, department, Submission.reference, Submission.how, Submission.capacity, Submission.organisation_name,
        Submission.received_on, Submission.withheld_because, Submission.entered_by, Submission.entered_at,
        func.coalesce(Regulation.title, Theme.title),
    )  # fmt: skip
    order = Submission.id if waiting else Submission.id.desc()
    return [
        Entered(row[0], How(row[1]), Capacity(row[2]), row[3], row[4], Withheld(row[5]) if row[5] else None, *row[6:])
        for row in db.session.execute(wanted.order_by(order).offset(offset).limit(limit))
    ]


def _entered(waiting: bool, department: int | None, *columns: Any) -> Any:
    found: Any = select(*columns).select_from(Submission).join(Theme, Theme.id == Submission.theme_id)
    found = found.outerjoin(Regulation, Regulation.id == Submission.regulation_id).where(touches_department(department))
    return found.where(Submission.withheld_because == Withheld.WAITING) if waiting else found


MOST_NAMED = 20


@dataclass(frozen=True)
class Named:
    slug: str
    title: str
    official: str
    theme: str


def regulations_named(words: str, department: int | None = None) -> list[Named]:
    """One department's regulations, or any, whose title or number holds all the words, of whatever stage."""
    wanted = select(
        Regulation.slug, Regulation.title, Regulation.kind, Regulation.year, Regulation.number,
        Theme.title.label("theme"),
    ).join(Theme, Theme.id == Regulation.theme_id)  # fmt: skip
    number = Regulation.slug + " " + cast(Regulation.year, String) + "/" + cast(Regulation.number, String)
    for word in words.split()[:8]:
        if word.lower() not in ("si", "ssi", "no", "no."):
            wanted = wanted.where(
                Regulation.title.icontains(word, autoescape=True) | number.icontains(word, autoescape=True)
            )
    rows = db.session.execute(wanted.where(of_department(department)).order_by(Regulation.title).limit(MOST_NAMED))
    return [Named(row.slug, row.title, Citation(row.kind, row.year, row.number).official, row.theme) for row in rows]
