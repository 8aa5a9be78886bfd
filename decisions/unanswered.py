"""What still lacks an answer before a decision on a regulation can be submitted."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from analysis.models import Grouping, Point, Submission, SubmissionPoint
from analysis.noted import is_noted
from analysis.submission_rules import Withheld
from core.db import db
from decisions import rules
from decisions.models import AnswerDraft
from regulations.models import Regulation, Theme
from regulations.rules import Split
from voting.models import Comment
from voting.rules import PUBLIC

_published = Comment.status.in_(PUBLIC)
_counts = and_(Grouping.stands.is_(True), Grouping.version == Comment.version)
_may_be_answered = or_(Submission.withheld.is_(False), Submission.withheld_because == Withheld.WAITING)
_can_be_read = or_(Theme.split != Split.KEPT, Theme.frozen_at.is_not(None))


@dataclass(frozen=True)
class Unanswered:
    points: int
    comments: int
    submissions: int

    @property
    def number(self) -> int:
        return self.points + self.comments + self.submissions


def _has_own_answer() -> ColumnElement[bool]:
    """One to these very words: what its author wrote later has not been answered."""
    own = select(AnswerDraft.id).where(
        AnswerDraft.comment_id == Comment.id, AnswerDraft.verdict.is_not(None),
        AnswerDraft.changed_at >= Comment.written_at,
    )  # fmt: skip
    return exists(own)


def _under_a_point() -> ColumnElement[bool]:
    """One that the next decision may answer it through: not where staff agreed that it belongs elsewhere."""
    placed = select(Grouping.id).join(Point, Point.id == Grouping.point_id).where(_counts, ~is_noted())
    return exists(placed.where(Grouping.comment_id == Comment.id, Point.withdrawn_at.is_(None)))


def _is_answered() -> ColumnElement[bool]:
    """Of a point."""
    return exists(select(AnswerDraft.id).where(AnswerDraft.point_id == Point.id, AnswerDraft.verdict.is_not(None)))


def unanswered_points(regulation_id: int) -> Select[int]:
    """The ids of standing points that people or submissions stand behind, and that have no answer.

    Not those that only submissions make which a rule withholds: an answer would tell what they say.
    """
    under = select(Grouping.id).join(Comment, Comment.id == Grouping.comment_id)
    made = select(SubmissionPoint.point_id).join(Submission, Submission.id == SubmissionPoint.submission_id)
    return select(Point.id).where(
        Point.regulation_id == regulation_id,
        Point.withdrawn_at.is_(None),
        exists(under.where(Grouping.point_id == Point.id, _counts, _published, ~is_noted()))
        | exists(made.where(SubmissionPoint.point_id == Point.id, _may_be_answered)),
        ~_is_answered(),
    )


def unanswered_comments(regulation_id: int) -> Select[int]:
    """Ids of those that an answer to a point cannot reach, and without one of their own."""
    return comments_alone(regulation_id).where(~_has_own_answer())


def comments_alone(regulation_id: int) -> Select[int]:
    """Ids of published comments that the next decision answers through no standing point; none in a kept split."""
    wanted = select(Comment.id).join(Regulation, Regulation.id == Comment.regulation_id).join(Regulation.theme)
    return wanted.where(Regulation.id == regulation_id, _can_be_read, _published, ~_under_a_point())


def unanswered_submissions(regulation_id: int) -> Select[int]:
    """Ids of submissions on a regulation that make no standing point, through which alone they can be answered.

    Not those that a rule withholds, as an answer would tell what they say; but papers that nobody has looked at yet.
    What was sent in about a whole theme waits for no one decision.
    """
    made = select(SubmissionPoint.point_id).join(Point, Point.id == SubmissionPoint.point_id)
    return (
        select(Submission.id)
        .join(Theme, Theme.id == Submission.theme_id)
        .where(
            Submission.regulation_id == regulation_id,
            _can_be_read,
            _may_be_answered,
            ~exists(made.where(SubmissionPoint.submission_id == Submission.id, Point.withdrawn_at.is_(None))),
        )
    )


def unanswered(regulation_id: int) -> Unanswered:
    """Counted in one statement: there may be thousands, and the page that asks shows only how many."""
    each = (unanswered_points, unanswered_comments, unanswered_submissions)
    counts = [select(func.count()).select_from(ids(regulation_id).subquery()).scalar_subquery() for ids in each]
    return Unanswered(*db.session.execute(select(*counts)).one())


def check_all_answered(regulation: Regulation) -> None:
    """Raises RuleBroken while a point, a published comment under none, or a submission has no answer."""
    db.session.flush()
    lacking = unanswered(regulation.id)
    rules.check_nothing_unanswered(lacking.points, lacking.comments, lacking.submissions)
