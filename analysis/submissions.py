"""Entering what came by other ways than the ballot, withholding it by a public rule, and showing it."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import rfc8785
from sqlalchemy import delete, func, select

from accounts.models import Account
from accounts.rules import Capacity, Role
from analysis.answered import answered_for_now
from analysis.models import Point, Submission, SubmissionPoint
from analysis.rules import check_submission_keeps_its_answer
from analysis.services import ANALYSTS
from analysis.submission_rules import FROM_A_BALLOT, How, Received, Withheld, check_received
from audit.entries import SubmissionEntry
from audit.services import Sealed, record
from core.clock import day_begins, uk_day
from core.db import db, take_turn
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from regulations.models import Regulation, Theme
from regulations.responsible import check_may_work_on, check_may_work_on_some_of
from voting.models import Vote

OPERATOR = "The operator"


def enter_submission(
    *,
    theme: Theme,
    regulation: Regulation | None,
    received: Received,
    by: Account | None,
    now: datetime,
    paper: str = "",
    file_name: str = "",
    demonstration: bool = False,
) -> Submission:
    """Keep what came, on a regulation or on the whole theme. ``by`` is None for whoever runs the site's commands.

    ``paper`` is the digest under which its PDF lies. Raises Clash when the very same was entered before.
    """
    check_may_enter(by)
    check_may_handle(by, About(theme, regulation))
    check_received(received, has_paper=bool(paper), today=uk_day(now))
    take_turn("submissions")
    digest = digest_of(theme.slug, regulation.slug if regulation else "", received, paper)
    earlier = db.session.scalar(select(Submission.reference).filter_by(digest=digest))
    if earlier is not None:
        raise Clash(f"The very same was entered before, as {earlier}. If it came twice, say so in the text.")
    submission = submission_of(
        About(theme, regulation), received, reference=next(references(now)), digest=digest, by=by, now=now,
        demonstration=demonstration,
    )  # fmt: skip
    submission.file_name, submission.file_sha256 = file_name, paper
    return add_submission(submission, points_meant(regulation, received.points), now)


@dataclass(frozen=True)
class About:
    """What something was sent in about: a regulation, or without one its whole theme."""

    theme: Theme
    regulation: Regulation | None


def submission_of(
    about: About,
    received: Received,
    *,
    reference: str,
    digest: str,
    by: Account | None,
    now: datetime,
    demonstration: bool,
) -> Submission:
    """Not kept yet, and neither checked nor known to be new."""
    return Submission(
        reference=reference, theme=about.theme, regulation=about.regulation, how=received.how,
        capacity=received.capacity, organisation_name=received.organisation, received_on=received.received_on,
        text=received.text, withheld=received.withheld is not None, withheld_because=received.withheld or "",
        signatures=received.signatures, file_name="", file_sha256="", digest=digest,
        entered_by=by.office if by else OPERATOR, entered_at=now, demonstration=demonstration,
    )  # fmt: skip


def attach_paper(*, vote: Vote, paper: str, file_name: str, now: datetime, demonstration: bool = False) -> Submission:
    """Keep an organisation's paper with its ballot. Staff look at it before anybody else can read it."""
    regulation = vote.regulation
    check_may_attach(vote, now)
    take_turn("submissions")
    if paper_of(vote) is not None:
        raise Clash("A paper came with this ballot already. Only one can be attached.")
    submission = Submission(
        reference=next(references(now)), theme=regulation.theme, regulation=regulation, how=How.PAPER,
        capacity=vote.capacity, organisation_name=vote.organisation_name, received_on=uk_day(now), withheld=True,
        withheld_because=Withheld.WAITING, file_name=file_name, file_sha256=paper, from_ballot=True,
        vote_id=vote.id, digest=secrets.token_hex(32), entered_by=FROM_A_BALLOT, entered_at=now,
        demonstration=demonstration,
    )  # fmt: skip
    return add_submission(submission, [], now)


def check_may_attach(vote: Vote, now: datetime) -> None:
    if vote.choice is None:
        raise RuleBroken("This vote was withdrawn, so no paper can come with it.")
    if not Capacity(vote.capacity).speaks_for_organisation:
        raise NotAllowed("Papers come with the votes of organisations. You voted as a member of the public.")
    if not vote.regulation.theme.window.is_open(now) or vote.regulation.settled:
        raise RuleBroken("The window has closed, so no paper can be attached any more.")


def change_submission(
    *,
    submission: Submission,
    seen: str,
    withheld: Withheld | None,
    organisation: str,
    points: Sequence[str],
    by: Account,
    now: datetime,
) -> None:
    """Withhold it, show it, or say anew which points it makes. Raises Clash unless ``seen`` is its latest line."""
    check_may_enter(by)
    check_may_handle(by, About(submission.theme, submission.regulation))
    db.session.refresh(submission, with_for_update=True)
    if submission.entry_id != seen:
        raise Clash("A colleague has changed this since you opened it. Look at it again, then decide.")
    if organisation and not Capacity(submission.capacity).speaks_for_organisation:
        raise RuleBroken("Members of the public are not named.", field="organisation")
    if submission.withheld_because == Withheld.ERASED:
        raise RuleBroken("What this submission said was deleted for good, so nothing about it can be changed.")
    if not can_be_read_by(by, submission):
        raise NotAllowed("It is withheld by a rule: only officials can read it, and change how it stands.")
    made = points_meant(submission.regulation, points)
    if submission.regulation is not None:
        _check_keeps_its_answer(submission, submission.regulation, made)
    submission.withheld, submission.withheld_because = withheld is not None, withheld or ""
    submission.organisation_name = organisation
    db.session.execute(delete(SubmissionPoint).where(SubmissionPoint.submission_id == submission.id))
    _keep_points(submission, made)
    record_submission(submission, made, by.office, now)


def _check_keeps_its_answer(submission: Submission, regulation: Regulation, made: Sequence[Point]) -> None:
    answered = answered_for_now(regulation)
    so_far = set(db.session.scalars(select(SubmissionPoint.point_id).filter_by(submission_id=submission.id)))
    is_lost = answered.points & so_far and answered.points.isdisjoint(point.id for point in made)
    check_submission_keeps_its_answer(bool(is_lost) and answered.was_given_to(submission))


def submission_with(reference: str) -> Submission:
    """Raises NotFound."""
    found = db.session.scalar(select(Submission).filter_by(reference=reference))
    if found is None:
        raise NotFound("There is no submission at this address.")
    return found


def paper_of(vote: Vote) -> Submission | None:
    """What came with a ballot."""
    return db.session.scalar(select(Submission).filter_by(vote_id=vote.id))


def check_may_enter(by: Account | None) -> None:
    if by is not None and by.role not in ANALYSTS:
        raise NotAllowed("Only analysts and officials may enter what came by other ways than the ballot.")


def check_may_handle(by: Account | None, about: "About") -> None:
    """Raises NotAllowed where it is the work of other departments alone. ``by`` is None for the operator."""
    if by is not None and about.regulation is not None:
        check_may_work_on(by, about.regulation)
    elif by is not None:
        check_may_work_on_some_of(by, about.theme)


def can_be_read_by(by: Account, submission: Submission) -> bool:
    """What a rule withholds is for officials alone, who decide. Analysts read what is shown, or waits for a look."""
    if submission.withheld and submission.withheld_because != Withheld.WAITING:
        return by.role == Role.OFFICIAL
    return by.role in ANALYSTS


def points_meant(regulation: Regulation | None, public_ids: Sequence[str]) -> list[Point]:
    """The standing points so named. Raises RuleBroken when one is no point of this regulation."""
    if not public_ids:
        return []
    wanted = select(Point).where(Point.public_id.in_(public_ids), Point.withdrawn_at.is_(None))
    found = list(db.session.scalars(wanted.where(Point.regulation_id == (regulation.id if regulation else None))))
    if len(found) < len(set(public_ids)):
        raise RuleBroken("One of the points is not, or no longer, a point of this regulation.", field="points")
    return found


def digest_of(theme: str, slug: str, received: Received, paper: str = "") -> str:
    """By which the same is known again when it is entered or imported twice."""
    said = {
        "theme": theme, "item": slug, "how": received.how, "capacity": received.capacity,
        "organisation": received.organisation, "received_on": received.received_on.isoformat(), "paper": paper,
        "text": received.text, "signatures": received.signatures, "number": received.own_number,
    }  # fmt: skip
    return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


def submission_text(submission: Submission, points: Iterable[str]) -> str:
    """The canonical JSON to which the record commits."""
    said = {
        "file_name": submission.file_name,
        "organisation": submission.organisation_name,
        "paper": submission.file_sha256,
        "points": sorted(points),
        "text": submission.text,
        "withheld": submission.withheld_because,
    }
    return rfc8785.dumps(said).decode()


def received_at(submission: Submission) -> int:
    """The day it came, as the record tells it."""
    return int(day_begins(submission.received_on).timestamp())


def references(now: datetime) -> Iterator[str]:
    """Those that are free, such as S2026-0007. Ask for them in one's turn, so that no number is given twice."""
    db.session.flush()
    year = f"S{uk_day(now).year}-"
    longest = func.length(Submission.reference)
    wanted = select(Submission.reference).where(Submission.reference.startswith(year))
    last = db.session.scalar(wanted.order_by(longest.desc(), Submission.reference.desc()).limit(1))
    first = int(last.removeprefix(year)) + 1 if last else 1
    return (f"{year}{number:04}" for number in count(first))


def add_submission(submission: Submission, points: Sequence[Point], now: datetime) -> Submission:
    add_submissions([(submission, points)], now)
    return submission


def add_submissions(entered: Sequence[tuple[Submission, Sequence[Point]]], now: datetime) -> None:
    """Keep each with its points and its line."""
    db.session.add_all(submission for submission, _ in entered)
    db.session.flush()
    for submission, points in entered:
        _keep_points(submission, points)
    lines = [_write_line(submission, points, submission.entered_by, now) for submission, points in entered]
    # Only now, all at once: each line is written past the session, which else would write one row before every line.
    for (submission, _), line in zip(entered, lines, strict=True):
        submission.entry_id = line


def _keep_points(submission: Submission, points: Sequence[Point]) -> None:
    db.session.add_all(SubmissionPoint(submission_id=submission.id, point_id=point.id) for point in points)


def record_submission(submission: Submission, points: Sequence[Point], actor: str, now: datetime) -> None:
    """Its next line, which commits to all it says now."""
    submission.entry_id = _write_line(submission, points, actor, now)


def _write_line(submission: Submission, points: Sequence[Point], actor: str, now: datetime) -> str:
    sealed = Sealed.of("submission", submission_text(submission, [point.public_id for point in points]))
    body = SubmissionEntry(
        theme=submission.theme.slug,
        reference=submission.reference,
        how=submission.how,
        capacity=submission.capacity,
        received=received_at(submission),
        actor=actor,
        item=submission.regulation.slug if submission.regulation else None,
        text_commit=sealed.commit,
        file_sha256=(submission.file_sha256 or None) if not submission.withheld else None,
        signatures=submission.signatures,
        withheld=True if submission.withheld else None,
        prev=submission.entry_id,
    )
    return record(body, about=submission, now=now, openings={"text_commit": sealed}).id
