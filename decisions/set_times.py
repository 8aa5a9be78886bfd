"""Decisions that are approved and wait for the time at which they are to be published."""

from datetime import datetime

from sqlalchemy import select

from core.db import db
from core.errors import RuleBroken
from decisions.models import Decision, Draft
from decisions.rules import DraftStatus
from decisions.services import digest_of, publish, send_back

THE_SITE = "The site, at the time set"


def due(now: datetime) -> list[int]:
    """The drafts whose time has come."""
    wanted = select(Draft.id).where(Draft.status == DraftStatus.APPROVED, Draft.publish_at <= now)
    return list(db.session.scalars(wanted.order_by(Draft.publish_at, Draft.id)))


def publish_due(*, draft_id: int, now: datetime, demonstration: bool) -> Decision | None:
    """Publish one whose time has come; None where another worker, or an edit, came first.

    Raises RuleBroken when it cannot be published as it was approved.
    """
    draft = _still_due(draft_id, now)
    if draft is None or draft.approved_by is None:
        return None
    if digest_of(draft, draft.approved_by) != draft.approved_digest:
        raise RuleBroken("What it cites or answers has changed since it was approved. Read it again and submit it.")
    return publish(draft=draft, by=draft.approved_by, now=now, demonstration=demonstration)


def send_back_due(*, draft_id: int, why: str, now: datetime) -> None:
    """What could not be published goes back to its author with the reason."""
    draft = _still_due(draft_id, now)
    if draft is not None:
        send_back(draft, f"It could not be published at the time set. {why}", THE_SITE, now)


def _still_due(draft_id: int, now: datetime) -> Draft | None:
    """Kept from everybody else until the transaction ends."""
    wanted = select(Draft).where(Draft.id == draft_id, Draft.status == DraftStatus.APPROVED, Draft.publish_at <= now)
    return db.session.scalar(wanted.with_for_update(of=Draft).execution_options(populate_existing=True))
