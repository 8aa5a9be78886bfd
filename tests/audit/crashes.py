"""Sequencers that are killed in the middle of it, and what a reader who kept everything holds against the log."""

import hashlib
import json
import os
import signal
import sqlite3
import sys
import traceback
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flask import current_app
from sqlalchemy import insert

from audit import guard, merkle, queries
from audit import services as audit
from audit.entries import RoleEntry, canonical
from audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from audit.models import Entry
from audit.notes import ED25519, Checkpoint, VerifierKey, note_text, vouched
from audit.publishing import publisher_of_this_site
from audit.tiles import ENTRIES, WIDTH, log_folder
from core import clock
from core.db import db, transaction

DURABLE = ("replace", "rename", "fsync", "unlink", "rmdir")
"""What changes the disk for good, by its name in ``os``; the database's commit is counted among them."""


@dataclass(frozen=True)
class Seen:
    """What anybody could have fetched at some moment: a checkpoint, and a digest of each tile that belongs to it."""

    note: str
    tiles: dict[str, str]

    @property
    def checkpoint(self):
        return Checkpoint.read(note_text(self.note))


def append(how_many):
    """So many entries that wait for their places."""
    t, first = queries.latest_time(), os.urandom(12).hex()
    db.session.rollback()
    body = RoleEntry(office="Example Office", role="moderator", act="appointed", actor="The operator")
    rows = [
        {"id": id, "t": t, "type": body.type, "item": None, "body": written, "leaf": leaf_hash(written)}
        for id in (f"{first}{n:08x}" for n in range(how_many))
        if (written := canonical(body, id=id, t=t))
    ]
    with transaction(), guard.writing_rows_with_entries():
        db.session.execute(insert(Entry), rows)


def place_all():
    while queries.some_wait():
        db.session.rollback()
        with transaction():
            audit.sequence_waiting()
    db.session.rollback()


def sign(publisher=None):
    """What the sequencer does with whatever waits; False where it refuses."""
    publisher = publisher or publisher_of_this_site()
    if publisher.tree is None and not publisher.check():
        return False
    place_all()
    publisher.publish(clock.now())
    db.session.rollback()
    return True


def sign_in_rounds(sizes):
    """A sequencer that runs on, while between its rounds so many entries come in."""
    publisher = publisher_of_this_site()
    for size in sizes:
        append(size)
        sign(publisher)


def tiles_of(size):
    """Every tile of a log of this size, as (level, n, width)."""
    tiles, level, hashes = [], 0, size
    while hashes:
        for n in range(-(-hashes // WIDTH)):
            tiles.append((level, n, min(WIDTH, hashes - n * WIDTH)))
            if level == 0:
                tiles.append((ENTRIES, n, min(WIDTH, hashes - n * WIDTH)))
        level, hashes = level + 1, hashes // WIDTH
    return tiles


def fetched(size):
    """A digest of each tile of a log of this size, as its readers get it."""
    folder, digests = log_folder(), {}
    for level, n, width in tiles_of(size):
        content = repr(folder.entries(n, width)) if level == ENTRIES else folder.hashes(level, n, width).hex()
        digests[f"{level}/{n}/{width}"] = hashlib.sha256(content.encode()).hexdigest()
    return digests


def look():
    """What readers find right now; None before the first checkpoint."""
    note = log_folder().checkpoint()
    return None if note is None else Seen(note, fetched(Checkpoint.read(note_text(note)).size))


class Reader:
    """Sees every checkpoint the moment it is put in place, also in processes that do not live to tell of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()

    def tell(self, seen):
        with self.path.open("a") as file:
            file.write(json.dumps([seen.note, seen.tiles]) + "\n")

    def everything(self):
        return [Seen(*json.loads(line)) for line in self.path.read_text("utf-8").splitlines()]


def begun(work, reader, *, at=None, tells=None):
    """Start a process that does the work, and is killed right before its durable step ``at``.

    That is the step's number, or a name and a number: ("commit", 3) is its third commit.
    """
    db.session.remove()
    db.engine.dispose()
    child = os.fork()
    if child:
        return child
    try:
        steps = _watched(reader, at)
        work()
        if tells is not None:
            tells.write_text(json.dumps(steps), "utf-8")
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    os._exit(0)


def ended(child):
    """How a process ended: 0 when it did all its work, -9 when it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_and_kill(work, reader, at):
    """Do the work in a process of its own that is killed as begun() says; False when it was done before that."""
    status = ended(begun(work, reader, at=at))
    assert status in (0, -signal.SIGKILL)
    return status != 0


def durable_steps(work, reader, file):
    """What the work does to the disk, by name and in order, when nobody disturbs it."""
    assert ended(begun(work, reader, tells=file)) == 0
    return json.loads(file.read_text("utf-8"))


def _watched(reader, at):
    """From here on count this process's durable steps, and let the reader see each checkpoint."""
    steps = []

    def counted(name, original):
        def step(*given, **named):
            steps.append(name)
            if at in (len(steps), (name, steps.count(name))):
                os.kill(os.getpid(), signal.SIGKILL)
            answer = original(*given, **named)
            if name == "replace" and Path(given[1]).name == "checkpoint":
                reader.tell(look())
            return answer

        return step

    for name in DURABLE:
        setattr(os, name, counted(name, getattr(os, name)))
    dialect = db.engine.dialect
    dialect.do_commit = counted("commit", dialect.do_commit)
    return steps


def check_all(everything):
    """The log as it stands is sound, continues every checkpoint ever seen, and no tile of theirs has changed."""
    now = look()
    assert now is not None
    folder, last = log_folder(), now.checkpoint
    keys = [VerifierKey(last.origin, ED25519, public) for public in queries.log_keys()]
    db.session.rollback()
    entries = [
        entry for level, n, width in tiles_of(last.size) if level == ENTRIES for entry in folder.entries(n, width)
    ]
    leaves = [leaf_hash(entry) for entry in entries]
    assert merkle.root(leaves) == last.root
    assert b"".join(leaves) == b"".join(folder.hashes(0, n, w) for level, n, w in tiles_of(last.size) if level == 0)
    for level, n, width in tiles_of(last.size):
        if level != ENTRIES and level > 0:
            span = WIDTH**level
            firsts = range(n * WIDTH * span, (n * WIDTH + width) * span, span)
            assert folder.hashes(level, n, width) == b"".join(merkle.root(leaves[at : at + span]) for at in firsts)
    for index in {0, last.size // 2, last.size - 1}:
        assert verify_inclusion(index, last.size, leaves[index], folder.inclusion(index, last.size), last.root)
    for seen in [*everything, now]:
        before = seen.checkpoint
        assert vouched(seen.note, keys)
        assert before.size <= last.size, "the log has become smaller"
        proof = folder.consistency(before.size, last.size)
        assert verify_consistency(before.size, last.size, before.root, last.root, proof)
        assert fetched(before.size) == seen.tiles, "a tile that was to be had has changed"


def copied():
    """The database as it is now, in memory (SQLite)."""
    kept = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(db.engine.url.database)) as live:
        live.backup(kept)
    return kept


def put_back(kept):
    """Restore the database from a copy, as an operator would from a backup."""
    db.session.remove()
    db.engine.dispose()
    with closing(sqlite3.connect(db.engine.url.database)) as live:
        kept.backup(live)


def check_database_agrees():
    """The database's own head is what readers see, and no entry of the log differs from its row."""
    head, note = queries.head(), log_folder().checkpoint()
    db.session.rollback()
    assert note is not None
    assert (head.note, head.size) == (note, Checkpoint.read(note_text(note)).size)
    kept = Path(current_app.config["DATA_DIR"]) / "keys" / "last-signed"
    assert kept.read_text("utf-8") == note
