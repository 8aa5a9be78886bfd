"""Plays a demonstration's past, day by day with a simulated clock, into an empty record: every stage can be seen.

All people, offices, votes, reasons and decisions here are invented and labelled so; the regulations are real.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import select

from accounts import services as accounts
from accounts.models import Account
from accounts.rules import Capacity, Role
from core import clock
from core.db import db, transaction
from core.mail import Mail
from decisions.comparing import comparisons
from decisions.rules import Comparison, Outcome, Proposal
from decisions.services import approve_and_publish, save_draft, submit_draft
from notices.services import forget_waiting
from regulations.models import Regulation, Theme
from regulations.queries import regulation_with
from regulations.rules import Window
from seed_data.answering import answer_what_was_said
from seed_data.loader import SeedTheme, catalogue, list_seed
from seed_data.script import Part, Ruling, Script, Voice, Wordless, quiet_part, read_script
from voting.models import Comment, Vote
from voting.moderation import hide_comment
from voting.queries import tally_of
from voting.rules import Ballot, Choice, CommentStatus, Direction, ModerationRule, ReasonKind, draw_order
from voting.services import cast_vote, withdraw_vote
from voting.tallying import freeze_theme

DOMAIN = "demonstration.example"
PASSWORD = "demonstration only"  # noqa: S105 - printed at every start, and good on 127.0.0.1 alone
STAFF = (
    ("official", Role.OFFICIAL, "Example Department, decisions office"),
    ("second-official", Role.OFFICIAL, "Example Department, approvals office"),
    ("moderator", Role.MODERATOR, "Example Department, moderation office"),
    ("administrator", Role.ADMINISTRATOR, "Example Department, site office"),
)
LISTED_BEFORE = timedelta(days=10)
PEOPLE = 260
QUIET_SHARE = 0.6
AGREE_SHARE = 0.7
CHECKED_OF = 3
COUNCIL = "Example Ridings Council"
ORGANISATIONS = {
    Capacity.BUSINESS: ("Example Bakery", "Example Builders", "Example Garage", "Example Grocers", "Example Hotel"),
    Capacity.CHARITY: ("Example Advice Centre", "Example Food Bank", "Example Youth Club"),
    Capacity.PUBLIC_BODY: ("Example District Council", "Example Library Service"),
}
LIVELY = 15
ADVERTISEMENT = Voice(
    choice=Choice.SCRAP,
    direction=None,
    text="Cheap certificates, no questions asked! Call us today.",
    capacity=Capacity.BUSINESS,
    organisation="Example Adverts",
    name="",
)


@dataclass(frozen=True)
class Act:
    """One thing that happened on some day of the invented past."""

    at: datetime
    do: Callable[[datetime], None]


def play(open_record: Callable[[], None], settle: Callable[[], None]) -> None:
    """Open the record in the past and let everything happen in order; the followers keep up after each day."""
    today, script, seeds = clock.now(), read_script(), catalogue()
    draw = random.Random(1992_2792)  # noqa: S311 - the same demonstration every time
    earliest = min(seed.window_from(today).opens for seed in seeds) - LISTED_BEFORE
    with clock.pretending(earliest - timedelta(hours=2)):
        open_record()
        with transaction():
            _staff(clock.now())
    acts = sorted(_acts(seeds, script, draw, today), key=lambda act: act.at)
    for _, day in groupby(acts, key=lambda act: act.at.date()):
        acts_of_day = list(day)
        with transaction():
            for act in acts_of_day:
                act.do(act.at)
        with clock.pretending(acts_of_day[-1].at):
            settle()
            _freeze_what_closed(settle)


def accounts_text(site_url: str) -> str:
    """What the operator of a demonstration is told at every start."""
    lines = [f"  {name + '@' + DOMAIN:<44} {office}" for name, _, office in STAFF]
    lines.append(f"  {'voter@' + DOMAIN:<44} Somebody who takes part")
    return (
        f"Demonstration accounts for {site_url}/account/sign-in (invented people; password for all: {PASSWORD})\n"
        + "\n".join(lines)
        + f"\nMail lands in {site_url}/dev/mailbox\n"
    )


def _staff(now: datetime) -> None:
    for name, role, office in STAFF:
        account = _person(name, now)
        accounts.set_password(account=account, password=PASSWORD)
        accounts.appoint(account=account, role=role, office=office, department=None, by="The operator", now=now)
    accounts.set_password(account=_person("voter", now), password=PASSWORD)
    council, moderator = _person("council-clerk", now), _person("moderator", now)
    accounts.check_organisation(account=council, name=COUNCIL, domain=DOMAIN, by=moderator, now=now)


def _person(name: str, now: datetime) -> Account:
    return accounts.account_for(email=f"{name}@{DOMAIN}", now=now, demonstration=True)


def _acts(seeds: list[SeedTheme], script: Script, draw: random.Random, today: datetime) -> Iterator[Act]:
    for seed in seeds:
        window = seed.window_from(today)
        listed = min(window.opens - LISTED_BEFORE, today - timedelta(days=3))
        yield Act(listed, partial(_list, seed, window))
        if window.opens >= today:
            continue
        last = min(window.closes - timedelta(hours=1), today - timedelta(hours=2))
        for row in seed.rows:
            if not row.spent:
                part = script.parts.get(row.citation.slug)
                if part is None and draw.random() > QUIET_SHARE:
                    continue
                yield from _votes(row.citation.slug, part or quiet_part(draw), window.opens, last, draw)
        if seed.decided:
            yield from _decisions(seed, script, window.closes)


def _list(seed: SeedTheme, window: Window, now: datetime) -> None:
    list_seed(seed, window, now, by=STAFF[-1][2])


def _votes(slug: str, part: Part, opens: datetime, last: datetime, draw: random.Random) -> Iterator[Act]:
    """So many people over the window, the sooner the more; those who write come early, so that others can agree."""
    people = draw.sample(range(1, PEOPLE + 1), max(part.votes, len(part.voices)))
    span = (last - opens).total_seconds()
    moments = sorted(opens + timedelta(seconds=int(span * draw.random() ** 1.3)) for _ in people)
    writers = set(draw.sample(range(len(part.voices) * 2), len(part.voices))) if part.voices else set()
    voices = draw.sample(part.voices, len(part.voices))
    wordless = part.without_words(draw)
    for place, (number, at) in enumerate(zip(people, moments, strict=True)):
        said = voices.pop() if place in writers and voices else wordless.pop()
        yield Act(at, partial(_vote, slug, f"person-{number:03d}", said))
    if len(people) >= LIVELY:
        yield from _second_thoughts(slug, moments[-1] + (last - moments[-1]) / 2, draw)


def _second_thoughts(slug: str, late: datetime, draw: random.Random) -> Iterator[Act]:
    """Somebody changes their mind; on some, somebody takes a vote back, and somebody breaks a rule."""
    changer, leaver, poster = (f"person-{number}" for number in draw.sample(range(PEOPLE + 1, PEOPLE + 100), 3))
    before = late - timedelta(minutes=30)
    yield Act(before, partial(_vote, slug, changer, Wordless(Choice.SCRAP, None)))
    yield Act(late, partial(_vote, slug, changer, Wordless(Choice.KEEP, None)))
    if draw.random() < 1 / 3:
        yield Act(before, partial(_vote, slug, leaver, Wordless(Choice.IMPROVE, Direction.CLEARER)))
        yield Act(late, partial(_withdraw, slug, leaver))
    if draw.random() < 1 / 6:
        yield Act(late, partial(_vote, slug, poster, ADVERTISEMENT))
        yield Act(late + timedelta(minutes=5), partial(_hide, slug, poster))


def _vote(slug: str, name: str, said: Voice | Wordless, now: datetime) -> None:
    voter, regulation = _person(name, now), regulation_with(slug)
    if isinstance(said, Voice) and said.organisation and said is not ADVERTISEMENT and len(said.text) % CHECKED_OF == 0:
        _check(voter, said.organisation, regulation, now)
    ballot = _in_words(said) if isinstance(said, Voice) else _wordless(voter, regulation, said, f"{slug} {name}")
    ballot = replace(ballot, order=draw_order(f"{slug} {name}"))
    cast_vote(voter=voter, regulation=regulation, ballot=ballot, now=now, demonstration=True)


def _check(voter: Account, organisation: str, regulation: Regulation, now: datetime) -> None:
    """Staff have seen that some of those who write for an organisation do so rightly."""
    if not _has_spoken(organisation, regulation):
        accounts.check_organisation(account=voter, name=organisation, domain="", by=_person("moderator", now), now=now)


def _has_spoken(organisation: str, regulation: Regulation) -> bool:
    already = select(Vote.id).filter_by(regulation_id=regulation.id, organisation_name=organisation)
    return db.session.scalar(already.limit(1)) is not None


def _in_words(voice: Voice) -> Ballot:
    return Ballot(
        choice=voice.choice,
        direction=voice.direction,
        reason_kind=ReasonKind.WRITTEN,
        text=voice.text,
        capacity=voice.capacity,
        organisation=voice.organisation,
        display_name=voice.name,
    )


def _wordless(voter: Account, regulation: Regulation, said: Wordless, seed: str) -> Ballot:
    """Standing behind somebody's reason where there is one, mostly, or giving none."""
    draw = random.Random(seed)  # noqa: S311 - invented people, the same every time
    capacity = draw.choices([Capacity.PUBLIC, Capacity.BUSINESS, Capacity.CHARITY, Capacity.PUBLIC_BODY], [6, 5, 1, 1])[
        0
    ]
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


def _withdraw(slug: str, name: str, now: datetime) -> None:
    withdraw_vote(voter=_person(name, now), regulation=regulation_with(slug), now=now)


def _hide(slug: str, name: str, now: datetime) -> None:
    wanted = select(Comment).filter_by(account_id=_person(name, now).id, regulation_id=regulation_with(slug).id)
    hide_comment(
        comment=db.session.scalars(wanted).one(),
        rule=ModerationRule.SPAM,
        reason="An advertisement, not a reason (invented for this demonstration).",
        by=_person("moderator", now),
        now=now,
    )


def _freeze_what_closed(settle: Callable[[], None]) -> None:
    now = clock.now()
    closed = select(Theme).where(Theme.closes_at <= now, Theme.frozen_at.is_(None))
    themes = list(db.session.scalars(closed))
    if themes:
        with transaction():
            for theme in themes:
                freeze_theme(theme=theme, now=now)
        settle()


def _decisions(seed: SeedTheme, script: Script, closes: datetime) -> Iterator[Act]:
    scripted = [ruling for ruling in script.rulings if ruling.slug in {row.citation.slug for row in seed.rows}]
    for ruling in scripted:
        at = closes + timedelta(days=ruling.days_after_close, hours=2)
        yield Act(at, partial(_decide, ruling))
    spoken_for = {ruling.slug for ruling in scripted}
    for number, row in enumerate(row for row in seed.rows if not row.spent and row.citation.slug not in spoken_for):
        at = closes + timedelta(days=25 + 3 * number, hours=1)
        yield Act(at, partial(_decide_as_most_asked, row.citation.slug))


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


def _steps(now: datetime) -> dict[str, Any]:
    return {
        "legal_route": "Regulations under the same Act (invented for this demonstration).",
        "consultation": False,
        "responsible": "Example Department, better rules unit",
        "due_on": clock.uk_day(now + timedelta(days=365)),
        "review_on": clock.uk_day(now + timedelta(days=3 * 365)),
    }


DEPARTS = "Most of those who answered asked for this; those who asked otherwise gave no reason that weighed more."


def _decide(ruling: Ruling, now: datetime) -> None:
    official, second = _person("official", now), _person("second-official", now)
    regulation = regulation_with(ruling.slug)
    compared = comparisons(ruling.outcome, ruling.direction, tally_of(regulation.id))
    departs = any(how.word is Comparison.DIFFERS for how in compared.values())
    cited = select(Comment.public_id).filter_by(regulation_id=regulation.id, status=CommentStatus.PUBLISHED)
    proposal = Proposal(
        outcome=ruling.outcome,
        direction=ruling.direction,
        statement=ruling.statement,
        reasons=ruling.reasons,
        departure_reason=ruling.departure_reason or (DEPARTS if departs else ""),
        covers=tuple(Capacity),
        **(_steps(now) if ruling.outcome in (Outcome.SCRAP, Outcome.IMPROVE) else {}),
        cited_comments=tuple(db.session.scalars(cited.order_by(Comment.id).limit(4))),
        other_evidence=ruling.other_evidence,
    )
    answer_what_was_said(
        regulation=regulation, outcome=ruling.outcome, statement=ruling.statement, by=official, now=now
    )
    draft = save_draft(regulation=regulation, proposal=proposal, version=0, by=official, now=now)
    submit_draft(draft=draft, by=official, now=now)
    approve_and_publish(draft=draft, version=draft.version, by=second, now=now, demonstration=True)


def deliver_the_past() -> None:
    """Mail of the played past counts as sent; only what went to the accounts one can sign in with is kept."""
    shown = [f"{name}@{DOMAIN}" for name in ("voter", *(name for name, _, _ in STAFF))]
    with transaction():
        forget_waiting(but=shown)
        for mail in db.session.scalars(select(Mail).where(Mail.sent_at.is_(None))):
            if mail.recipient in shown:
                mail.sent_at, mail.due_at = mail.written_at, None
            else:
                db.session.delete(mail)
