"""What became of one person's contributions, put together for a page of them at once."""

from collections.abc import Collection, Sequence

from sqlalchemy import case, func, select

from analysis.queries import Placed
from core import clock
from core.db import db
from decisions.answers import AnswerRow
from decisions.models import Decision, Milestone
from decisions.rules import Outcome
from decisions.steps import State, Step
from pages.own_way import Becoming
from pages.personal_queries import Contribution


def steps_taken(references: Collection[str]) -> dict[str, tuple[int, int]]:
    """By a decision's reference: how many of its steps are done, and how many there are.

    Without those dropped, and without reviews, for which nothing that was decided waits.
    """
    done = func.sum(case((Milestone.state == State.DONE, 1), else_=0))
    wanted = (
        select(Decision.reference, done, func.count())
        .join(Milestone, Milestone.decision_id == Decision.id)
        .where(Decision.reference.in_(references), Milestone.state != State.DROPPED, Milestone.step != Step.REVIEW)
        .group_by(Decision.reference)
    )
    return {row[0]: (int(row[1]), row[2]) for row in db.session.execute(wanted)}


def becoming_of(
    row: Contribution,
    placed: Sequence[Placed],
    answers: dict[int, AnswerRow],
    steps: dict[str, tuple[int, int]],
    decision_href: str,
) -> Becoming:
    """``placed``, ``answers`` and ``steps`` may tell of other contributions too."""
    answer = answers.get(row.comment_id or 0)
    done, all_steps = steps.get(row.decision or "", (0, 0))
    hidden = bool(row.hidden_by)
    return Becoming(
        cast_on=clock.uk_day(row.cast_at),
        stands=row.choice is not None,
        reason=row.choice is not None and bool(row.reason or row.stands_behind),
        hidden=hidden,
        points=[each.title for each in placed if each.comment_id == row.comment_id and each.counts],
        verdict=answer.told if answer and not hidden else "",
        outcome=Outcome(row.outcome).label if row.outcome else "",
        decided_on=clock.uk_day(row.decided_at) if row.decided_at else None,
        due_on=clock.last_day(row.due_at),
        decision_href=decision_href,
        stage=row.stage,
        steps_done=done,
        steps=all_steps,
    )
