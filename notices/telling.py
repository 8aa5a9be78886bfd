"""Writes the mails for notices that are due: one by one as things happen, or all of a person's together once a day.

The mail and the mark that it was told are one transaction, so a worker killed anywhere resumes and repeats nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import delete, select, update

from accounts.models import Account
from core.db import db, take_turn, transaction
from core.mail import Message, write_mails
from notices.models import Hearing, Notice
from notices.rules import How, Told, next_digest
from notices.services import hearings_of, way_out
from notices.wording import worded

PEOPLE_AT_ONCE = 40
"""Few enough that nobody who votes meanwhile waits long for their turn to write."""
DIGEST = "digest"


def tell_due(now: datetime) -> int:
    """Write to some of those who are to hear by now; returns how many notices were told, dropped or put off."""
    due = Notice.told_at.is_(None) & (Notice.due_at <= now)
    some = db.session.scalar(select(Notice.id).where(due).limit(1))
    db.session.rollback()
    if some is None:
        return 0
    with transaction():
        take_turn("telling")
        people = list(
            db.session.scalars(
                select(Notice.account_id).where(due).distinct().order_by(Notice.account_id).limit(PEOPLE_AT_ONCE)
            )
        )
        return _tell(people, now) if people else 0


def _tell(people: list[int], now: datetime) -> int:
    hearings = hearings_of(people)
    emails = {row.id: row.email for row in db.session.execute(_addresses(people))}
    hear = [id for id in people if _hears(hearings[id], emails.get(id))]
    untold = (Notice.told_at.is_(None), Notice.due_at <= now, Notice.account_id.in_(people))
    found = db.session.execute(
        select(*Notice.__table__.columns).where(*untold).order_by(Notice.account_id, Notice.id)
    ).all()
    dropped = [row.id for row in found if row.account_id not in hear]
    if dropped:
        db.session.execute(delete(Notice).where(Notice.id.in_(dropped)))
    told = [row for row in found if row.account_id in hear]
    later = [row.id for row in told if _is_put_off(row, hearings[row.account_id], now)]
    if later:
        db.session.execute(update(Notice).where(Notice.id.in_(later)).values(due_at=next_digest(now)))
        told = [row for row in told if row.id not in set(later)]
    write_mails(_messages(told, hearings, emails, now), now=now)
    if told:
        db.session.execute(update(Notice).where(Notice.id.in_([row.id for row in told])).values(told_at=now))
    for id in {row.account_id for row in told if not _at_once(row)}:
        hearings[id].last_digest_at = now
    return len(found)


def _addresses(people: list[int]) -> Any:
    return select(Account.id, Account.email).where(Account.id.in_(people), Account.email.is_not(None))


def _hears(hearing: Hearing, email: str | None) -> bool:
    return email is not None and hearing.how != How.NEVER and hearing.bounced_at is None


def _at_once(notice: Any) -> bool:
    return notice.due_at <= notice.made_at


def _is_put_off(notice: Any, hearing: Hearing, now: datetime) -> bool:
    """Who has had today's mail gets no second one; what came too late for it waits for tomorrow's."""
    last = hearing.last_digest_at
    return not _at_once(notice) and last is not None and now < next_digest(last)


def _messages(
    told: Sequence[Any], hearings: dict[int, Hearing], emails: dict[int, str], now: datetime
) -> Iterator[Message]:
    words = worded(told, now)
    for id, rows in groupby(told, key=lambda row: row.account_id):
        mine = list(rows)
        together = [row for row in mine if not _at_once(row)]
        for some in [*([row] for row in mine if _at_once(row)), together]:
            pairs = [(row, words[row.id]) for row in some if row.id in words]
            if pairs:
                yield _message(pairs, emails[id], way_out(hearings[id]))


def _message(pairs: Sequence[tuple[Any, Told]], to: str, stop_url: str) -> Message:
    """What is told alone keeps its own kind and cause, also in a daily mail."""
    alone = len(pairs) == 1
    first, told = pairs[0]
    return Message(
        to=to,
        cause=first.cause if alone else f"notices from {first.id}",
        kind=first.kind if alone else DIGEST,
        subject=f"{told.heading} – {told.about}" if alone else f"{len(pairs)} pieces of news on regulations",
        template="notices",
        words={"items": [item for _, item in pairs]},
        unsubscribe_url=stop_url,
    )
