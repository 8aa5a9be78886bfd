"""Reads the record for those it concerns: a receipt for each vote at once, and a notice of what they wait for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from flask import current_app
from sqlalchemy import select

from accounts.models import Account
from audit.followers import Step
from core import clock
from core.db import db
from core.mail import Enclosure, Message, write_mails
from notices.audience import note
from notices.happenings import happenings
from regulations.models import Regulation
from voting.models import Receipt, Vote
from voting.receipts import file_name, receipt_file, receipt_for, standing_of

RECEIPT = "receipt"


class NoticesFollower:
    """A mail is a row, unique per recipient, cause and kind, and so is a notice: being told twice sends nothing twice.

    What is sent is read by the entry's id; whose vote or address was erased meanwhile is passed over.
    """

    name = "notices"
    keeps_outside = False

    def follow(self, steps: Sequence[Step], now: datetime) -> None:
        self.look_ahead(steps, now)(steps, now)

    def look_ahead(self, steps: Sequence[Step], now: datetime) -> Callable[[Sequence[Step], datetime], None]:
        """Whom it concerns is found before anybody has to wait, however many searches are followed."""
        found = list(happenings(steps, now))

        def follow(steps: Sequence[Step], now: datetime) -> None:
            write_mails(_receipts({step.id: step.idx for step in steps if step.type == "vote"}), now=now)
            for happening in found:
                note(happening, now)

        return follow

    def forget(self) -> None:
        """Nothing is derived that could be built anew: what was sent stays sent."""


def _receipts(entries: Mapping[str, int]) -> Iterator[Message]:
    """For entries by id, with their places."""
    if not entries:
        return
    site = current_app.config["SITE"]
    wanted = (
        select(Receipt.entry_id, Receipt.secret, Account.email, Regulation.title, Regulation.slug)
        .select_from(Receipt)
        .join(Vote, Vote.id == Receipt.vote_id)
        .join(Account, Account.id == Vote.account_id)
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .where(Receipt.entry_id.in_(entries.keys()), Account.email.is_not(None))
        .order_by(Receipt.id)
    )
    for row in db.session.execute(wanted).all():
        yield Message(
            to=row.email or "",
            cause=row.entry_id,
            kind=RECEIPT,
            subject="Your vote is counted",
            template="receipt",
            words={
                "regulation_title": row.title,
                "receipt_url": f"{site.url}/receipts/{row.secret}",
                "regulation_url": f"{site.url}/regulations/{row.slug}",
                "line": f"{entries[row.entry_id]:,}",
                "line_url": f"{site.url}/record/{row.entry_id}",
                "file_name": file_name(row.entry_id),
            },
        )


def enclose_receipt(entry_id: str) -> Enclosure | None:
    """The receipt file, with the proof as it is when the letter leaves."""
    found = receipt_for(entry_id)
    if found is None:
        return None
    return Enclosure(file_name(entry_id), receipt_file(found, standing_of(found, clock.now())))
