"""What the demonstration's invented people do while a theme is open: vote, give reasons, tell of themselves, regret."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from accounts import services as accounts
from accounts.models import Account
from accounts.rules import Capacity
from analysis.papers import keep_paper
from analysis.submissions import attach_paper
from core.db import db
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.rules import ALL_SECTORS
from seed_data.acts import Act
from seed_data.paper import a_paper
from seed_data.people import COUNCIL, person
from seed_data.script import Part, Voice, Wordless
from voting.models import Comment, Vote
from voting.moderation import hide_comment
from voting.queries import standing_vote
from voting.rules import (
    NATIONS,
    SIZE_BANDS,
    Ballot,
    Choice,
    CommentStatus,
    Details,
    Direction,
    ModerationRule,
    ReasonKind,
    draw_order,
)
from voting.services import cast_vote, keep_details, withdraw_vote

PEOPLE = 260
AGREE_SHARE = 0.7
TOLD_SHARE = 0.8
CHECKED_OF = 3
LIVELY = 15
SPEAKS = {Capacity.PUBLIC: 6, Capacity.BUSINESS: 5, Capacity.CHARITY: 1, Capacity.PUBLIC_BODY: 1}
ORGANISATIONS = {
    Capacity.BUSINESS: ("Example Bakery", "Example Builders", "Example Garage", "Example Grocers", "Example Hotel"),
    Capacity.CHARITY: ("Example Advice Centre", "Example Food Bank", "Example Youth Club"),
    Capacity.PUBLIC_BODY: ("Example District Council", "Example Library Service"),
}
ADVERTISEMENT = Voice(
    choice=Choice.SCRAP,
    direction=None,
    text="Cheap certificates, no questions asked! Call us today.",
    capacity=Capacity.BUSINESS,
    organisation="Example Adverts",
    name="",
)


def votes(slug: str, part: Part, opens: datetime, last: datetime, draw: random.Random) -> Iterator[Act]:
    """So many people over the window, the sooner the more; those who write come early, so that others can agree."""
    people = draw.sample(range(1, PEOPLE + 1), max(part.votes, len(part.voices)))
    span = (last - opens).total_seconds()
    moments = sorted(opens + timedelta(seconds=int(span * draw.random() ** 1.3)) for _ in people)
    writers = set(draw.sample(range(len(part.voices) * 2), len(part.voices))) if part.voices else set()
    voices = draw.sample(part.voices, len(part.voices))
    wordless = part.without_words(draw)
    for place, (number, at) in enumerate(zip(people, moments, strict=True)):
        said = voices.pop() if place in writers and voices else wordless.pop()
        yield Act(at, partial(_vote, slug, f"person-{number:03d}", said, part), can_wait=True)
    if len(people) >= LIVELY and not part.steady:
        yield from _second_thoughts(slug, moments[-1] + (last - moments[-1]) / 2, draw)


def _second_thoughts(slug: str, late: datetime, draw: random.Random) -> Iterator[Act]:
    """Somebody changes their mind; on some, somebody takes a vote back, and somebody breaks a rule."""
    changer, leaver, poster = (f"person-{number}" for number in draw.sample(range(PEOPLE + 1, PEOPLE + 100), 3))
    before = late - timedelta(minutes=30)
    yield Act(before, partial(_vote, slug, changer, Wordless(Choice.SCRAP, None), Part.of_few()))
    yield Act(late, partial(_vote, slug, changer, Wordless(Choice.KEEP, None), Part.of_few()))
    if draw.random() < 1 / 3:
        yield Act(before, partial(_vote, slug, leaver, Wordless(Choice.IMPROVE, Direction.CLEARER), Part.of_few()))
        yield Act(late, partial(_withdraw, slug, leaver))
    if draw.random() < 1 / 6:
        yield Act(late, partial(_vote, slug, poster, ADVERTISEMENT, Part.of_few()))
        yield Act(late + timedelta(minutes=5), partial(_hide, slug, poster))


def _vote(slug: str, name: str, said: Voice | Wordless, part: Part, now: datetime) -> None:
    voter, regulation = person(name, now), regulation_with(slug)
    if isinstance(said, Voice):
        if said.organisation and said is not ADVERTISEMENT and len(said.text) % CHECKED_OF == 0:
            _check(voter, said.organisation, regulation, now)
        ballot = in_words(said)
    else:
        ballot = _wordless(voter, regulation, said, part, f"{slug} {name}")
    ballot = replace(ballot, order=draw_order(f"{slug} {name}"))
    cast_vote(voter=voter, regulation=regulation, ballot=ballot, now=now, demonstration=True)
    if part.tells:
        details = _details(regulation, ballot, random.Random(f"told {slug} {name}"))  # noqa: S311 - invented people
        keep_details(voter=voter, regulation=regulation, details=details, now=now)
    if isinstance(said, Voice) and said.paper:
        _attach(voter, regulation, said, now)


def _attach(voter: Account, regulation: Regulation, said: Voice, now: datetime) -> None:
    vote = standing_vote(voter, regulation)
    if vote is not None:
        paper = keep_paper(a_paper(f"{said.organisation} on the {regulation.title}", said.paper))
        attach_paper(vote=vote, paper=paper, file_name="invented-paper.pdf", now=now, demonstration=True)


def _check(voter: Account, organisation: str, regulation: Regulation, now: datetime) -> None:
    """Staff have seen that some of those who write for an organisation do so rightly."""
    if not _has_spoken(organisation, regulation):
        accounts.check_organisation(account=voter, name=organisation, domain="", by=person("moderator", now), now=now)


def _has_spoken(organisation: str, regulation: Regulation) -> bool:
    already = select(Vote.id).filter_by(regulation_id=regulation.id, organisation_name=organisation)
    return db.session.scalar(already.limit(1)) is not None


def in_words(voice: Voice) -> Ballot:
    return Ballot(
        choice=voice.choice,
        direction=voice.direction,
        reason_kind=ReasonKind.WRITTEN,
        text=voice.text,
        capacity=voice.capacity,
        organisation=voice.organisation,
        display_name=voice.name,
    )


def _wordless(voter: Account, regulation: Regulation, said: Wordless, part: Part, seed: str) -> Ballot:
    """Standing behind somebody's reason where there is one, mostly, or giving none."""
    draw = random.Random(seed)  # noqa: S311 - invented people, the same every time
    speaks = part.speaks.get(said.choice, SPEAKS)
    capacity = draw.choices(list(speaks), list(speaks.values()))[0]
    organisation = f"{draw.choice(ORGANISATIONS[capacity])} {draw.randint(2, 99)}" if capacity in ORGANISATIONS else ""
    if capacity is Capacity.PUBLIC_BODY and not _has_spoken(COUNCIL, regulation):
        organisation = COUNCIL
    ballot = Ballot(
        choice=said.choice,
        direction=said.direction,
        reason_kind=ReasonKind.NOT_SAID,
        capacity=capacity,
        organisation=organisation,
    )
    published = select(Comment.public_id).where(
        Comment.regulation_id == regulation.id,
        Comment.choice == said.choice,
        Comment.status == CommentStatus.PUBLISHED,
        Comment.account_id != voter.id,
    )
    reasons = list(db.session.scalars(published.order_by(Comment.id)))
    if reasons and draw.random() < AGREE_SHARE:
        return replace(ballot, reason_kind=ReasonKind.SUPPORTED, supports=draw.choice(reasons))
    return ballot


def _details(regulation: Regulation, ballot: Ballot, draw: random.Random) -> Details:
    """What most add after their vote: where they are; and those in business how large they are, and what it costs."""
    if draw.random() > TOLD_SHARE:
        return Details()
    nation = draw.choices(list(NATIONS), [10, 4, 3, 2, 0])[0]
    if ballot.capacity is not Capacity.BUSINESS:
        return Details(nation=nation)
    burdened = ballot.choice is not Choice.KEEP
    return Details(
        nation=nation,
        size_band=draw.choices(list(SIZE_BANDS), [4, 8, 5, 2, 1])[0],
        sector=draw.choice(_lines_of_business(regulation)),
        cost_pounds=int(10 * draw.lognormvariate(3 + burdened, 0.8)) if draw.random() < 0.7 else None,
        cost_hours=int(draw.lognormvariate(1.5 + burdened, 0.7)) + 1 if draw.random() < 0.7 else None,
    )


def _lines_of_business(regulation: Regulation) -> list[str]:
    named = [row.sector for row in regulation.sectors if row.sector != ALL_SECTORS]
    return sorted({*named, "retail", "hospitality"})


def _withdraw(slug: str, name: str, now: datetime) -> None:
    withdraw_vote(voter=person(name, now), regulation=regulation_with(slug), now=now)


def _hide(slug: str, name: str, now: datetime) -> None:
    wanted = select(Comment).filter_by(account_id=person(name, now).id, regulation_id=regulation_with(slug).id)
    hide_comment(
        comment=db.session.scalars(wanted).one(),
        rule=ModerationRule.SPAM,
        reason="An advertisement, not a reason (invented for this demonstration).",
        by=person("moderator", now),
        now=now,
    )
