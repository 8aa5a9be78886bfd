"""How the demonstration's invented offices come to their decisions: what was said, answers, draft, second official."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from accounts.rules import Capacity
from analysis.models import Submission
from analysis.queries import points_of
from core import clock
from core.db import db
from decisions.comparing import comparisons
from decisions.models import Draft
from decisions.rules import Comparison, DraftStatus, Outcome, Proposal
from decisions.services import approve, approve_and_publish, return_draft, save_draft, submit_draft
from regulations.models import Regulation
from regulations.queries import regulation_with
from seed_data.acts import Act, on_day
from seed_data.answering import answer_points, make_points
from seed_data.loader import SeedTheme
from seed_data.people import person
from seed_data.script import Ruling, Script, ruling, table
from voting.models import Comment
from voting.queries import tally_of
from voting.rules import Choice, CommentStatus, Direction

READ_BEFORE = timedelta(days=14)
ANSWERED_BEFORE = timedelta(days=3)
MOST_CITED = 4
DEPARTS = "Those who asked for something else gave no reason that weighed more than what speaks for this."
STATEMENTS = {
    Outcome.KEEP: (
        "It stays. Nothing changes for {whom}, since nobody showed a better way to the same protection.",
        "It is kept as it stands, and {whom} will find its guidance rewritten in plainer words.",
        "It stays as it is: what it asks of {whom} is known, and it was not found to ask too much.",
        "It is kept. Its effect on {whom} will be looked at again in five years.",
    ),
    Outcome.IMPROVE: (
        "It will be made {way}. A draft goes to {whom} for comment next spring.",
        "It will be made {way}: the same aim, in words that {whom} can follow without advice.",
        "It is to become {way}, after trials with some of {whom}.",
    ),
    Outcome.SCRAP: (
        "It goes. What it asked of {whom} is secured by other rules, which stay.",
        "It will be revoked, with a year for {whom} to prepare.",
    ),
}


def decisions(seed: SeedTheme, script: Script, closes: datetime) -> Iterator[Act]:
    """Those that are written out, wherever they are; in a decided theme all others as most people asked."""
    listed = {row.citation.slug for row in seed.rows}
    scripted = [each for each in script.rulings if each.slug in listed]
    for each in scripted:
        at = closes + timedelta(days=each.days_after_close, hours=10)
        yield Act(at - READ_BEFORE, partial(_read, each.slug))
        yield Act(at - ANSWERED_BEFORE, partial(_answer, each))
        yield Act(at, partial(_decide, each))
    if seed.decided:
        spoken_for = {each.slug for each in scripted} | set(table("aftermath.toml")["undecided"])
        rest = [row.citation.slug for row in seed.rows if not row.spent and row.citation.slug not in spoken_for]
        for number, slug in enumerate(rest):
            yield Act(closes + timedelta(days=25 + 3 * number, hours=9), partial(_decide_as_most_asked, slug))


def drafts(today: datetime) -> Iterator[Act]:
    """Decisions still on their way: reasons read, answers begun, a draft written, submitted, returned or approved."""
    for given in table("aftermath.toml")["on_its_way"]:
        each = ruling(given) if "outcome" in given else None
        yield Act(on_day(today, given["read_on"]), partial(_read, given["regulation"]))
        if each and "answered_on" in given:
            half = given.get("half_answered", False)
            yield Act(on_day(today, given["answered_on"]), partial(_answer, each, half=half))
        if each and "status" in given:
            yield Act(on_day(today, given["drafted_on"], 15), partial(_draft, each, given, today))


def _read(slug: str, now: datetime) -> None:
    make_points(regulation=regulation_with(slug), by=person("analyst", now), now=now)


def _answer(each: Ruling, now: datetime, half: bool = False) -> None:
    answer_points(
        regulation=regulation_with(each.slug), outcome=each.outcome, by=person("official", now), now=now, half=half
    )


def _draft(each: Ruling, given: dict[str, Any], today: datetime, now: datetime) -> None:
    """Bring a draft as far as it is to be found by somebody who signs in today."""
    status, writer = DraftStatus(given["status"]), person(given.get("written_by", "official"), now)
    second = person("second-official", now)
    regulation = regulation_with(each.slug)
    proposal = _proposal(each, regulation, now)
    if status is DraftStatus.DRAFT:
        proposal = replace(proposal, legal_route="", responsible="", due_on=None, review_on=None, consultation=None)
    if "publish_in" in given:
        proposal = replace(proposal, publish_at=on_day(today, given["publish_in"], 9) + timedelta(minutes=30))
    draft = save_draft(regulation=regulation, proposal=proposal, version=0, by=writer, now=now)
    if status is not DraftStatus.DRAFT:
        submit_draft(draft=draft, by=writer, now=now)
    if status is DraftStatus.RETURNED:
        return_draft(draft=draft, version=draft.version, note=given["note"], by=second, now=now)
    if status is DraftStatus.APPROVED:
        approve(draft=draft, version=draft.version, by=second, now=now, demonstration=True)


def _decide(each: Ruling, now: datetime) -> None:
    official, second = person("official", now), person("second-official", now)
    regulation = regulation_with(each.slug)
    draft = save_draft(
        regulation=regulation, proposal=_proposal(each, regulation, now), version=_version(regulation), by=official,
        now=now,
    )  # fmt: skip
    submit_draft(draft=draft, by=official, now=now)
    approve_and_publish(draft=draft, version=draft.version, by=second, now=now, demonstration=True)


def _version(regulation: Regulation) -> int:
    return db.session.scalar(select(Draft.version).filter_by(regulation_id=regulation.id)) or 0


def _decide_as_most_asked(slug: str, now: datetime) -> None:
    _decide(_as_most_asked(slug), now)


def _as_most_asked(slug: str) -> Ruling:
    """For regulations few answered: decided as the largest group asked, or kept where there was none."""
    regulation = regulation_with(slug)
    tally = tally_of(regulation.id)
    outcome = Outcome(tally.leading or Choice.KEEP)
    direction = (tally.leading_direction or Direction.CLEARER) if outcome is Outcome.IMPROVE else None
    way = "better" if direction is Direction.OTHER else str(direction)
    whom = regulation.binds if regulation.binds[:2].isupper() else regulation.binds[0].lower() + regulation.binds[1:]
    statement = random.Random(slug).choice(STATEMENTS[outcome]).format(way=way, whom=whom)  # noqa: S311 - no secret
    people = f"{tally.participants} people answered" if tally.participants else "Nobody answered"
    return Ruling(
        slug=slug,
        outcome=outcome,
        direction=direction,
        statement=statement,
        reasons=f"This is an invented decision for the demonstration. {people}; nothing said pointed elsewhere.",
        departure_reason="",
        other_evidence="Example Department, desk review (invented for this demonstration).",
        days_after_close=0,
    )


def _proposal(each: Ruling, regulation: Regulation, now: datetime) -> Proposal:
    compared = comparisons(each.outcome, each.direction, tally_of(regulation.id))
    differ = {who for who, how in compared.items() if how.word is Comparison.DIFFERS}
    return Proposal(
        outcome=each.outcome,
        direction=each.direction,
        statement=each.statement,
        reasons=each.reasons,
        departure_reason=each.departure_reason or (DEPARTS if differ else ""),
        covers=tuple(who for who in Capacity if who in differ and who not in each.departures),
        departures={who: reason for who, reason in each.departures.items() if who in differ},
        **(_steps(now) if each.outcome in (Outcome.SCRAP, Outcome.IMPROVE) else {}),
        cited_comments=_comments_to_cite(regulation),
        cited_points=tuple(row.public_id for row in points_of(regulation.id)[:2]),
        cited_submissions=_submissions_to_cite(regulation),
        other_evidence=each.other_evidence,
    )


def _steps(now: datetime) -> dict[str, Any]:
    return {
        "legal_route": "Regulations under the same Act (invented for this demonstration).",
        "consultation": False,
        "responsible": "Example Department, better rules unit",
        "due_on": clock.uk_day(now + timedelta(days=365)),
        "review_on": clock.uk_day(now + timedelta(days=3 * 365)),
    }


def _comments_to_cite(regulation: Regulation) -> tuple[str, ...]:
    """The first of them, and what many sent in the same words once."""
    wanted = select(Comment.text, Comment.public_id).filter_by(
        regulation_id=regulation.id, status=CommentStatus.PUBLISHED
    )
    first_of: dict[str, str] = {}
    for text, public_id in db.session.execute(wanted.order_by(Comment.id)):
        first_of.setdefault(text, public_id)
    return tuple(first_of.values())[:MOST_CITED]


def _submissions_to_cite(regulation: Regulation) -> tuple[str, ...]:
    wanted = select(Submission.reference).filter_by(regulation_id=regulation.id, withheld=False)
    return tuple(db.session.scalars(wanted.order_by(Submission.id).limit(2)))
