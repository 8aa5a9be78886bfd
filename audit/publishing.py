"""Signs the growing log: from what has its place in the database to tiles and a checkpoint that anyone can fetch.

The last signed checkpoint is kept outside the database too, beside the key. Whatever is smaller than it, or does not
continue it, is never signed: the site goes on reading, and takes nothing new, until its keepers have seen to it.
"""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update

from audit import queries
from audit.keys import Keys, NoKey, keys_of_this_site
from audit.merkle import EMPTY_ROOT, Peaks, leaf_hash
from audit.models import Entry, LogHead
from audit.notes import ED25519, BadNote, Checkpoint, Signer, VerifierKey, note_text, vouched
from audit.queries import Head
from audit.tiles import (
    CHECKPOINT,
    ENTRIES,
    Edge,
    Level,
    LogFolder,
    MissingTile,
    log_folder,
    packed,
    read_file,
    replace_file,
    tile_path,
)
from core.db import db, take_turn, transaction

log = logging.getLogger(__name__)

AT_A_TIME = 4_000
LAST_SIGNED = "last-signed"
VKEY = "vkey"


class RefusesToSign(RuntimeError):
    """What is at hand is not what was signed before. The message says in which way."""


@dataclass
class Tree:
    """The whole log in a few hundred hashes: its peaks, for the root, and its right edge, for the tiles."""

    peaks: Peaks = field(default_factory=Peaks)
    edge: Edge = field(default_factory=Edge)

    @property
    def size(self) -> int:
        return self.peaks.size

    def add(self, entries: list[bytes]) -> list[tuple[Level, int, bytes]]:
        """Take in entries; returns the tiles they filled, as (level, n, content)."""
        leaves = [leaf_hash(entry) for entry in entries]
        self.peaks = self.peaks.extended(leaves)
        return [tile for entry, leaf in zip(entries, leaves, strict=True) for tile in self.edge.add(entry, leaf)]


class Publisher:
    """Holds the tree from one batch to the next. After anything unexpected it begins again from the database."""

    def __init__(self, folder: LogFolder, keys: Keys) -> None:
        self.folder = folder
        self.keys = keys
        self.tree: Tree | None = None

    def check(self) -> bool:
        """Recompute the tree from every entry's bytes and hold it against what was signed before.

        Returns whether signing may go on. The reason why not is kept where pages and probes find it.
        """
        self.tree = None
        head = queries.head()
        if head is None:
            return False
        try:
            self.tree = self._as_signed(head)
        except RefusesToSign as refusal:
            self._refuse(refusal)
            return False
        if head.refusal:
            log.warning("The record is in order again and goes on being signed.")
            _keep_refusal(None)
        return True

    def publish(self, now: datetime) -> Checkpoint | None:
        """Sign whatever got its place since the last checkpoint; None when there was nothing, or it may not be signed.

        The order is what makes a crash harmless: tiles, then the head in the database if nobody moved it meanwhile,
        then the copy beside the key, and only then the checkpoint that readers see.
        """
        if self.tree is None and not self.check():
            return None
        tree, self.tree = self.tree, None  # to be had again once all has gone well
        if tree is None:
            return None
        try:
            if not self._caught_up(tree):
                return None
            signer, before = self._signer(_opened()), tree.size
            full = self._take_in(tree, None)
        except RefusesToSign as refusal:
            self._refuse(refusal)
            return None
        if tree.size > before:
            checkpoint = Checkpoint(signer.name, tree.size, tree.peaks.root)
            if not _move_head(before, checkpoint.size, note := signer.note(checkpoint.text), now):
                return None
            self._release(note, signer.key)
            for level, n in full:
                self.folder.drop_partial(level, n)
        self.tree = tree
        return checkpoint if tree.size > before else None

    def _caught_up(self, tree: Tree) -> bool:
        """Where another sequencer signed meanwhile, go on from there; False when what it signed is not what is here."""
        head = _opened()
        if head.size == tree.size or head.note is None:
            return head.size == tree.size
        if head.size < tree.size:
            return False
        self._take_in(tree, head.size)
        signer = self._signer(head)
        signed = _read(head.note, queries.log_keys(), signer.name)
        if (signed.size, signed.root) != (tree.size, tree.peaks.root):
            return False
        self._release(head.note, signer.key)
        return True

    def _take_in(self, tree: Tree, end: int | None) -> list[tuple[Level, int]]:
        """Grow the tree by the entries up to ``end``, or all there are, and write its tiles; returns the full ones."""
        before, full = tree.size, []
        for entries in _entries(before, end):
            for level, n, content in tree.add(entries):
                self.folder.replace(tile_path(level, n), content)
                full.append((level, n))
        if tree.size > before:
            self._write_partial(tree.edge)
        return full

    def rebuild(self) -> int:
        """Make every tile of the signed log anew from the database; returns how many entries it has.

        Also each width that its last tiles have had, since checkpoints may have been signed at any of them.
        Raises RefusesToSign when the database does not hold what was signed.
        """
        size = self._as_signed(_opened()).size
        self._write_all(size)
        return size

    def _as_signed(self, head: Head) -> Tree:
        """The tree at the last checkpoint, and the folder whole. Raises RefusesToSign."""
        signer = self._signer(head)
        notes = self._kept_notes(head)
        checkpoints = [_read(note, queries.log_keys(), signer.name) for note in notes]
        last = max((checkpoint.size for checkpoint in checkpoints), default=0)
        tree, roots = _grown({checkpoint.size for checkpoint in checkpoints})
        if tree.size < last:
            raise RefusesToSign(
                f"The database holds {tree.size:,} lines in their places, fewer than the {last:,} that were signed "
                "already. It may be an older copy."
            )
        for checkpoint in checkpoints:
            if roots[checkpoint.size] != checkpoint.root:
                raise RefusesToSign(
                    f"The first {checkpoint.size:,} lines in the database are not those that were signed: "
                    "one was changed, added or taken away."
                )
        if last:
            self._finish(head, tree, notes[[checkpoint.size for checkpoint in checkpoints].index(last)], signer.key)
        return tree

    def _signer(self, head: Head) -> Signer:
        try:
            signer = self.keys.log_signer(head.origin)
        except NoKey as missing:
            raise RefusesToSign(f"{missing} Without the log’s own key nothing can be signed.") from None
        if queries.log_keys()[-1:] != [signer.key.public]:
            raise RefusesToSign("The key at hand is not the one that the record names as its own.")
        return signer

    def _kept_notes(self, head: Head) -> list[str]:
        """What was signed last by the database, by the copy beside the key, and by what readers see."""
        kept = read_file(self.keys.folder / LAST_SIGNED)
        return [note for note in (head.note, kept, self.folder.checkpoint()) if note is not None]

    def _finish(self, head: Head, tree: Tree, note: str, key: VerifierKey) -> None:
        """Do what a crash, or the loss of the folder, has left undone."""
        try:
            whole = self.folder.root(tree.size) == tree.peaks.root
        except MissingTile:
            whole = False
        if not whole:
            self._write_all(tree.size)
        if head.size < tree.size:
            _move_head(head.size, tree.size, note, head.signed_at)
        published = self.folder.checkpoint()
        if published is None or note_text(published) != note_text(note):
            self._release(note, key)

    def _write_all(self, size: int) -> None:
        edge = Edge()
        for entries in _entries(0, size):
            for entry in entries:
                for level, n, content in edge.add(entry, leaf_hash(entry)):
                    self.folder.replace(tile_path(level, n), content)
        for level, n, width, content in edge.partial():
            whole = edge.entries if level == ENTRIES else None
            for narrower in range(1, width + 1):
                cut = packed(whole[:narrower]) if whole else content[: narrower * len(content) // width]
                self.folder.replace(tile_path(level, n, narrower), cut)

    def _write_partial(self, edge: Edge) -> None:
        for level, n, width, content in edge.partial():
            path = self.folder.path / tile_path(level, n, width)
            # One may be there that was never signed: its lines had their places in a database that was since restored.
            if not path.exists() or path.read_bytes() != content:
                replace_file(path, content)

    def _release(self, note: str, key: VerifierKey) -> None:
        size = Checkpoint.read(note_text(note)).size
        with self.folder.lock():
            published = self.folder.checkpoint()
            if published is not None and Checkpoint.read(note_text(published)).size > size:
                return  # another sequencer went on meanwhile, and readers are never taken back
            replace_file(self.keys.folder / LAST_SIGNED, note.encode())
            if self.folder.read(VKEY) != f"{key.text}\n":
                self.folder.replace(VKEY, f"{key.text}\n".encode())
            self.folder.replace(CHECKPOINT, note.encode())

    def _refuse(self, refusal: RefusesToSign) -> None:
        log.error("The record is not signed any more: %s", refusal)
        _keep_refusal(str(refusal))


def publisher_of_this_site() -> Publisher:
    return Publisher(log_folder(), keys_of_this_site())


def _read(note: str, log_keys: list[bytes], origin: str) -> Checkpoint:
    """A checkpoint that this log has signed under any key it has had. Raises RefusesToSign."""
    try:
        vouched(note, [VerifierKey(origin, ED25519, public) for public in log_keys])
        checkpoint = Checkpoint.read(note_text(note))
    except BadNote as wrong:
        raise RefusesToSign(f"A checkpoint that was kept is not one of this log. {wrong}") from None
    if checkpoint.origin != origin:
        raise RefusesToSign("A checkpoint that was kept is that of another log.")
    return checkpoint


def _grown(sizes: Collection[int]) -> tuple[Tree, dict[int, bytes]]:
    """The tree recomputed up to the largest of the sizes, as far as the database goes, and its root at each."""
    tree, roots = Tree(), {0: EMPTY_ROOT}
    for size in sorted(sizes):
        for entries in _entries(tree.size, size):
            tree.add(entries)
        roots[size] = tree.peaks.root
    return tree, roots


def _entries(first: int, end: int | None = None) -> Iterator[list[bytes]]:
    """The bytes of all entries from a place on, some thousand at a time. Raises RefusesToSign over a gap."""
    while end is None or first < end:
        wanted = select(Entry.idx, Entry.body).where(Entry.idx >= first).order_by(Entry.idx)
        if end is not None:
            wanted = wanted.where(Entry.idx < end)
        rows = db.session.execute(wanted.limit(AT_A_TIME)).all()
        db.session.rollback()
        if [row.idx for row in rows] != list(range(first, first + len(rows))):
            raise RefusesToSign(f"From line {first:,} on the lines in the database do not follow one another.")
        if not rows:
            return
        yield [row.body for row in rows]
        first += len(rows)


def _opened() -> Head:
    head = queries.head()
    if head is None:
        raise RefusesToSign("The record has not been opened yet.")
    return head


def _move_head(before: int, size: int, note: str, now: datetime | None) -> bool:
    """Put a checkpoint in the place of the one it was made from; False if that is no longer the last one."""
    with transaction():
        take_turn("log head")
        moved = db.session.execute(
            update(LogHead)
            .where(LogHead.id == 1, LogHead.size == before, LogHead.refusal.is_(None))
            .values(size=size, note=note, signed_at=now)
        )
        return bool(moved.rowcount)  # type: ignore[attr-defined]


def _keep_refusal(words: str | None) -> None:
    with transaction():
        db.session.execute(update(LogHead).where(LogHead.id == 1).values(refusal=words))
