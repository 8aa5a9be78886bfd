"""Listing themes and regulations, and what happens to their windows and stages. Each act writes its entry."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import rfc8785
from sqlalchemy import select

from accounts.models import Account, Department
from accounts.rules import Role
from audit.entries import ItemVersion, StageSet, ThemeListed, WindowSet, text_digest
from audit.services import Sealed, record, record_many
from core.db import db
from core.errors import Clash, NotAllowed
from regulations import rules
from regulations.models import Regulation, RegulationSector, Theme
from regulations.responsible import check_may_work_on_all_of
from regulations.rules import Citation, Split, Stage, ThemeKind, Window

CLOSERS = (Role.OFFICIAL, Role.ADMINISTRATOR)


def list_theme(
    *,
    slug: str,
    title: str,
    kind: ThemeKind,
    summary: str,
    on_the_table: str,
    off_the_table: str,
    window: Window,
    by: str,
    now: datetime,
    split: Split = Split.SHOWN,
    days_to_decide: int = rules.DAYS_TO_DECIDE,
) -> Theme:
    """Announce a theme, the window in which it takes votes, and in how many days after it decisions are due."""
    rules.check_window(window)
    rules.check_days(days_to_decide)
    if db.session.scalar(select(Theme.id).filter_by(slug=slug)) is not None:
        raise Clash(f"There is a theme {slug} already.", field="slug")
    theme = Theme(
        slug=slug, title=title, kind=kind, summary=summary, on_the_table=on_the_table, off_the_table=off_the_table,
        split=split, window=window, days_to_decide=days_to_decide,
        decision_due_at=rules.due_after(window, days_to_decide),
    )  # fmt: skip
    db.session.add(theme)
    words = text_digest(theme_text(theme))
    record(ThemeListed(theme=slug, kind=kind, split=split, text_sha256=words), about=theme, now=now)
    record(window_entry(theme, "set", by), about=theme, now=now)
    return theme


def theme_text(theme: Theme) -> str:
    """What a theme's line commits to: the canonical JSON of the words under which people are asked."""
    words = {"title": theme.title, "summary": theme.summary, "on": theme.on_the_table, "off": theme.off_the_table}
    return rfc8785.dumps(words).decode()


def close_early(*, theme: Theme, reason: str, by: Account, now: datetime) -> None:
    """End a theme's window now. The reason is published; decisions fall due from this day."""
    if by.role not in CLOSERS:
        raise NotAllowed("Only officials may close a theme early.")
    check_may_work_on_all_of(by, theme)
    rules.check_closing_early(theme.window, reason, now)
    theme.window = Window(theme.window.opens, now)
    theme.closed_early_because = reason
    theme.decision_due_at = rules.due_after(theme.window, theme.days_to_decide)
    sealed = Sealed.of("window-reason", reason)
    body = window_entry(theme, "closed_early", by.office, sealed.commit)
    record(body, about=theme, now=now, openings={"reason_commit": sealed})


def window_entry(theme: Theme, act: str, actor: str, reason_commit: str | None = None) -> WindowSet:
    """What the record says of a theme's window as it is now."""
    return WindowSet(
        theme=theme.slug,
        act=act,
        opens=int(theme.window.opens.timestamp()),
        closes=int(theme.window.closes.timestamp()),
        days=theme.days_to_decide,
        actor=actor,
        reason_commit=reason_commit,
    )


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What the record keeps the digest of when a regulation is listed."""

    title: str
    sentence: str
    summary: str
    binds: str
    in_force: str
    link: str
    department: str
    sectors: Sequence[str]
    checked_on: str
    source: str
    spent: str | None
    """Why it is listed as spent already; None when it is not."""


@dataclass(frozen=True)
class Listing:
    """A regulation as an importer hands it over, checked for form."""

    citation: Citation
    title: str
    department: Department
    binds: str
    sentence: str
    summary: str
    checked_on: str
    source: str
    in_force: str = ""
    spent: str = ""
    sectors: Sequence[str] = field(default=())


def list_regulations(*, theme: Theme, listings: Sequence[Listing], now: datetime) -> None:
    """Put regulations under a theme, each with an entry that fixes the words under which people are asked about it."""
    rows = [
        {
            "slug": listing.citation.slug,
            "kind": listing.citation.kind,
            "year": listing.citation.year,
            "number": listing.citation.number,
            "title": listing.title,
            "theme_id": theme.id,
            "department_id": listing.department.id,
            "in_force": listing.in_force,
            "binds": listing.binds,
            "sentence": listing.sentence,
            "summary": listing.summary,
            "link": listing.citation.link,
            "checked_on": listing.checked_on,
            "source": listing.source,
            "settled": Stage.ALREADY_SPENT if listing.spent else None,
            "settled_because": listing.spent,
            "listed_at": now,
        }
        for listing in listings
    ]
    bodies = [
        ItemVersion(
            item=listing.citation.slug,
            theme=theme.slug,
            text_sha256=text_digest(listing_text(_listed(listing))),
        )
        for listing in listings
    ]
    record_many(Regulation, rows, bodies, now=now)
    listed = select(Regulation.slug, Regulation.id).filter_by(theme_id=theme.id)
    ids = {row.slug: row.id for row in db.session.execute(listed)}
    for listing in listings:
        for sector in listing.sectors:
            db.session.add(RegulationSector(regulation_id=ids[listing.citation.slug], sector=sector))
    db.session.flush()


def _listed(listing: Listing) -> Listed:
    return Listed(
        title=listing.title, sentence=listing.sentence, summary=listing.summary, binds=listing.binds,
        in_force=listing.in_force, link=listing.citation.link, department=listing.department.slug,
        sectors=listing.sectors, checked_on=listing.checked_on, source=listing.source,
        spent=listing.spent or None,
    )  # fmt: skip


def listing_text(listed: Listed) -> str:
    """What item.version commits to: the canonical JSON of all that is told of a regulation. ``spent`` if it is."""
    words = asdict(listed) | {"sectors": sorted(listed.sectors)}
    return rfc8785.dumps({name: said for name, said in words.items() if said is not None}).decode()


def settle(*, regulation: Regulation, stage: Stage, because: str, by: str, now: datetime) -> None:
    """Move a regulation on: decided, being implemented, done, moved or already spent."""
    regulation.settled, regulation.settled_because = stage, because
    record(StageSet(item=regulation.slug, stage=stage, actor=by), about=regulation, now=now)
