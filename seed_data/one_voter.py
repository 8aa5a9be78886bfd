"""What the person of the demonstration did whom one can sign in as, and how authors object to where they were put."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select

from accounts.models import Account, Department
from analysis.models import Dispute, Point
from analysis.queries import grouping_with, placed_of, points_of
from analysis.rules import Outcome
from analysis.services import object_to, settle_dispute
from core.db import db
from notices.rules import Followed, FollowHow, How, search_key
from notices.services import follow, set_how
from regulations.queries import regulation_with
from seed_data.acts import Act, on_day
from seed_data.people import VOTER, person
from seed_data.script import table, voice
from seed_data.taking_part import in_words
from voting.models import Comment
from voting.rules import Choice, Details, draw_order
from voting.services import cast_vote, keep_details


def acts(today: datetime) -> Iterator[Act]:
    said = table("one_voter.toml")
    contributions = sorted(said["contribution"], key=lambda given: int(given["on"]))
    yield Act(on_day(today, contributions[0]["on"], 19), _hear_at_once)
    for given in contributions:
        yield Act(on_day(today, given["on"], 20), partial(_take_part, given))
    for given in said["follow"]:
        yield Act(on_day(today, given["on"], 21), partial(_follow, given))
    for given in table("aftermath.toml")["objection"]:
        yield Act(on_day(today, given["on"], 18), partial(_object, given))
        if "settled_on" in given:
            yield Act(on_day(today, given["settled_on"], 11), partial(_settle, given))


def _hear_at_once(now: datetime) -> None:
    set_how(account=person(VOTER, now), how=How.IMMEDIATELY)


def _take_part(given: dict[str, Any], now: datetime) -> None:
    voter, regulation = person(VOTER, now), regulation_with(given["regulation"])
    ballot = replace(in_words(voice(given)), order=draw_order(given["regulation"]))
    cast_vote(voter=voter, regulation=regulation, ballot=ballot, now=now, demonstration=True)
    keep_details(voter=voter, regulation=regulation, details=Details(nation="england"), now=now)


def _follow(given: dict[str, Any], now: datetime) -> None:
    kind, key = Followed(given["kind"]), given.get("key", "")
    if kind is Followed.DEPARTMENT:
        key = db.session.scalars(select(Department.slug).filter_by(name=key)).one()
    if kind is Followed.SEARCH:
        key = search_key({"q": key})
    how = FollowHow(given.get("how", FollowHow.AS_SET))
    follow(account=person(given.get("who", VOTER), now), kind=kind, key=key, how=how, now=now)


def _object(given: dict[str, Any], now: datetime) -> None:
    comment = _reason(given)
    (placed,) = [each for each in placed_of([comment.id]) if each.counts]
    object_to(
        grouping=grouping_with(placed.grouping_id), author=db.session.get_one(Account, comment.account_id), now=now
    )


def _settle(given: dict[str, Any], now: datetime) -> None:
    """What is moved goes under the strongest other point of those who chose the same."""
    comment = _reason(given)
    waiting = select(Dispute).where(Dispute.settled_at.is_(None))
    (dispute,) = [each for each in db.session.scalars(waiting) if each.grouping.comment_id == comment.id]
    outcome = Outcome(given["outcome"])
    to = [_strongest(comment, dispute.grouping.point_id)] if outcome is Outcome.MOVED else []
    settle_dispute(dispute=dispute, outcome=outcome, by=person("analyst", now), now=now, to=to)


def _reason(given: dict[str, Any]) -> Comment:
    wanted = select(Comment).filter_by(regulation_id=regulation_with(given["regulation"]).id)
    return db.session.scalars(wanted.where(Comment.text.startswith(given["reason"]))).one()


def _strongest(comment: Comment, but_not: int) -> Point:
    rows = [row for row in points_of(comment.regulation_id) if not row.few and row.id != but_not]
    return db.session.get_one(Point, max(rows, key=lambda row: row.by_choice[Choice(comment.choice)]).id)
