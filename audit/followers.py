"""Followers read the record in order and keep what is derived from it: tallies, the search index, notices.

Each keeps a cursor in the log. Killed anywhere, it resumes; forgotten, it starts again from the first line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import select

from audit.models import Entry, FollowerCursor
from audit.queries import read
from core import clock
from core.db import db, take_turn, transaction

BATCH = 500


@dataclass(frozen=True)
class Step:
    """One entry as followers see it, with the private row it is about."""

    idx: int
    id: str
    type: str
    item: str | None
    said: dict[str, Any]
    about_kind: str | None
    about_id: int | None


class Follower(Protocol):
    name: str
    keeps_outside: bool
    """True when what it keeps is not in the database: it must then bear being told the same entries twice."""

    def follow(self, steps: Sequence[Step], now: datetime) -> None:
        """Take in entries, in order, none left out."""

    def forget(self) -> None:
        """Drop everything derived, so that reading from the first line builds it anew."""


@runtime_checkable
class LooksAhead(Protocol):
    """A follower that finds out beforehand what would keep other writers waiting."""

    def look_ahead(self, steps: Sequence[Step], now: datetime) -> Callable[[Sequence[Step], datetime], None]:
        """Read, outside of any transaction; returns what follow() would do, with this found already."""


def catch_up(followers: Sequence[Follower]) -> int:
    """Let every follower read to the end of the log; returns how many entries were taken in, over all."""
    return sum(_catch_up(follower) for follower in followers)


def _catch_up(follower: Follower) -> int:
    taken = 0
    while steps := _next_steps(follower.name):
        now = clock.now()
        if follower.keeps_outside:
            follower.follow(steps, now)
            with transaction():
                take_turn(f"follower {follower.name}")
                if _position(follower.name) == steps[0].idx:
                    _move(follower.name, steps[-1].idx + 1, now)
        else:
            follow = follower.look_ahead(steps, now) if isinstance(follower, LooksAhead) else follower.follow
            with transaction():
                take_turn(f"follower {follower.name}")
                if _position(follower.name) != steps[0].idx:
                    continue  # another process took these in between
                follow(steps, now)
                _move(follower.name, steps[-1].idx + 1, now)
        taken += len(steps)
    return taken


def start_again(follower: Follower) -> None:
    """Forget what a follower derived and put its cursor at the first line."""
    if follower.keeps_outside:
        follower.forget()
    with transaction():
        take_turn(f"follower {follower.name}")
        if not follower.keeps_outside:
            follower.forget()
        _move(follower.name, 0, clock.now())


def _next_steps(name: str) -> list[Step]:
    """What comes next, as far as no line is missing: over a gap, which somebody tore, nobody reads on."""
    columns = (Entry.idx, Entry.id, Entry.type, Entry.item, Entry.body, Entry.about_kind, Entry.about_id)
    position = _position(name)
    rows = db.session.execute(select(*columns).where(Entry.idx >= position).order_by(Entry.idx).limit(BATCH)).all()
    db.session.rollback()
    whole = [row for place, row in enumerate(rows, position) if row.idx == place]
    return [Step(r.idx, r.id, r.type, r.item, read(r.body), r.about_kind, r.about_id) for r in whole]


def _position(name: str) -> int:
    return db.session.scalar(select(FollowerCursor.position).where(FollowerCursor.name == name)) or 0


def _move(name: str, position: int, now: datetime) -> None:
    cursor = db.session.get(FollowerCursor, name)
    if cursor is None:
        db.session.add(FollowerCursor(name=name, position=position, moved_at=now))
    else:
        cursor.position, cursor.moved_at = position, now
