"""Mail is a row in the outbox, written with its cause and sent afterwards by the worker, with retries."""

import logging
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from flask import current_app, render_template
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, db, transaction

log = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=5)
KEEP_SENT = timedelta(days=30)
BATCH = 50
SMTP_TIMEOUT_SECONDS = 30


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
    """Put a message into the outbox within the caller's transaction; False when that person already has it.

    ``template`` names templates/mail/<template>.txt and .html; ``cause`` is the id of what the mail is about.
    """
    already = select(Mail.id).filter_by(recipient=to, cause=cause, kind=kind)
    if db.session.scalar(already) is not None:
        return False
    site = current_app.config["SITE"]
    words = {"site": site, "subject": subject, "unsubscribe_url": unsubscribe_url, **given}
    db.session.add(
        Mail(
            recipient=to,
            cause=cause,
            kind=kind,
            message_id=make_msgid(domain=urlsplit(site.url).hostname),
            subject=f"Demonstration: {subject}" if site.demonstration else subject,
            text=render_template(f"mail/{template}.txt", **words),
            html=render_template(f"mail/{template}.html", **words),
            unsubscribe_url=unsubscribe_url,
            written_at=now,
            due_at=now,
        )
    )
    db.session.flush()
    return True


@dataclass(frozen=True)
class Letter:
    """What a carrier needs, free of the database."""

    id: int
    to: str
    message: EmailMessage


def deliver_due(now: datetime) -> int:
    """Send what is due, a batch at a time; returns how many left. Each is marked by itself: a crash repeats one."""
    letters = [_letter(mail) for mail in _due(now)]
    db.session.rollback()
    if not letters:
        return 0
    sent = 0
    for letter in letters:
        error = _carry(letter)
        with transaction():
            _note_what_became_of(letter.id, error, now)
        sent += error is None
    return sent


def _due(now: datetime) -> list[Mail]:
    waiting = Mail.sent_at.is_(None) & Mail.failed_at.is_(None) & (Mail.due_at <= now)
    return list(db.session.scalars(select(Mail).where(waiting).order_by(Mail.due_at, Mail.id).limit(BATCH)))


def _letter(mail: Mail) -> Letter:
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
    return Letter(mail.id, mail.recipient, message)


def _carry(letter: Letter) -> str | None:
    """Hand a letter to the carrier MAIL_URL names; returns what went wrong, without the address."""
    url = urlsplit(current_app.config["SETTINGS"].mail_url)
    if url.scheme == "mailbox":
        return None
    try:
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                url.hostname or "", url.port or 465, timeout=SMTP_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(url.hostname or "", url.port or 25, timeout=SMTP_TIMEOUT_SECONDS)
        with server:
            if url.scheme == "smtp+tls":
                server.starttls(context=ssl.create_default_context())
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.send_message(letter.message)
    except (OSError, smtplib.SMTPException) as error:
        log.warning("Mail %s was not taken: %s", letter.id, type(error).__name__)
        return f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".strip()
    return None


def _note_what_became_of(mail_id: int, error: str | None, now: datetime) -> None:
    mail = db.session.get(Mail, mail_id)
    if mail is None:
        return
    mail.tries += 1
    if error is None:
        mail.sent_at, mail.due_at = now, None
        return
    mail.last_error = error
    if now - mail.written_at > GIVE_UP_AFTER:
        mail.failed_at, mail.due_at = now, None
    else:
        mail.due_at = now + min(FIRST_RETRY * 2 ** (mail.tries - 1), LONGEST_WAIT)


def forget_sent(now: datetime) -> None:
    """What was sent long ago is no longer needed, and it names people."""
    for mail in db.session.scalars(select(Mail).where(Mail.sent_at < now - KEEP_SENT).limit(500)):
        db.session.delete(mail)
