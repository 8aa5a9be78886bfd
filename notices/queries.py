"""Asking what somebody follows and how they hear of it, and how far everybody has been told."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, and_, func, or_, select

from accounts.models import Department
from core.clock import day_begins, uk_day
from core.db import db
from core.mail import Mail
from notices.models import Follow, Hearing, Notice
from notices.rules import Followed, FollowHow, How, searched
from regulations.models import Regulation, Theme
from regulations.rules import SECTORS

THE_SAME = "the same: what is listed or decided, each step after that, and each promised day that is missed or moved"


@dataclass(frozen=True)
class Thing:
    """What can be followed, as pages name it, with the feed that tells the same without mail."""

    title: str
    href: str
    feed: str
    feed_says: str


def thing(kind: Followed, key: str) -> Thing:
    """For something that is there: see services.check_there()."""
    return _things([(kind, key)])[kind, key]


def _things(wanted: list[tuple[Followed, str]]) -> dict[tuple[Followed, str], Thing]:
    """Three statements at most, however many there are."""
    asked = [dict(searched(key)) for kind, key in wanted if kind is Followed.SEARCH]
    slugs = {kind: {key for one, key in wanted if one is kind} for kind in Followed}
    themes = _titles(select(Theme.slug, Theme.title), Theme.slug, slugs[Followed.THEME] | _named(asked, "theme"))
    of_departments = slugs[Followed.DEPARTMENT] | _named(asked, "department")
    departments = _titles(select(Department.slug, Department.name), Department.slug, of_departments)
    regulations = _titles(select(Regulation.slug, Regulation.title), Regulation.slug, slugs[Followed.REGULATION])
    found = {}
    for kind, key in wanted:
        if kind is Followed.REGULATION:
            title, href = regulations.get(key, key), f"/regulations/{key}"
            feed, says = f"{href}/history.atom", "everything that happens to it here"
        elif kind is Followed.THEME:
            title, href = themes.get(key, key), f"/themes/{key}"
            feed, says = f"/regulations.atom?{urlencode({'theme': key})}", THE_SAME
        elif kind is Followed.DEPARTMENT:
            title, href = departments.get(key, key), f"/regulations?{urlencode({'department': key})}"
            feed, says = f"/regulations.atom?{urlencode({'department': key})}", THE_SAME
        elif kind is Followed.SEARCH:
            title, href = _in_words(searched(key), themes, departments), f"/regulations?{key}"
            feed, says = f"/regulations.atom?{key}", THE_SAME
        else:
            title, href = "New themes", "/themes"
            feed, says = "/record.atom?type=theme", "each theme when it is announced"
        found[kind, key] = Thing(title, href, feed, says)
    return found


def _named(asked: list[dict[str, str]], name: str) -> set[str]:
    return {search[name] for search in asked if name in search}


def _titles(wanted: Select[str, str], slug: object, slugs: set[str]) -> dict[str, str]:
    if not slugs:
        return {}
    return {row[0]: row[1] for row in db.session.execute(wanted.where(slug.in_(slugs)))}  # type: ignore[attr-defined]


def _in_words(asked: dict[str, str], themes: dict[str, str], departments: dict[str, str]) -> str:
    words: dict[str, Callable[[str], str]] = {
        "q": lambda value: f"“{value}”",
        "theme": lambda value: f"in {themes.get(value, value)}",
        "department": lambda value: f"of {departments.get(value, value)}",
        "outcome": lambda value: f"decided as {value.replace('_', ' ')}" if value != "none" else "not decided",
        "sector": lambda value: f"for {SECTORS.get(value, value).lower()}",
    }
    return "Regulations " + ", ".join(say(asked[name]) for name, say in words.items() if name in asked)


@dataclass(frozen=True)
class FollowRow:
    id: int
    kind: Followed
    key: str
    how: FollowHow
    since: datetime
    thing: Thing


def follows_of(account_id: int) -> list[FollowRow]:
    """The latest first."""
    rows = db.session.execute(
        select(Follow.id, Follow.kind, Follow.key, Follow.how, Follow.since)
        .where(Follow.account_id == account_id)
        .order_by(Follow.id.desc())
    ).all()
    things = _things([(Followed(row.kind), row.key) for row in rows])
    return [
        FollowRow(
            row.id, Followed(row.kind), row.key, FollowHow(row.how), row.since, things[Followed(row.kind), row.key]
        )
        for row in rows
    ]


def followed(account_id: int, kind: Followed, key: str) -> Follow | None:
    return db.session.scalar(select(Follow).filter_by(account_id=account_id, kind=kind, key=key))


@dataclass(frozen=True)
class Heard:
    """How somebody hears of things, and since when their address has been set aside."""

    how: How
    bounced_at: datetime | None


def heard_by(account_id: int) -> Heard:
    row = db.session.execute(
        select(Hearing.how, Hearing.bounced_at).where(Hearing.account_id == account_id)
    ).one_or_none()
    return Heard(How(row.how), row.bounced_at) if row else Heard(How.DAILY, None)


def is_way_out(secret: str) -> How | None:
    """How the holder of a link to stop all mail hears of things now; None when it is nobody's."""
    how = db.session.scalar(select(Hearing.how).where(Hearing.secret == secret))
    return How(how) if how else None


@dataclass(frozen=True)
class Progress:
    """How many notices were told today, are to be told now, and wait for their hour."""

    told: int
    to_tell: int
    waiting: int


@dataclass(frozen=True)
class Outbox:
    """Of the letters that were written so: how many left today, wait to leave, and were refused or given up today."""

    sent: int
    waiting: int
    refused: int


def outbox(now: datetime) -> Outbox:
    """Receipts and ways in are no notices, and not counted."""
    today = day_begins(uk_day(now))
    waits = and_(Mail.sent_at.is_(None), Mail.failed_at.is_(None))
    counts = select(
        func.count().filter(Mail.sent_at >= today),
        func.count().filter(waits),
        func.count().filter(Mail.failed_at >= today),
    ).where(Mail.unsubscribe_url.is_not(None), or_(waits, Mail.sent_at >= today, Mail.failed_at >= today))
    return Outbox(*db.session.execute(counts).one())


def letters_to_write(now: datetime) -> Select[Any]:
    """How many notices are to be told by now and were not yet."""
    return select(func.count()).select_from(Notice).where(Notice.told_at.is_(None), Notice.due_at <= now)


def progress(now: datetime) -> Progress:
    untold = Notice.told_at.is_(None)
    counts = select(
        func.count().filter(Notice.told_at >= day_begins(uk_day(now))),
        func.count().filter(untold & (Notice.due_at <= now)),
        func.count().filter(untold & (Notice.due_at > now)),
    ).where(or_(untold, Notice.told_at >= day_begins(uk_day(now))))
    return Progress(*db.session.execute(counts).one())


@dataclass(frozen=True)
class Round:
    """Everyone who is told of one thing: about a regulation, or else about a theme."""

    kind: str
    title: str
    href: str
    made_at: datetime
    people: int
    told: int


def rounds(limit: int = 20) -> list[Round]:
    """The latest things there was to tell, each with how many were told of it."""
    latest = func.max(Notice.id).label("latest")
    wanted = (
        select(
            Notice.kind, Regulation.title, Regulation.slug, func.max(Notice.made_at).label("made_at"),
            func.count().label("people"), func.count(Notice.told_at).label("told"), latest,
        )
        .outerjoin(Regulation, Regulation.id == Notice.regulation_id)
        .group_by(Notice.cause, Notice.kind, Regulation.title, Regulation.slug)
        .order_by(latest.desc())
        .limit(limit)
    )  # fmt: skip
    rows = db.session.execute(wanted).all()
    themes = _themes_of([row.latest for row in rows if row.slug is None])
    return [
        Round(row.kind, row.title, f"/regulations/{row.slug}", row.made_at, row.people, row.told)
        if row.slug
        else Round(row.kind, *themes.get(row.latest, ("", "")), row.made_at, row.people, row.told)
        for row in rows
    ]


def _themes_of(notices: Collection[int]) -> dict[int, tuple[str, str]]:
    """By notice, the title and address of the theme it tells of."""
    words = {
        row.id: row.words for row in db.session.execute(select(Notice.id, Notice.words).where(Notice.id.in_(notices)))
    }
    slugs = {id: str(said["theme"]) for id, said in words.items() if "theme" in said}
    titles = _titles(select(Theme.slug, Theme.title), Theme.slug, set(slugs.values()))
    return {id: (titles[slug], f"/themes/{slug}") for id, slug in slugs.items() if slug in titles}
