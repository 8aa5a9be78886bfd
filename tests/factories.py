"""What tests begin with: plain functions that make one thing each; state only what the test turns on."""

import secrets
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from typing import Any

from sqlalchemy import func, insert, select

import commands
from accounts import services as accounts
from accounts.models import Account, Department
from accounts.rules import Capacity, Role
from analysis.models import Point, Submission
from analysis.queries import points_of
from analysis.services import make_point, put_under
from analysis.submissions import change_submission
from audit import services as audit
from audit.entries import VoteEntry, canonical, hour_of
from audit.guard import writing_rows_with_entries
from audit.keys import LOG, PROMISE, keys_of_this_site
from audit.merkle import leaf_hash
from audit.models import Entry
from audit.queries import read
from core import clock
from core.db import db, transaction
from decisions.answers import save_answer
from decisions.rules import Outcome, Proposal, Verdict
from decisions.services import approve_and_publish, save_draft, submit_draft
from decisions.unanswered import unanswered_comments, unanswered_points, unanswered_submissions
from regulations.models import Regulation, Theme
from regulations.rules import DAYS_TO_DECIDE, Citation, Split, ThemeKind, Window
from regulations.services import Listing, list_regulations, list_theme
from voting.models import Comment, Receipt
from voting.rules import Ballot, Choice, Direction, ReasonKind
from voting.services import cast_vote
from voting.tallying import freeze_theme

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_number = count(1)
_choices = cycle(("scrap", "keep"))


def open_the_record(now: datetime = NOON - 60 * DAY) -> None:
    keys = keys_of_this_site()
    with transaction():
        audit.open_log(
            origin="test.example/log",
            log_key=keys.make(LOG),
            promise_key=keys.make(PROMISE),
            demonstration=True,
            now=now,
        )


def a_voter(email: str = "", **given: Any) -> Account:
    """An account whose address was confirmed."""
    with transaction():
        account = accounts.account_for(email=email or f"person{next(_number)}@example.org", now=NOON)
        for name, value in given.items():
            setattr(account, name, value)
    return account


def its_session(account: Account) -> dict[str, Any]:
    """What the session of a browser holds in which somebody signed in just now."""
    return {"_user_id": account.session_key, "_fresh": True, "browser": "a browser", "signed_in_at": clock.now()}


def a_member_of_staff(
    role: Role, office: str = "", password: str = "", department: Department | None = None
) -> Account:
    with transaction():
        account = accounts.account_for(email=f"{role}{next(_number)}@example.org", now=NOON)
        if password:
            accounts.set_password(account=account, password=password)
        accounts.appoint(
            account=account,
            role=role,
            office=office or f"Example Office {next(_number)}",
            department=department,
            by="The operator",
            now=NOON,
        )
    return account


def a_department(name: str = "Example Department") -> Department:
    slug = name.lower().replace(" ", "-")
    found = db.session.scalar(select(Department).filter_by(slug=slug))
    if found is None:
        with transaction():
            found = Department(slug=slug, name=name)
            db.session.add(found)
    return found


def a_theme(
    *,
    opens: datetime = NOON - 7 * DAY,
    closes: datetime = NOON + 7 * DAY,
    split: Split = Split.SHOWN,
    title: str = "",
    now: datetime = NOON - 30 * DAY,
    days_to_decide: int = DAYS_TO_DECIDE,
) -> Theme:
    """A theme, open at NOON unless told otherwise."""
    name = title or f"Theme {next(_number)}"
    with transaction():
        return list_theme(
            slug=name.lower().replace(" ", "-"),
            title=name,
            kind=ThemeKind.SPOTLIGHT,
            summary="What shops and their customers owe one another.",
            on_the_table="How the rules are written and enforced.",
            off_the_table="The Acts under which they are made.",
            window=Window(opens, closes),
            split=split,
            days_to_decide=days_to_decide,
            by="Example Office",
            now=now,
        )


def a_regulation(
    theme: Theme | None = None, *, title: str = "", sectors: tuple[str, ...] = (), **given: Any
) -> Regulation:
    """A regulation in an open theme, listed with its entry."""
    theme = theme or a_theme()
    department = a_department()
    number = next(_number)
    usual = {"spent": "", "in_force": "1993-01-01", "binds": "Employers", "department": department}
    listing = Listing(
        citation=Citation("uksi", 1992, 1000 + number),
        title=title or f"Example (Number {number}) Regulations 1992",
        sentence="Makes employers keep workplaces clean and safe.",
        summary="Employers must keep workplaces clean. It is meant to protect people at work.",
        checked_on="not checked",
        source="editors",
        sectors=sectors,
        **(usual | given),
    )
    with transaction():
        list_regulations(theme=db.session.merge(theme), listings=[listing], now=NOON - 30 * DAY)
    return db.session.scalars(select(Regulation).filter_by(slug=listing.citation.slug)).one()


def a_ballot(choice: Choice = Choice.KEEP, text: str = "It keeps people safe at work.", **given: Any) -> Ballot:
    direction = Direction.CLEARER if choice is Choice.IMPROVE else None
    kind = ReasonKind.WRITTEN if text else ReasonKind.NOT_SAID
    usual = {"direction": direction, "reason_kind": kind, "capacity": Capacity.PUBLIC}
    return Ballot(choice=choice, text=text, **(usual | given))


def a_vote(
    regulation: Regulation,
    choice: Choice = Choice.KEEP,
    voter: Account | None = None,
    now: datetime = NOON,
    **given: Any,
) -> Receipt:
    """A counted vote with its receipt, by somebody new unless told otherwise."""
    voter = voter or a_voter()
    with transaction():
        return cast_vote(voter=voter, regulation=regulation, ballot=a_ballot(choice, **given), now=now)


def settle_the_record() -> None:
    """What the worker does each second: places, tallies, index, notices."""
    commands.settle_record()


def a_frozen_theme(theme: Theme, now: datetime = NOON + 9 * DAY) -> Theme:
    """The count of a closed theme made final."""
    settle_the_record()
    db.session.rollback()
    with transaction():
        assert freeze_theme(theme=db.session.merge(theme), now=now)
    settle_the_record()
    return theme


def a_decision(
    regulation: Regulation, outcome: Outcome = Outcome.KEEP, now: datetime = NOON + 20 * DAY, **given: Any
) -> Any:
    """A published decision on a regulation whose theme has closed and is frozen."""
    writer, approver = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    usual = {
        "outcome": outcome,
        "direction": Direction.CLEARER if outcome is Outcome.IMPROVE else None,
        "statement": f"The regulation will be decided as {outcome}.",
        "reasons": "These are the reasons, given in full so that those who took part can read them.",
        "departure_reason": "Because the evidence points the other way, as set out here.",
        "cited_comments": (),
        "other_evidence": "An inspection report of 2025.",
        "covers": tuple(Capacity),
        "legal_route": "Regulations under the same Act.",
        "consultation": False,
        "responsible": "Example Department, rules unit",
        "due_on": (now + 365 * DAY).date(),
    }
    everything_answered(regulation, by=writer, now=now)
    with transaction():
        draft = save_draft(regulation=regulation, proposal=Proposal(**(usual | given)), version=0, by=writer, now=now)
    with transaction():
        submit_draft(draft=draft, by=writer, now=now)
    with transaction():
        decision = approve_and_publish(draft=draft, version=draft.version, by=approver, now=now, demonstration=False)
    settle_the_record()
    return decision


def everything_answered(regulation: Regulation, by: Account | None = None, now: datetime = NOON + 20 * DAY) -> None:
    """What still lacks an answer on a regulation has one: what makes no point, as raised by few."""
    by = by or a_member_of_staff(Role.OFFICIAL)
    said = {"verdict": Verdict.ACCEPT_IN_PART, "reasons": "We have weighed this, and say so here.", "version": 0}
    alone = db.session.scalars(unanswered_comments(regulation.id)).all()
    sent = db.session.scalars(unanswered_submissions(regulation.id)).all()
    if alone or sent:
        few = next((row.id for row in points_of(regulation.id) if row.few), None)
        with transaction():
            regulation = db.session.merge(regulation)
            if few is not None:
                point = db.session.get_one(Point, few)
            else:
                words = {"title": "Raised by few people", "summary": ""}
                point = make_point(regulation=regulation, **words, by=by, now=now, few=True)
            comments = [db.session.get_one(Comment, id) for id in alone]
            if comments:
                put_under(point=point, comments=comments, by=by, now=now)
            for submission in [db.session.get_one(Submission, id) for id in sent]:
                change_submission(
                    submission=submission, seen=submission.entry_id or "", withheld=None,
                    organisation=submission.organisation_name, points=[point.public_id], by=by, now=now,
                )  # fmt: skip
    lacking = db.session.scalars(unanswered_points(regulation.id)).all()
    with transaction():
        for id in lacking:
            save_answer(regulation=regulation, point=db.session.get_one(Point, id), by=by, now=now, **said)


def the_record(type: str) -> list[dict[str, Any]]:
    """What the entries of one type say, in the order they were written."""
    return [read(body) for body in db.session.scalars(select(Entry.body).filter_by(type=type).order_by(Entry.seq))]


def how_many(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def a_long_record(votes: int, item: str = "uksi-1992-2792") -> None:
    """So many lines more, as votes in the public's name, written in bulk and without rows of their own."""
    bodies = [
        VoteEntry(item=item, voter=secrets.token_hex(32), capacity="public", level=1, choice=next(_choices))
        for _ in range(votes)
    ]
    t = hour_of(NOON)
    with transaction(), writing_rows_with_entries():
        for first in range(0, votes, 5_000):
            rows = [_entry_columns(body, t) for body in bodies[first : first + 5_000]]
            db.session.execute(insert(Entry), rows)


def _entry_columns(body: VoteEntry, t: int) -> dict[str, Any]:
    id = secrets.token_hex(16)
    written = canonical(body, id=id, t=t)
    return {"id": id, "t": t, "type": body.type, "item": body.item, "body": written, "leaf": leaf_hash(written)}
