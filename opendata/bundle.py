"""The whole record in one zip file: the log's own files, the texts that may be read, and what checks them.

The same record gives the same bytes: members in their order, no dates.
"""

import json
import os
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from audit.cosigning import for_readers
from audit.models import Entry
from audit.notes import Checkpoint, note_text
from audit.tiles import CHECKPOINT, ENTRIES, HEIGHT, WIDTH, Level, LogFolder, log_folder, packed, tile_path
from core.config import ROOT
from core.db import db, snapshot
from opendata.openings import NotYet, openings_below

VERIFIER = ROOT / "audit" / "verify.py"
NAME = "record.zip"
REST = 20
"""Times the last making took: so long a busy log waits for the next, which costs a twentieth of a processor."""

_NO_DATE = (1980, 1, 1, 0, 0, 0)
_README = """\
{origin}: the public record, {size:,} lines

Check it, with Python 3.11 or later and nothing else:

    python3 verify.py .

It recomputes everything from these files alone: that the lines are those the log has signed, that nothing
contradicts itself, and that every final count and decision follows from the lines before it. It says what it
checked and, if anything is wrong, the first line that is.

To see that nothing was changed since you last looked, keep the file "checkpoint" each time, and next time:

    python3 verify.py . --since the-checkpoint-you-kept

What is here
    checkpoint      how long the record is, one digest for all of it, and the signatures under both
    vkey, policy    the key that signs, and who else has to
    tile/           the lines themselves (tile/entries) and the digests that join them (c2sp.org/tlog-tiles)
    openings.jsonl  the texts that digests in the lines stand for, as far as they may be read
    verify.py       the program above; it also stands beside this file on the site, to be read by itself

Texts that were taken back, hidden, or erased are not here. Their lines are, and so are the lines that say so.
"""


@dataclass(frozen=True)
class Bundle:
    """What a file holds: how many lines, and how many texts."""

    size: int
    openings: int


def write_bundle(path: Path, folder: LogFolder) -> Bundle:
    """Write the record as far as it is signed. Raises NotYet, also while nothing has been signed.

    No witness is waited for while that would leave a text in the file that was hidden or erased.
    """
    signed, newest = for_readers(folder), folder.checkpoint()
    if signed is None or newest is None:
        raise NotYet("No checkpoint has been signed yet.")
    try:
        return _write_as_of(signed, path, folder)
    except NotYet:
        if signed == newest:
            raise
        return _write_as_of(newest, path, folder)


def _write_as_of(note: str, path: Path, folder: LogFolder) -> Bundle:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with snapshot(), zipfile.ZipFile(temporary, "w", allowZip64=True) as file:
            made = _write(file, note, folder)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return made


def _write(file: zipfile.ZipFile, note: str, folder: LogFolder) -> Bundle:
    checkpoint = Checkpoint.read(note_text(note))
    _add(file, "README.txt", _README.format(origin=checkpoint.origin, size=checkpoint.size).encode())
    _add(file, CHECKPOINT, note.encode())
    for name in ("vkey", "policy"):
        kept = folder.path / name
        _add(file, name, kept.read_bytes() if kept.exists() else b"")
    _add(file, "verify.py", VERIFIER.read_bytes())
    openings = 0
    with file.open(_member("openings.jsonl"), "w", force_zip64=True) as written:
        for opening in openings_below(checkpoint.size):
            written.write(json.dumps(opening.said(), ensure_ascii=False).encode() + b"\n")
            openings += 1
    for level, n, width in tiles_of(checkpoint.size):
        if level == ENTRIES:
            _add(file, tile_path(level, n, width), packed(folder.entries(n, width)))
        else:  # nothing is gained by packing digests
            hashes = folder.hashes(int(level), n, width)
            _add(file, tile_path(level, n, width), hashes, zipfile.ZIP_STORED)
    return Bundle(checkpoint.size, openings)


def tiles_of(size: int) -> Iterator[tuple[Level, int, int]]:
    """The files that a tree of that size consists of, as (level, n, width)."""
    counts: list[tuple[Level, int]] = [(ENTRIES, size)]
    while hashes := size >> HEIGHT * (len(counts) - 1):
        counts.append((len(counts) - 1, hashes))
    for level, count in counts:
        for n in range(-(-count // WIDTH)):
            yield level, n, min(WIDTH, count - n * WIDTH)


def _member(name: str, compression: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _NO_DATE)
    member.compress_type, member.external_attr = compression, 0o644 << 16
    return member


def _add(file: zipfile.ZipFile, name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
    file.writestr(_member(name, compression), content)


@dataclass(frozen=True)
class Kept:
    """The file that everybody may fetch. ``tag`` names its content."""

    path: Path
    note: str
    size: int
    bytes: int
    made_at: datetime
    tag: str


def kept_path() -> Path:
    return Path(current_app.config["DATA_DIR"]) / NAME


def kept_bundle() -> Kept | None:
    """The one this site keeps ready, or None before there is one."""
    path = kept_path()
    try:
        with zipfile.ZipFile(path) as file:
            note = file.read(CHECKPOINT).decode()
        stat = path.stat()
    except FileNotFoundError:
        return None
    checkpoint = Checkpoint.read(note_text(note))
    tag = f"{checkpoint.size}-{stat.st_mtime_ns:x}-{stat.st_size:x}"
    return Kept(path, note, checkpoint.size, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC), tag)


@dataclass
class Keeper:
    """Keeps the site's own bundle fresh, and rests between one and the next."""

    rests_until: float = 0.0

    def refresh(self) -> Bundle | None:
        """Make it anew if the record has grown or more have signed it, in time; at once when a text is taken from it.

        Returns what was made, or None. What was hidden or erased but is not signed yet is tried again next time.
        """
        folder, kept = log_folder(), kept_bundle()
        newest = folder.checkpoint()
        if newest is None:
            return None
        size = Checkpoint.read(note_text(newest)).size
        if kept is not None:
            may_wait = kept.note in (newest, for_readers(folder)) or time.monotonic() < self.rests_until
            if may_wait and not _something_was_taken_away(kept.size, size):
                return None
        began = time.monotonic()
        try:
            made = write_bundle(kept_path(), folder)
        except NotYet:
            return None
        self.rests_until = time.monotonic() + REST * (time.monotonic() - began)
        return made


def _something_was_taken_away(since: int, size: int) -> bool:
    acts = select(Entry.seq).where(Entry.type.in_(("moderation", "erasure")), Entry.idx >= since, Entry.idx < size)
    return db.session.scalar(acts.limit(1)) is not None
