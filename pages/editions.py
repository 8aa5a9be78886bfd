"""Editions of the report on a theme: what the page said, kept under an address of its own, so that it can be cited."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from audit.deciding import EditionEntry
from audit.entries import text_digest
from audit.models import Entry
from audit.queries import log_size, read
from audit.services import record
from core.db import db
from core.errors import Gone, NotFound
from opendata.edition_agreement import content_digest, wrong_with_edition
from opendata.models import Edition, EditionStood
from opendata.rules import labelled
from opendata.serving import json_text
from pages.we_asked import report
from regulations.models import Theme

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(hours=1)
_other = aliased(Edition)


@dataclass(frozen=True)
class EditionRow:
    number: int
    kept_at: datetime
    still_at: datetime
    at_size: int
    content_sha256: str
    sha256: str
    entry_id: str | None


_COLUMNS = (
    Edition.number, Edition.kept_at, func.coalesce(EditionStood.still_at, Edition.kept_at), Edition.at_size,
    Edition.content_sha256, Edition.sha256, Edition.entry_id,
)  # fmt: skip


def themes_to_keep(now: datetime) -> list[int]:
    """Themes whose count is final, and whose report nobody has compared with its last edition for an hour."""
    looked = select(func.max(EditionStood.still_at)).join(Edition, Edition.id == EditionStood.edition_id)
    latest = looked.where(Edition.theme_id == Theme.id).scalar_subquery()
    wanted = select(Theme.id).where(Theme.frozen_at.is_not(None))
    return list(db.session.scalars(wanted.where(func.coalesce(latest <= now - LOOK_AGAIN, True)).order_by(Theme.id)))


def keep_edition(*, theme: Theme, site_url: str, demonstration: bool, now: datetime) -> Edition:
    """Keep what the page says as an edition, unless the last one says the same: then that stood until now."""
    wanted = select(Edition).where(Edition.theme_id == theme.id).order_by(Edition.number.desc()).limit(1)
    last = db.session.scalar(wanted)
    said = report(theme, now)
    content = content_digest(said)
    if last is not None and last.content_sha256 == content:
        db.session.get_one(EditionStood, last.id).still_at = now
        return last
    number, size = last.number + 1 if last else 1, log_size()
    about = {"edition": number, "counted_at": now, "log_size": size, "url": address(site_url, theme.slug, number)}
    text = json_text(labelled([said | about], demonstration=demonstration)[0])
    edition = Edition(
        theme_id=theme.id, number=number, kept_at=now, at_size=size, content_sha256=content,
        sha256=text_digest(text), text=text,
    )  # fmt: skip
    db.session.add(edition)
    body = EditionEntry(theme=theme.slug, number=number, at_size=size, text_sha256=edition.sha256)
    edition.entry_id = record(body, about=[theme, edition], now=now).id
    db.session.add(EditionStood(edition_id=edition.id, still_at=now))
    return edition


def address(site_url: str, slug: str, number: int | None = None) -> str:
    page = f"{site_url}/themes/{slug}/we-asked"
    return page if number is None else f"{page}/{number}"


def theme_and_latest(slug: str) -> tuple[Theme, EditionRow | None]:
    """A theme with the last edition of its report. Raises NotFound."""
    newest = select(func.max(_other.number)).where(_other.theme_id == Theme.id).scalar_subquery()
    wanted = (
        select(Theme, *_COLUMNS)
        .select_from(Theme)
        .outerjoin(Edition, and_(Edition.theme_id == Theme.id, Edition.number == newest))
    )
    wanted = wanted.outerjoin(EditionStood, EditionStood.edition_id == Edition.id)
    row = db.session.execute(wanted.where(Theme.slug == slug)).one_or_none()
    if row is None:
        raise NotFound("There is no theme at this address.")
    return row[0], EditionRow(*row[1:]) if row.number is not None else None


def editions_of(theme_id: int) -> list[EditionRow]:
    """The newest first."""
    wanted = select(*_COLUMNS).select_from(Edition).outerjoin(EditionStood, EditionStood.edition_id == Edition.id)
    wanted = wanted.where(Edition.theme_id == theme_id).order_by(Edition.number.desc())
    return [EditionRow(*row) for row in db.session.execute(wanted)]


def edition_with(slug: str, number: int) -> tuple[EditionRow, str]:
    """An edition with its text. Raises NotFound, and Gone when it is not what the record says any more."""
    wanted = (
        select(*_COLUMNS, Edition.text, Entry.body)
        .select_from(Edition)
        .join(Theme, Theme.id == Edition.theme_id)
        .outerjoin(EditionStood, EditionStood.edition_id == Edition.id)
        .outerjoin(Entry, Entry.id == Edition.entry_id)
        .where(Theme.slug == slug, Edition.number == number)
    )
    row = db.session.execute(wanted).one_or_none()
    if row is None:
        raise NotFound("There is no such edition of this report.")
    wrong = wrong_with_edition(row, slug, read(row.body)) if row.body is not None else "has no line in the record"
    if wrong:
        log.error("Edition %s of the report on %s %s.", number, slug, wrong)
        raise Gone(
            "This edition is not here as the record says it was kept, so it cannot be shown. "
            "Those who run the site are told."
        )
    return EditionRow(*row[:-2]), row.text
