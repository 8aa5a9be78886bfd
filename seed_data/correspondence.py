"""What invented people send in beside the ballot: staff enter it, withhold some, and say which points it makes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Capacity
from analysis.models import Point, Submission, SubmissionPoint
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import change_submission, enter_submission
from core.clock import uk_day
from core.db import db
from regulations.models import Regulation
from regulations.queries import regulation_with, theme_with
from seed_data.acts import Act, on_day
from seed_data.people import person
from seed_data.script import table
from voting.rules import Choice


def acts(today: datetime) -> Iterator[Act]:
    """Each is entered on the morning after it came; a paper from a ballot is looked at once its day has come."""
    for given in table("submissions.toml")["submission"]:
        came_on = uk_day(today) + timedelta(days=given["on"])
        yield Act(on_day(today, given["on"] + 1, 11), partial(_enter, given, came_on))
    for given in table("submissions.toml")["shown"]:
        yield Act(on_day(today, given["on"], 12), partial(_show, given["regulation"]))


def say_what_it_makes(*, regulation: Regulation, choice: Choice, point: Point, by: Account, now: datetime) -> None:
    """Submissions that argue for a choice make the strongest point of those who chose it: the first that is named.

    Others name the point itself.
    """
    entered = table("submissions.toml")["submission"]
    meant = [given["text"] for given in entered if given.get("makes") in (choice, point.title)]
    for submission in db.session.scalars(select(Submission).filter_by(regulation_id=regulation.id)).all():
        if submission.text in meant and not _makes_any(submission):
            _change(submission, submission.withheld_because, [point.public_id], by, now)


def _enter(given: dict[str, Any], came_on: date, now: datetime) -> None:
    regulation = regulation_with(given["regulation"]) if "regulation" in given else None
    enter_submission(
        theme=regulation.theme if regulation else theme_with(given["theme"]),
        regulation=regulation,
        received=Received(
            how=How(given["how"]),
            capacity=Capacity(given.get("capacity", "public")),
            received_on=came_on,
            text=given["text"],
            organisation=given.get("organisation", ""),
            signatures=given.get("signatures"),
            withheld=Withheld(given["withheld"]) if "withheld" in given else None,
        ),
        by=person("analyst", now),
        now=now,
        demonstration=True,
    )


def _show(slug: str, now: datetime) -> None:
    """Staff have read a paper that came with a ballot and found nothing in it to withhold."""
    waiting = {"regulation_id": regulation_with(slug).id, "from_ballot": True, "withheld": True}
    for submission in db.session.scalars(select(Submission).filter_by(**waiting)).all():
        _change(submission, "", [], person("analyst", now), now)


def _change(submission: Submission, withheld: str, points: list[str], by: Account, now: datetime) -> None:
    change_submission(
        submission=submission,
        seen=submission.entry_id or "",
        withheld=Withheld(withheld) if withheld else None,
        organisation=submission.organisation_name,
        points=points,
        by=by,
        now=now,
    )


def _makes_any(submission: Submission) -> bool:
    wanted = select(SubmissionPoint.point_id).filter_by(submission_id=submission.id)
    return db.session.scalar(wanted.limit(1)) is not None
