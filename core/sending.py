"""Letters leave the outbox: a few at a time over one connection, each marked as soon as may be after it was taken."""

import hashlib
import logging
import re
import smtplib
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import current_app
from sqlalchemy import select, update

from core.db import db, transaction
from core.mail import LAST, NOBODY, Mail, enclosure_of

log = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=5)
BATCH = 50
MARKED_TOGETHER = 10
"""So many letters at most are sent again, under the Message-IDs they had, when a worker dies before it marks them."""
MARK_WITHIN_SECONDS = 1.0
BATCH_SECONDS = 5.0
"""Then the rest of a batch is let go: with a slow server nobody who waits for a way in waits for all of it."""
SMTP_TIMEOUT_SECONDS = 30
ENDS_THE_CONNECTION = 421
CLAIM = timedelta(minutes=5)
"""Longer than a batch can take, its last letter waiting for an answer at every step included."""

NO_SUCH_ADDRESS = re.compile(rb"^5\.(?:1\.\d+|2\.1)\b")
"""The enhanced status of an address that takes no mail (RFC 3463): it is not there, or it is disabled."""
NOT_ABOUT_THE_ADDRESS = re.compile(rb"^5\.7\.\d+\b")
"""That of a server's policy against the sender, which may change: our network is listed, or we may not relay."""
REFUSED_FOR_GOOD = "Refused for good:"
"""What Mail.last_error begins with where an address takes no mail."""


class Refused(Exception):
    """A letter was not taken. Says why without naming the address."""

    def __init__(self, error: Exception):
        code, words = _answer_to(error)
        self.for_good = code >= 500 and (
            not NOT_ABOUT_THE_ADDRESS.match(words)
            if isinstance(error, smtplib.SMTPRecipientsRefused)
            else isinstance(error, smtplib.SMTPDataError) and bool(NO_SUCH_ADDRESS.match(words))
        )
        """The address takes no mail. Some servers say so of a recipient, others only once they have the letter."""
        self.by_all = isinstance(error, OSError) and not isinstance(
            error, smtplib.SMTPRecipientsRefused | smtplib.SMTPSenderRefused | smtplib.SMTPDataError
        )
        """True when the server itself could not be reached, so that another letter would fare no better."""
        said = f"{type(error).__name__} {code or ''}".strip()
        super().__init__(f"{REFUSED_FOR_GOOD} {said}" if self.for_good else said)


def _answer_to(error: Exception) -> tuple[int, bytes]:
    """The server's code, 0 where there was none, and its words, which may name the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min(error.recipients.values(), default=(0, b""))
    words = getattr(error, "smtp_error", b"")
    return getattr(error, "smtp_code", None) or 0, words if isinstance(words, bytes) else str(words).encode()


@dataclass
class _Batch:
    """Letters that one worker has claimed, and what became of those it has come to."""

    now: datetime
    waiting: list[int]
    unmarked: list[tuple[int, Exception | None]] = field(default_factory=list)
    marked_at: float = field(default_factory=time.monotonic)
    sent: int = 0

    def note(self, id: int, refused: Exception | None) -> None:
        self.unmarked.append((id, refused))
        self.sent += refused is None
        if len(self.unmarked) >= MARKED_TOGETHER or time.monotonic() - self.marked_at > MARK_WITHIN_SECONDS:
            self.mark()

    def mark(self) -> None:
        if self.unmarked:
            with transaction():
                for id, refused in self.unmarked:
                    _note_what_became_of(id, refused, self.now)
            self.unmarked = []
        self.marked_at = time.monotonic()

    def let_go(self) -> None:
        """What was not come to is nobody's claim any more."""
        if self.waiting:
            with transaction():
                untouched = (Mail.id.in_(self.waiting), Mail.due_at == self.now + CLAIM)
                db.session.execute(update(Mail).where(*untouched).values(due_at=self.now))


def deliver_due(now: datetime) -> int:
    """Send what is due, at most a batch; returns how many left. Several workers share the work between them.

    Letters are claimed together and marked a few at a time once they are taken. A crash in between sends those few
    again after the claim has lapsed, under the Message-IDs they had, by which mail programs know them for the same.
    """
    batch = _Batch(now, _claim(now))
    if not batch.waiting:
        return 0
    ends = time.monotonic() + BATCH_SECONDS
    try:
        with _post() as post:
            try:
                while batch.waiting and time.monotonic() < ends and _send(batch, post):
                    pass
            finally:
                batch.mark()  # before the connection is closed, which may take its time
    finally:
        batch.let_go()
    return batch.sent


def _claim(now: datetime) -> list[int]:
    """Keep other workers off a batch for as long as sending it may take."""
    waiting = Mail.sent_at.is_(None) & Mail.failed_at.is_(None) & (Mail.due_at <= now)
    # Who waits for a way in goes before those who are told of something, however many they are.
    turn = (Mail.unsubscribe_url.is_not(None), Mail.due_at, Mail.id)
    some = db.session.scalar(select(Mail.id).where(waiting).limit(1))
    db.session.rollback()
    if some is None:
        return []
    with transaction():
        wanted = select(Mail.id).where(waiting).order_by(*turn).limit(BATCH).with_for_update(skip_locked=True)
        ids = list(db.session.scalars(wanted))
        db.session.execute(update(Mail).where(Mail.id.in_(ids)).values(due_at=now + CLAIM))
    return ids


def _send(batch: _Batch, post: "_Post | None") -> bool:
    """Send the next letter of a batch; False when no other would fare better."""
    id = batch.waiting.pop(0)
    mail = db.session.execute(select(*Mail.__table__.columns).where(Mail.id == id)).one_or_none()
    try:
        letter = _message(mail) if mail is not None else None
    except ValueError as error:
        log.error("Mail %s cannot be put into form: %s", id, type(error).__name__)
        batch.note(id, error)
        return True
    finally:
        db.session.rollback()
    if letter is None:
        return True  # it was deleted meanwhile: its reader wants no more of it, or is forgotten
    try:
        if post is not None:
            post.carry(letter)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        refused = Refused(error)
        log.warning("Mail %s was not taken: %s", id, refused)
        batch.note(id, refused)
        return not refused.by_all
    batch.note(id, None)
    return True


def _message(mail: Any) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
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
    # Nobody knew it when the words were written. Left to itself the library compiles a pattern for each letter.
    message.set_boundary("=_" + hashlib.sha256(mail.message_id.encode()).hexdigest()[:40])
    return message


@dataclass
class _Post:
    """A connection to the server MAIL_URL names, opened when the first letter needs it, and anew once it was lost."""

    url: SplitResult
    server: smtplib.SMTP | None = None

    def carry(self, letter: EmailMessage) -> None:
        if self.server is not None:
            try:
                self.server.send_message(letter)
            except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
                if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code != ENDS_THE_CONNECTION:
                    raise
                self.server.close()  # it was old, or had brought as many letters as the server takes in one
                self.server = None
            else:
                return
        self.server = _server(self.url)
        self.server.send_message(letter)

    def close(self) -> None:
        if self.server is not None:
            try:
                self.server.quit()
            except (OSError, smtplib.SMTPException):
                self.server.close()


@contextmanager
def _post() -> Iterator[_Post | None]:
    """None where letters stay in the mailbox of a demonstration."""
    url = urlsplit(current_app.config["SETTINGS"].mail_url)
    if url.scheme == "mailbox":
        yield None
        return
    post = _Post(url)
    try:
        yield post
    finally:
        post.close()


def _server(url: SplitResult) -> smtplib.SMTP:
    host = url.hostname or ""
    if url.scheme == "smtps":
        encrypted = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=SMTP_TIMEOUT_SECONDS, context=encrypted)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=SMTP_TIMEOUT_SECONDS)
    try:
        if url.scheme == "smtp+tls":
            server.starttls(context=ssl.create_default_context())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _note_what_became_of(mail_id: int, refused: Exception | None, now: datetime) -> None:
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
    will_never_leave = not isinstance(refused, Refused) or refused.for_good
    mail.last_error = str(refused) if isinstance(refused, Refused) else type(refused).__name__
    if will_never_leave or now - mail.written_at > GIVE_UP_AFTER:
        mail.failed_at, mail.due_at = now, None
        mail.text = mail.html = ""
        if mail.kind == LAST:
            db.session.delete(mail)
    else:
        mail.due_at = now + min(FIRST_RETRY * 2 ** min(mail.tries - 1, 12), LONGEST_WAIT)


def note_came_back(message_ids: Sequence[str], status: str) -> int:
    """Of letters that were taken and came back, since their address takes no mail: as if it had been refused then."""
    mails = db.session.scalars(select(Mail).where(Mail.message_id.in_(message_ids), Mail.sent_at.is_not(None))).all()
    for mail in mails:
        mail.failed_at, mail.sent_at = mail.sent_at, None
        mail.last_error = f"{REFUSED_FOR_GOOD} came back {status}"
    return len(mails)


def _forget_whom_it_went_to(mail: Mail) -> None:
    """The demo mailbox, which is all the post there is, keeps the letter under nobody's name."""
    if urlsplit(current_app.config["SETTINGS"].mail_url).scheme == "mailbox":
        mail.recipient = NOBODY
    else:
        db.session.delete(mail)
