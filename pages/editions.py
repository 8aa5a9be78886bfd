"""Editions of the report on a theme: what the page said, kept under an address of its own, so that it can be cited."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from audit.queries import log_size
from core.db import db
from core.errors import NotFound
from opendata.rules import labelled
from opendata.serving import json_text
from pages.models import Edition
from pages.we_asked import report
from regulations.models import Theme

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


_COLUMNS = (
    Edition.number, Edition.kept_at, Edition.still_at, Edition.at_size, Edition.content_sha256, Edition.sha256,
)  # fmt: skip


def themes_to_keep(now: datetime) -> list[int]:
    """Themes whose count is final, and whose report nobody has compared with its last edition for an hour."""
    latest = select(func.max(Edition.still_at)).where(Edition.theme_id == Theme.id).scalar_subquery()
    wanted = select(Theme.id).where(Theme.frozen_at.is_not(None))
    return list(db.session.scalars(wanted.where(func.coalesce(latest <= now - LOOK_AGAIN, True)).order_by(Theme.id)))


def keep_edition(*, theme: Theme, site_url: str, demonstration: bool, now: datetime) -> Edition:
    """Keep what the page says as an edition, unless the last one says the same: then that stood until now."""
    wanted = select(Edition).where(Edition.theme_id == theme.id).order_by(Edition.number.desc()).limit(1)
    last = db.session.scalar(wanted)
    said = report(theme, now)
    content = content_digest(said)
    if last is not None and last.content_sha256 == content:
        last.still_at = now
        return last
    number, size = last.number + 1 if last else 1, log_size()
    about = {"edition": number, "counted_at": now, "log_size": size, "url": address(site_url, theme.slug, number)}
    text = json_text(labelled([said | about], demonstration=demonstration)[0])
    edition = Edition(
        theme_id=theme.id, number=number, kept_at=now, still_at=now, at_size=size, content_sha256=content,
        sha256=_sha256(text), text=text,
    )  # fmt: skip
    db.session.add(edition)
    return edition


def content_digest(said: dict[str, Any]) -> str:
    """Of a report, whenever it was made: it is another one as soon as it says anything else."""
    return _sha256(json_text(said))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def address(site_url: str, slug: str, number: int | None = None) -> str:
    page = f"{site_url}/themes/{slug}/we-asked"
    return page if number is None else f"{page}/{number}"


def theme_and_latest(slug: str) -> tuple[Theme, EditionRow | None]:
    """A theme with the last edition of its report. Raises NotFound."""
    newest = select(func.max(_other.number)).where(_other.theme_id == Theme.id).scalar_subquery()
    wanted = select(Theme, *_COLUMNS).outerjoin(Edition, and_(Edition.theme_id == Theme.id, Edition.number == newest))
    row = db.session.execute(wanted.where(Theme.slug == slug)).one_or_none()
    if row is None:
        raise NotFound("There is no theme at this address.")
    return row[0], EditionRow(*row[1:]) if row.number is not None else None


def editions_of(theme_id: int) -> list[EditionRow]:
    """The newest first."""
    wanted = select(*_COLUMNS).where(Edition.theme_id == theme_id).order_by(Edition.number.desc())
    return [EditionRow(*row) for row in db.session.execute(wanted)]


def edition_with(slug: str, number: int) -> tuple[EditionRow, str]:
    """An edition with its text. Raises NotFound."""
    wanted = select(*_COLUMNS, Edition.text).join(Theme, Theme.id == Edition.theme_id)
    row = db.session.execute(wanted.where(Theme.slug == slug, Edition.number == number)).one_or_none()
    if row is None:
        raise NotFound("There is no such edition of this report.")
    return EditionRow(*row[:-1]), row.text
