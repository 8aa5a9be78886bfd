"""Reports of letters that came back (RFC 3464), as they lie in the mailbox of MAIL_FROM. Reading them is pure."""

import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from pathlib import Path

from core.sending import note_came_back

NO_SUCH_ADDRESS = re.compile(r"\s*(5\.(?:1\.\d{1,3}|2\.1))\b")
"""The status (RFC 3463) of an address that is not there, or is disabled. A full mailbox may have room tomorrow."""


@dataclass(frozen=True)
class Bounce:
    """A letter of which its report says that the address takes no mail."""

    message_id: str
    status: str


@dataclass(frozen=True)
class Noted:
    """Of the mails in a file: how many say that an address takes no mail, and how many of those were our letters."""

    mails: int
    bounces: int
    ours: int


def mails_in(file: Path) -> Iterator[Message]:
    """Of an mbox, or the one mail that a file holds."""
    with file.open("rb") as content:
        is_mbox = content.read(5) == b"From "
    if is_mbox:
        box = mailbox.mbox(file, create=False)
        try:
            yield from box
        finally:
            box.close()
    else:
        yield message_from_bytes(file.read_bytes())


def bounce_in(mail: Message) -> Bounce | None:
    """None for whatever else people send to that address, and for what was only late."""
    status, message_id = "", ""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            status = status or _failed(part)
        elif kind == "message/rfc822" and isinstance(part.get_payload(), list):
            message_id = message_id or _id(part.get_payload()[0])  # type: ignore[index,arg-type]
        elif kind == "text/rfc822-headers":
            headers = part.get_payload(decode=True)
            words = headers.decode("utf-8", "replace") if isinstance(headers, bytes) else ""
            message_id = message_id or _id(message_from_string(words))
    return Bounce(message_id, status) if status and message_id else None


def _failed(part: Message) -> str:
    """The status of the first recipient that was given up, in a report's groups of fields."""
    groups = part.get_payload()
    for fields in groups if isinstance(groups, list) else ():
        found = NO_SUCH_ADDRESS.match(str(fields.get("Status", "")))  # type: ignore[union-attr]
        if found and str(fields.get("Action", "")).strip().lower() == "failed":  # type: ignore[union-attr]
            return found[1]
    return ""


def _id(letter: Message) -> str:
    return "".join(str(letter.get("Message-ID", "")).split())


def note_bounces(file: Path) -> Noted:
    """By the Message-ID alone, which nobody knows but who got the letter; a report twice counts once."""
    mails = [bounce_in(mail) for mail in mails_in(file)]
    bounces = [bounce for bounce in mails if bounce is not None]
    ours = sum(note_came_back([bounce.message_id], bounce.status) for bounce in bounces)
    return Noted(len(mails), len(bounces), ours)
