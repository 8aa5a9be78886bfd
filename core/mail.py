"""Mail is a row in the outbox, written with its cause and sent afterwards by the worker: see core.sending."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, render_template
from sqlalchemy import UniqueConstraint, delete, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, db

KEEP_SENT = timedelta(days=30)
WRITTEN_AT_ONCE = 400
LAST = "erased"
"""The kind of the letter that tells somebody they are forgotten: with it goes the address it was sent to."""
NOBODY = "somebody who was erased"


class Mail(Model):
    """One message to one person for one cause. In a demonstration it stays here, as the demo mailbox."""

    __tablename__ = "mail"
    __table_args__ = (UniqueConstraint("recipient", "cause", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(index=True)
    cause: Mapped[str]
    kind: Mapped[str]
    message_id: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    unsubscribe_url: Mapped[str | None]
    written_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    """Why it was not taken, or why it came back, as core.sending says it."""


@dataclass(frozen=True)
class Enclosure:
    """A file that goes with a letter. It is made when the letter leaves, and kept nowhere."""

    name: str
    json: str


def enclose(app: Flask, kind: str, make: Callable[[str], Enclosure | None]) -> None:
    """Let each letter of a kind take along what ``make`` answers to its cause, or nothing where that is None."""
    app.extensions.setdefault("enclosures", {})[kind] = make


def enclosure_of(mail: Any) -> Enclosure | None:
    """``mail`` is a Mail, or a row of its columns."""
    make = current_app.extensions.get("enclosures", {}).get(mail.kind)
    return make(mail.cause) if make else None


@dataclass(frozen=True)
class Message:
    """What somebody is told, for one cause. Messages that share their ``words`` are rendered once for all."""

    to: str
    cause: str
    """The id of what the mail is about."""
    kind: str
    subject: str
    template: str
    """Names templates/mail/<template>.txt and .html."""
    words: Mapping[str, object]
    unsubscribe_url: str | None = None


def write_mail(
    *,
    to: str,
    cause: str,
    kind: str,
    subject: str,
    template: str,
    now: datetime,
    unsubscribe_url: str | None = None,
    **given: object,
) -> bool:
    """Put a message into the outbox within the caller's transaction; False when that person already has it."""
    return write_mails([Message(to, cause, kind, subject, template, given, unsubscribe_url)], now=now) == 1


def write_mails(messages: Iterable[Message], *, now: datetime) -> int:
    """The same for many, in two statements for every few hundred; returns how many were not there already."""
    site = current_app.config["SITE"]
    rendered: dict[tuple[str, str, int], dict[str, Any]] = {}
    wanted = {(message.to, message.cause, message.kind): message for message in messages}
    written = 0
    keys = list(wanted)
    for begin in range(0, len(keys), WRITTEN_AT_ONCE):
        some = keys[begin : begin + WRITTEN_AT_ONCE]
        there = _there_already(some)
        new = [wanted[key] for key in some if key not in there]
        rows = [
            _rendered(message, rendered)
            | {
                "recipient": message.to,
                "cause": message.cause,
                "kind": message.kind,
                "message_id": make_msgid(domain=urlsplit(site.url).hostname),
                "unsubscribe_url": message.unsubscribe_url,
                "written_at": now,
                "due_at": now,
                "tries": 0,
                "last_error": "",
            }
            for message in new
        ]
        if rows:
            db.session.execute(insert(Mail), rows)
        written += len(rows)
    return written


def _there_already(keys: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    recipients, causes, kinds = (set(column) for column in zip(*keys, strict=True))
    wanted = select(Mail.recipient, Mail.cause, Mail.kind).where(
        Mail.recipient.in_(recipients), Mail.cause.in_(causes), Mail.kind.in_(kinds)
    )
    return {(row.recipient, row.cause, row.kind) for row in db.session.execute(wanted)}


def _rendered(message: Message, rendered: dict[tuple[str, str, int], dict[str, Any]]) -> dict[str, Any]:
    key = (message.template, message.subject, id(message.words))
    if key not in rendered or message.unsubscribe_url:
        site = current_app.config["SITE"]
        said = {"subject": message.subject, "unsubscribe_url": message.unsubscribe_url, **message.words}
        rendered[key] = {
            "subject": f"Demonstration: {message.subject}" if site.demonstration else message.subject,
            "text": _without_gaps(render_template(f"mail/{message.template}.txt", site=site, **said)),
            "html": render_template(f"mail/{message.template}.html", site=site, **said),
        }
    return rendered[key]


def _without_gaps(text: str) -> str:
    """A template's blocks and branches leave blank lines where they stood."""
    return re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", text).strip("\n") + "\n"


def forget_sent(now: datetime) -> None:
    """What was sent, or given up, long ago is no longer needed, and it names people."""
    ended = func.coalesce(Mail.sent_at, Mail.failed_at)
    for mail in db.session.scalars(select(Mail).where(ended < now - KEEP_SENT).limit(500)):
        db.session.delete(mail)


def forget_unsent(recipient: str, unsubscribe_url: str) -> None:
    """What was written to somebody and has not left yet, of all mail that one address in it ends."""
    ended = (Mail.recipient == recipient, Mail.unsubscribe_url == unsubscribe_url, Mail.sent_at.is_(None))
    db.session.execute(delete(Mail).where(*ended))


def forget_mails_to(recipient: str) -> None:
    """Whatever was written to somebody who is forgotten, sent or not."""
    db.session.execute(delete(Mail).where(Mail.recipient == recipient))
