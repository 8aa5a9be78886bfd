"""Reading the record."""

import base64
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, func, literal, select, union_all

from audit import merkle
from audit.entries import KeyRotate, LogOpen
from audit.keys import LOG, PROMISE
from audit.models import Entry, FollowerCursor, LogHead, Opening
from audit.tiles import MissingTile, log_folder
from core.db import db

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """One entry as readers see it. ``idx`` is None while it waits for its place."""

    id: str
    idx: int | None
    type: str
    item: str | None
    at: datetime
    said: dict[str, Any]


COLUMNS = (Entry.id, Entry.idx, Entry.type, Entry.item, Entry.t.label("hour"), Entry.body)


def read(body: bytes) -> dict[str, Any]:
    return json.loads(body)


def said_in(body: bytes) -> dict[str, Any]:
    """What an entry says: nothing where somebody made it unreadable, so that the rest can still be read."""
    try:
        said = read(body)
    except (ValueError, TypeError):
        return {}
    return said if type(said) is dict else {}


def line(row: Any) -> Line:
    return Line(row.id, row.idx, row.type, row.item, datetime.fromtimestamp(row.hour, UTC), said_in(row.body))


def is_opened() -> bool:
    return db.session.scalar(select(Entry.seq).order_by(Entry.seq).limit(1)) is not None


def log_size() -> int:
    """How many entries have their place."""
    highest = db.session.scalar(select(func.max(Entry.idx)))
    return 0 if highest is None else highest + 1


def root_at(size: int) -> bytes:
    """The Merkle tree hash over the first so many entries: 32 bytes, from the tiles as far as they are signed."""
    signed = head()
    if signed is not None and size <= signed.size:
        try:
            return log_folder().root(size, within=signed.size)
        except MissingTile:
            log.warning("The tiles of the log are not whole; the root of %s lines is computed from the entries.", size)
    leaves = select(Entry.leaf).where(Entry.idx < size).order_by(Entry.idx)
    return merkle.root(db.session.scalars(leaves))


@dataclass(frozen=True)
class Head:
    """How far the log is signed. ``note`` is the checkpoint with the log's own signature, None before the first."""

    origin: str
    size: int
    note: str | None
    signed_at: datetime | None
    refusal: str | None
    """Why nothing is signed any more, in a sentence; None while all is well."""


def head() -> Head | None:
    """None while the record has not been opened."""
    wanted = select(LogHead.origin, LogHead.size, LogHead.note, LogHead.signed_at, LogHead.refusal)
    row = db.session.execute(wanted).one_or_none()
    return None if row is None else Head(**row._mapping)


def refusal() -> str | None:
    """Why the record is not signed any more, and so takes nothing new; None while all is well."""
    return db.session.scalar(select(LogHead.refusal))


def log_keys() -> list[bytes]:
    """The public keys that have spoken for the log, 32 bytes each, the one that does now last."""
    return keys_named()[LOG]


def keys_named() -> dict[str, list[bytes]]:
    """The same for the log and for its promises."""
    named = select(Entry.body).where(Entry.type.in_((LogOpen.type, KeyRotate.type))).order_by(Entry.seq)
    keys: dict[str, list[bytes]] = {LOG: [], PROMISE: []}
    for body in db.session.scalars(named):
        try:
            said = read(body)
            opens = said["type"] == LogOpen.type
            new = {LOG: said["log_key"], PROMISE: said["promise_key"]} if opens else {said["which"]: said["new"]}
            for which, key in new.items():
                keys.setdefault(which, []).append(base64.b64decode(key))
        except (ValueError, KeyError, TypeError):
            continue  # tampered with: nothing is signed over it, and pages must still be there to say so
    return keys


def latest_time() -> int:
    """The hour of the last entry that has its place, in seconds since 1970; 0 for an empty log."""
    last = select(Entry.t).where(Entry.idx.is_not(None)).order_by(Entry.idx.desc()).limit(1)
    return db.session.scalar(last) or 0


def some_wait() -> bool:
    return db.session.scalar(select(Entry.seq).where(Entry.idx.is_(None)).order_by(Entry.seq).limit(1)) is not None


def entry_line(entry_id: str) -> Line | None:
    row = db.session.execute(select(*COLUMNS).where(Entry.id == entry_id)).one_or_none()
    return None if row is None else line(row)


def entry_bytes(entry_id: str) -> tuple[bytes, bytes] | None:
    """The entry's exact bytes and its leaf hash."""
    row = db.session.execute(select(Entry.body, Entry.leaf).where(Entry.id == entry_id)).one_or_none()
    return None if row is None else (row.body, row.leaf)


def openings_of(entry_id: str) -> dict[str, str]:
    """The texts an entry's commitments stand for, by field; a field that was erased is absent."""
    rows = db.session.execute(select(Opening.field, Opening.text).where(Opening.entry_id == entry_id))
    return {row.field: row.text for row in rows}


def positions() -> str:
    """How far each follower has read and the log is signed, as one word: it changes whenever something derived does."""
    signed = select(literal(""), case((LogHead.refusal.is_(None), LogHead.size), else_=-1))
    cursors = union_all(select(FollowerCursor.name.label("name"), FollowerCursor.position), signed)
    return ".".join(str(row[1]) for row in db.session.execute(cursors.order_by("name")))


def opened_as_demonstration() -> bool | None:
    """What log.open says of itself; None while there is no record."""
    first = db.session.scalar(select(Entry.body).where(Entry.type == LogOpen.type).limit(1))
    return None if first is None else bool(read(first)["demonstration"])


def folded_position(follower: str = "tally") -> tuple[int, datetime | None]:
    """How many entries a follower has read, and when it last moved."""
    cursor = db.session.execute(
        select(FollowerCursor.position, FollowerCursor.moved_at).where(FollowerCursor.name == follower)
    ).one_or_none()
    return (0, None) if cursor is None else (cursor.position, cursor.moved_at)
