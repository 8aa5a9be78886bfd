"""An analyst's sitting: comments ticked by their words, put under several points or a new one in one go."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from accounts.models import Account
from analysis import queries, rules
from analysis.folding import fold_key
from analysis.models import Point
from analysis.services import make_point, put_under, take_out
from core.db import db
from core.errors import Clash, RuleBroken
from regulations.models import Regulation
from voting.models import Comment
from voting.rules import public_id_of


def sort_ticked(
    *,
    regulation: Regulation,
    ticked: Collection[str],
    under: Collection[str],
    few: bool,
    title: str,
    summary: str,
    by: Account,
    now: datetime,
) -> tuple[int, list[Point]]:
    """Put all comments in the ticked words under points, by their public ids, and a new one where it is named.

    Returns how many were put, and under what. Raises Clash when words that were ticked are not there to be read any
    more: nothing is done then.
    """
    rules.check_ticked(len(ticked))
    comments = _in_these_words(regulation, ticked)
    points = [_standing(regulation, public_id) for public_id in under]
    if title or summary:
        points.append(make_point(regulation=regulation, title=title, summary=summary, by=by, now=now))
    if few:
        points.append(
            make_point(
                regulation=regulation, title=rules.FEW_TITLE, summary=rules.FEW_SUMMARY, by=by, now=now, few=True
            )
        )
    if not points:
        raise RuleBroken("Choose a point, or name a new one.", field="under")
    for point in points:
        for first in range(0, len(comments), rules.COMMENTS_AT_ONCE):
            put_under(point=point, comments=comments[first : first + rules.COMMENTS_AT_ONCE], by=by, now=now)
    return len(comments), points


def _in_these_words(regulation: Regulation, ticked: Collection[str]) -> list[Comment]:
    found = [(fold_key(reason), reason.id) for reason in queries.ungrouped(regulation.id) if reason.is_readable]
    if set(ticked) - {key for key, _ in found}:
        raise Clash(
            "Some of what you ticked was changed by its authors or put under a point by a colleague meanwhile. "
            "Nothing was done. Look through the list as it is now, then send it again.",
            field="comments",
        )
    return _comments([id for key, id in found if key in set(ticked)])


def _comments(ids: Sequence[int]) -> list[Comment]:
    comments: list[Comment] = []
    for first in range(0, len(ids), 500):
        wanted = select(Comment).where(Comment.id.in_(ids[first : first + 500]))
        comments.extend(db.session.scalars(wanted.order_by(Comment.id)))
    return comments


def _standing(regulation: Regulation, public_id: str) -> Point:
    point = queries.point_with(public_id)
    if point.regulation_id != regulation.id or point.withdrawn_at is not None:
        raise Clash("A colleague has given this point up meanwhile. Choose another.", field="under")
    return point


def take_ticked_out(*, point: Point, ticked: Collection[str], by: Account, now: datetime) -> int:
    """``ticked`` names comments as offer_of() does; those that are gone from under the point already stay gone."""
    rules.check_ticked(len(ticked))
    comments = queries.comments_named(point.regulation_id, [public_id_of(each) for each in ticked])
    take_out(point=point, comments=comments, by=by, now=now)
    return len(comments)


def put_ticked_also(
    *, point: Point, ticked: Collection[str], other: str, by: Account, now: datetime
) -> tuple[int, Point]:
    """Put comments of one point under another as well, in the words that were read."""
    rules.check_ticked(len(ticked))
    if not other:
        raise RuleBroken("Choose the other point.", field="also")
    comments = queries.comments_named(point.regulation_id, [public_id_of(each) for each in ticked])
    if {comment.offer for comment in comments} != set(ticked):
        raise Clash("Some of what you ticked was changed by its authors meanwhile. Read it again.", field="comments")
    second = _standing(point.regulation, other)
    put_under(point=second, comments=comments, by=by, now=now)
    return len(comments), second
