"""What an office has before it while it answers: points and comments, what is written so far, and answers elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, and_, cast, func, or_, select

from accounts.models import Account, Post
from analysis.models import Grouping, Point
from analysis.noted import is_noted
from analysis.queries import PointRow, points_to_answer
from core.db import db
from core.errors import NotFound
from decisions.answers import ANSWERING
from decisions.models import Answer, AnswerDraft, Decision
from decisions.unanswered import comments_alone
from regulations.models import Regulation
from voting.models import Comment, CommentTally
from voting.queries import reasons_of
from voting.rules import PUBLIC
from voting.shown import Reason

STRONGEST = 2
MOST_FOUND = 30


@dataclass(frozen=True)
class ToAnswer:
    """A point or a comment, with what has been written to it."""

    key: str
    about: str
    """What people said, in one piece."""
    behind: int
    needed: bool
    """Somebody stands behind it, so that a decision cannot do without an answer."""
    point: PointRow | None = None
    comment: Reason | None = None
    strongest: list[Reason] = field(default_factory=list)
    verdict: str = ""
    reasons: str = ""
    version: int = 0
    assigned_to_id: int | None = None
    assigned_to: str = ""
    written_by: str = ""

    @property
    def answered(self) -> bool:
        return bool(self.verdict)

    @property
    def missing(self) -> bool:
        return self.needed and not self.answered


def key_of_point(public_id: str) -> str:
    return f"point-{public_id}"


def key_of_comment(public_id: str) -> str:
    return f"comment-{public_id}"


def to_answer(regulation_id: int) -> list[ToAnswer]:
    """All standing points, the strongest first, then the comments that are to be answered through none."""
    alone: Any = comments_alone(regulation_id)
    points, alone = points_to_answer(regulation_id), reasons_of(regulation_id, ids=alone)
    drafts = _drafts(regulation_id)
    rows = [
        ToAnswer(
            key=key_of_point(point.public_id), about=point.title, behind=point.behind,
            needed=point.needs_answer, point=point, **drafts.get(("point", point.id), {}),
        )
        for point in points
    ]  # fmt: skip
    return rows + [
        ToAnswer(
            key=key_of_comment(reason.public_id), about=reason.text, behind=1 + reason.supports, needed=True,
            comment=reason, **drafts.get(("comment", reason.id), {}),
        )
        for reason in alone
    ]  # fmt: skip


def _drafts(regulation_id: int) -> dict[tuple[str, int], dict[str, Any]]:
    writer, colleague = Post.__table__.alias("writer"), Post.__table__.alias("colleague")
    wanted = (
        select(
            AnswerDraft.point_id, AnswerDraft.comment_id, AnswerDraft.verdict, AnswerDraft.reasons,
            AnswerDraft.version, AnswerDraft.assigned_to_id, colleague.c.office.label("assigned_to"),
            writer.c.office.label("written_by"),
        )
        .outerjoin(writer, writer.c.account_id == AnswerDraft.written_by_id)
        .outerjoin(colleague, colleague.c.account_id == AnswerDraft.assigned_to_id)
        .where(AnswerDraft.regulation_id == regulation_id)
    )  # fmt: skip
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in db.session.execute(wanted):
        key = ("point", row.point_id) if row.point_id is not None else ("comment", row.comment_id)
        found[key] = {
            "verdict": row.verdict or "", "reasons": row.reasons, "version": row.version,
            "assigned_to_id": row.assigned_to_id, "assigned_to": row.assigned_to or "",
            "written_by": row.written_by or "",
        }  # fmt: skip
    return found


def strongest_under(regulation_id: int, point_ids: Sequence[int]) -> dict[int, list[Reason]]:
    """The reasons most people stand behind, so many for each point."""
    place = func.row_number().over(
        partition_by=Grouping.point_id, order_by=(func.coalesce(CommentTally.supports, 0).desc(), Comment.id.desc())
    )
    ranked = (
        select(Grouping.point_id, Comment.id, place.label("place"))
        .join(Comment, Comment.id == Grouping.comment_id)
        .outerjoin(CommentTally, CommentTally.comment_id == Comment.id)
        .where(
            Grouping.point_id.in_(point_ids),
            and_(Grouping.stands.is_(True), Grouping.version == Comment.version, Comment.status.in_(PUBLIC)),
            ~is_noted(),
        )
        .subquery()
    )
    pairs = db.session.execute(select(ranked.c.point_id, ranked.c.id).where(ranked.c.place <= STRONGEST)).all()
    said = {reason.id: reason for reason in reasons_of(regulation_id, ids=[pair.id for pair in pairs])}
    found: dict[int, list[Reason]] = {}
    for pair in pairs:
        found.setdefault(pair.point_id, []).append(said[pair.id])
    return found


def about(regulation: Regulation, key: str) -> dict[str, Any]:
    """The point or the comment that a key names, as services take it. Raises NotFound."""
    kind, _, public_id = key.partition("-")
    model: Any = {"point": Point, "comment": Comment}.get(kind)
    found = db.session.scalar(select(model).filter_by(public_id=public_id)) if model else None
    if found is None or found.regulation_id != regulation.id:
        raise NotFound("Nothing to be answered is found under this name.")
    return {kind: found}


def colleagues(regulation: Regulation) -> list[tuple[int, str]]:
    """Who can be asked to write an answer on a regulation."""
    own = or_(Post.department_id.is_(None), Post.department_id == regulation.department_id)
    wanted = select(Post.account_id, Post.office).where(Post.role.in_(ANSWERING), own).order_by(Post.office)
    return [(row[0], row[1]) for row in db.session.execute(wanted)]


def colleague(id: int | None) -> Account | None:
    return db.session.get(Account, id) if id is not None else None


@dataclass(frozen=True)
class Elsewhere:
    """An answer that was given, or is being written, on another regulation."""

    name: str
    about: str
    verdict: str
    reasons: str
    regulation: str
    slug: str
    decision: str = ""
    """Its reference, once the answer is published."""


def answers_elsewhere(regulation_id: int, words: Sequence[str], *, limit: int = MOST_FOUND) -> list[Elsewhere]:
    """Published answers and those being written on other regulations, that hold all of some words; newest first."""
    given, writing = _given().where(Decision.regulation_id != regulation_id), _being_written()
    writing = writing.where(AnswerDraft.regulation_id != regulation_id)
    for word in words:
        given = given.where((Answer.point_title + " " + Answer.reasons).icontains(word, autoescape=True))
        said = func.coalesce(Point.title, "") + " " + AnswerDraft.reasons
        writing = writing.where(said.icontains(word, autoescape=True))
    found = [_elsewhere(row) for row in db.session.execute(given.order_by(Answer.id.desc()).limit(limit))]
    published = {(each.about, each.reasons) for each in found}
    drafts = [_elsewhere(row) for row in db.session.execute(writing.order_by(AnswerDraft.id.desc()).limit(limit))]
    return (found + [each for each in drafts if (each.about, each.reasons) not in published])[:limit]


def answer_elsewhere(name: str) -> Elsewhere:
    """Raises NotFound."""
    kind, _, id = name.partition("-")
    if kind == "draft" and id.isdecimal() and len(id) < 18:
        row = db.session.execute(_being_written().where(AnswerDraft.id == int(id))).one_or_none()
    else:
        row = db.session.execute(_given().where(Answer.public_id == id)).one_or_none()
    if row is None:
        raise NotFound("There is no such answer.")
    return _elsewhere(row)


def _elsewhere(row: Any) -> Elsewhere:
    return Elsewhere(**row._mapping)


def _given() -> Any:
    return (
        select(
            ("answer-" + Answer.public_id).label("name"), Answer.point_title.label("about"), Answer.verdict,
            Answer.reasons, Regulation.title.label("regulation"), Regulation.slug, Decision.reference.label("decision"),
        )
        .join(Decision, Decision.id == Answer.decision_id)
        .join(Regulation, Regulation.id == Decision.regulation_id)
    )  # fmt: skip


def _being_written() -> Any:
    return (
        select(
            ("draft-" + cast(AnswerDraft.id, String)).label("name"), func.coalesce(Point.title, "").label("about"),
            AnswerDraft.verdict, AnswerDraft.reasons, Regulation.title.label("regulation"), Regulation.slug,
        )
        .join(Regulation, Regulation.id == AnswerDraft.regulation_id)
        .outerjoin(Point, Point.id == AnswerDraft.point_id)
        .where(AnswerDraft.verdict.is_not(None))
    )  # fmt: skip
