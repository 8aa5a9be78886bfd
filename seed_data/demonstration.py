"""Plays a demonstration's past, day by day with a simulated clock, into an empty record: every stage can be seen.

All people, offices, votes, reasons and decisions here are invented and labelled so; the regulations are real.
"""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from sqlalchemy import select

from core import clock
from core.db import db, transaction
from core.mail import Mail
from notices.services import forget_waiting
from notices.telling import tell_due
from regulations.census import take_census
from regulations.models import Theme
from regulations.queries import theme_with
from regulations.rules import Window
from seed_data import aftermath, correspondence, one_voter
from seed_data.acts import Act
from seed_data.deciding import decisions, drafts
from seed_data.loader import SeedTheme, catalogue, list_seed
from seed_data.people import SCHOOLS_DEPARTMENT, STAFF, appoint_staff, appoint_to_department, shown_addresses
from seed_data.script import Script, quiet_part, read_script
from seed_data.taking_part import votes
from voting.tallying import freeze_theme

LISTED_BEFORE = timedelta(days=10)
QUIET_SHARE = 0.6


def play(open_record: Callable[[], None], settle: Callable[[], None]) -> None:
    """Open the record in the past and let everything happen in order; the followers keep up day by day."""
    today, script, seeds = clock.now(), read_script(), catalogue()
    draw = random.Random(1992_2792)  # noqa: S311 - the same demonstration every time
    earliest = min(seed.window_from(today).opens for seed in seeds) - LISTED_BEFORE
    with clock.pretending(earliest - timedelta(hours=2)):
        open_record()
        with transaction():
            appoint_staff(clock.now())
    acts = sorted(_acts(seeds, script, draw, today), key=lambda act: act.at)
    for _, day in groupby(acts, key=lambda act: act.at.date()):
        acts_of_day = list(day)
        with transaction():
            for act in acts_of_day:
                act.do(act.at)
        with clock.pretending(acts_of_day[-1].at):
            closed = _closed_and_not_final()
            if closed or not all(act.can_wait for act in acts_of_day):
                settle()
                _freeze(closed, settle)
                _tell_those_who_are_shown()


def _acts(seeds: list[SeedTheme], script: Script, draw: random.Random, today: datetime) -> Iterator[Act]:
    for seed in seeds:
        window = seed.window_from(today)
        listed = min(window.opens - LISTED_BEFORE, today - timedelta(days=3))
        yield Act(listed, partial(_list, seed, window))
        if SCHOOLS_DEPARTMENT in {row.department for row in seed.rows}:
            yield Act(listed + timedelta(hours=1), appoint_to_department)
        if window.opens >= today:
            continue
        yield Act(window.opens, partial(_count_what_is_listed, seed.slug), can_wait=True)
        last = min(window.closes - timedelta(hours=1), today - timedelta(hours=2))
        for row in seed.rows:
            if not row.spent:
                part = script.parts.get(row.citation.slug)
                if part is None and draw.random() > QUIET_SHARE:
                    continue
                yield from votes(row.citation.slug, part or quiet_part(draw), window.opens, last, draw)
        if window.closes < today:
            yield from decisions(seed, script, window.closes)
    yield from drafts(today)
    yield from aftermath.acts(today, seeds)
    yield from correspondence.acts(today)
    yield from one_voter.acts(today)


def _list(seed: SeedTheme, window: Window, now: datetime) -> None:
    list_seed(seed, window, now, by=STAFF[-1][2])


def _count_what_is_listed(theme: str, now: datetime) -> None:
    """As the site does by itself when a theme opens."""
    take_census(theme=theme_with(theme), now=now)


def _closed_and_not_final() -> list[int]:
    wanted = select(Theme.id).where(Theme.closes_at <= clock.now(), Theme.frozen_at.is_(None))
    return list(db.session.scalars(wanted))


def _freeze(theme_ids: list[int], settle: Callable[[], None]) -> None:
    if theme_ids:
        with transaction():
            for id in theme_ids:
                freeze_theme(theme=db.session.get_one(Theme, id), now=clock.now())
        settle()


def _tell_those_who_are_shown() -> None:
    """What became of things is mailed on its day to those whose mail can be read, and to nobody else."""
    with transaction():
        forget_waiting(but=shown_addresses())
    while tell_due(clock.now()):
        pass


def deliver_the_past() -> None:
    """Mail of the played past counts as sent; only what went to the accounts one can sign in with is kept."""
    shown = shown_addresses()
    with transaction():
        forget_waiting(but=shown)
        for mail in db.session.scalars(select(Mail).where(Mail.sent_at.is_(None))):
            if mail.recipient in shown:
                mail.sent_at, mail.due_at = mail.written_at, None
            else:
                db.session.delete(mail)
