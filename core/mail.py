"""Mail is a row in the outbox, written with its cause and sent afterwards by the worker, with retries."""

import logging
import re
import smtplib
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import Flask, current_app, render_template
from sqlalchemy import UniqueConstraint, delete, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, db, transaction

log = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=5)
KEEP_SENT = timedelta(days=30)
BATCH = 50
WRITTEN_AT_ONCE = 400
SMTP_TIMEOUT_SECONDS = 30
CLAIM = timedelta(minutes=5)
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


@dataclass(frozen=True)
class Enclosure:
    """A file that goes with a letter. It is made when the letter leaves, and kept nowhere."""

    name: str
    json: str


def enclose(app: Flask, kind: str, make: Callable[[str], Enclosure | None]) -> None:
    """Let each letter of a kind take along what ``make`` answers to its cause, or nothing where that is None."""
    app.extensions.setdefault("enclosures", {})[kind] = make


def enclosure_of(mail: Mail) -> Enclosure | None:
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


@dataclass(frozen=True)
class Letter:
    """What a carrier needs, free of the database."""

    id: int
    message: EmailMessage


class Refused(Exception):
    """A letter was not taken. Says why without naming the address."""

    def __init__(self, error: Exception):
        super().__init__(f"{type(error).__name__} {_smtp_code(error) or ''}".strip())
        self.for_good = isinstance(error, smtplib.SMTPRecipientsRefused) and (_smtp_code(error) or 0) >= 500
        self.by_all = isinstance(error, OSError) and not isinstance(
            error, smtplib.SMTPRecipientsRefused | smtplib.SMTPSenderRefused | smtplib.SMTPDataError
        )
        """True when the server itself could not be reached, so that another letter would fare no better."""


def deliver_due(now: datetime) -> int:
    """Send what is due, at most a batch; returns how many left. Several workers share the work between them.

    Each letter is claimed, handed over and marked by itself. A crash in between sends it again after the claim has
    lapsed, under the Message-ID it had, by which mail programs know it for the same.
    """
    waiting = Mail.sent_at.is_(None) & Mail.failed_at.is_(None) & (Mail.due_at <= now)
    # Who waits for a way in goes before those who are told of something, however many they are.
    turn = (Mail.unsubscribe_url.is_not(None), Mail.due_at, Mail.id)
    due = list(db.session.scalars(select(Mail.id).where(waiting).order_by(*turn).limit(BATCH)))
    db.session.rollback()
    sent = 0
    for id in due:
        with transaction():
            letter = _claim(id, now)
        if letter is None:
            continue
        refused = _carry(letter)
        with transaction():
            _note_what_became_of(id, refused, now)
        sent += refused is None
        if refused and refused.by_all:
            break
    return sent


def _claim(id: int, now: datetime) -> Letter | None:
    """Keep other workers off a letter for as long as handing it over may take; None when one of them has it."""
    mail = db.session.get(Mail, id, with_for_update=True)
    if mail is None or mail.due_at is None or mail.due_at > now:
        return None
    mail.due_at = now + CLAIM
    try:
        return Letter(mail.id, _message(mail))
    except ValueError as error:
        log.error("Mail %s cannot be put into form: %s", id, type(error).__name__)
        mail.failed_at, mail.due_at, mail.last_error = now, None, type(error).__name__
        return None


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"] = current_app.config["SETTINGS"].mail_from
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.written_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    enclosed = enclosure_of(mail)
    if enclosed is not None:
        message.add_attachment(enclosed.json.encode(), maintype="application", subtype="json", filename=enclosed.name)
    return message


def _carry(letter: Letter) -> Refused | None:
    """Hand a letter to the carrier MAIL_URL names."""
    url = urlsplit(current_app.config["SETTINGS"].mail_url)
    if url.scheme == "mailbox":
        return None
    try:
        with _server(url) as server:
            server.send_message(letter.message)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        refused = Refused(error)
        log.warning("Mail %s was not taken: %s", letter.id, refused)
        return refused
    return None


def _server(url: SplitResult) -> smtplib.SMTP:
    host, encrypted = url.hostname or "", ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=SMTP_TIMEOUT_SECONDS, context=encrypted)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=SMTP_TIMEOUT_SECONDS)
    try:
        if url.scheme == "smtp+tls":
            server.starttls(context=encrypted)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _smtp_code(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((code for code, _ in error.recipients.values()), default=None)
    return getattr(error, "smtp_code", None)


def _note_what_became_of(mail_id: int, refused: Refused | None, now: datetime) -> None:
    mail = db.session.get(Mail, mail_id)
    if mail is None:
        return
    mail.tries += 1
    if refused is None:
        mail.sent_at, mail.due_at = now, None
        if mail.kind == LAST:
            _forget_whom_it_went_to(mail)
        elif not current_app.config["SITE"].demonstration:
            mail.text = mail.html = ""  # it may hold a way in, which only its reader should have
        return
    mail.last_error = str(refused)
    if refused.for_good or now - mail.written_at > GIVE_UP_AFTER:
        mail.failed_at, mail.due_at = now, None
        mail.text = mail.html = ""
        if mail.kind == LAST:
            db.session.delete(mail)
    else:
        mail.due_at = now + min(FIRST_RETRY * 2 ** min(mail.tries - 1, 12), LONGEST_WAIT)


def _forget_whom_it_went_to(mail: Mail) -> None:
    """The demo mailbox, which is all the post there is, keeps the letter under nobody's name."""
    if urlsplit(current_app.config["SETTINGS"].mail_url).scheme == "mailbox":
        mail.recipient = NOBODY
    else:
        db.session.delete(mail)


def forget_sent(now: datetime) -> None:
    """What was sent, or given up, long ago is no longer needed, and it names people."""
    ended = func.coalesce(Mail.sent_at, Mail.failed_at)
    for mail in db.session.scalars(select(Mail).where(ended < now - KEEP_SENT).limit(500)):
        db.session.delete(mail)


def forget_mails_to(recipient: str) -> None:
    """Whatever was written to somebody who is forgotten, sent or not."""
    db.session.execute(delete(Mail).where(Mail.recipient == recipient))
