"""Points and what stands under them, as tests begin with them."""

from analysis.models import Grouping, Point
from analysis.services import make_point, put_under
from core.db import db, transaction
from tests.factories import NOON, a_ballot, a_vote, a_voter, settle_the_record
from voting.models import Comment
from voting.queries import comment_by
from voting.rules import Choice, ReasonKind
from voting.services import cast_vote


def a_point(regulation, by, title="It costs shops too much", summary="", now=NOON, **given) -> Point:
    with transaction():
        return make_point(regulation=regulation, title=title, summary=summary, by=by, now=now, **given)


def a_comment(regulation, text="It costs too much.", choice=Choice.SCRAP, voter=None, now=NOON, **given) -> Comment:
    voter = voter or a_voter()
    a_vote(regulation, choice, voter=voter, text=text, now=now, **given)
    return comment_by(voter, regulation)


def stands_behind(comment: Comment, voter=None, now=NOON, **given) -> None:
    voter = voter or a_voter()
    ballot = a_ballot(
        Choice(comment.choice), text="", reason_kind=ReasonKind.SUPPORTED, supports=comment.offer,
        **({"direction": comment.direction} | given),
    )  # fmt: skip
    with transaction():
        cast_vote(voter=voter, regulation=comment.regulation, ballot=ballot, now=now)


def put(point, *comments, by, now=NOON) -> list[Grouping]:
    with transaction():
        groupings = put_under(point=point, comments=[db.session.merge(c) for c in comments], by=by, now=now)
    settle_the_record()
    return groupings
