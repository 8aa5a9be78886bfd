"""The log as a folder of static files, which any web server can serve: c2sp.org/tlog-tiles, tiles 256 hashes wide."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import current_app

from audit import merkle
from audit.merkle import HASH_BYTES
from audit.notes import BadNote, Checkpoint, note_text

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRIES = "entries"
CHECKPOINT = "checkpoint"
Level = int | str


class MissingTile(LookupError):
    """A file of the log that has to be there is not, or is cut short."""


def tile_path(level: Level, n: int, width: int = WIDTH) -> str:
    """Where a tile is found: tile/1/x001/x234/067, or with .p/17 after it while it holds 17 of its 256 hashes."""
    digits = f"{n % 1000:03d}"
    while n := n // 1000:
        digits = f"x{n % 1000:03d}/{digits}"
    return f"tile/{level}/{digits}" + (f".p/{width}" if width < WIDTH else "")


def packed(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry after its length in two bytes, the larger first."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unpacked(bundle: bytes) -> list[bytes]:
    """Raises MissingTile for a bundle that ends within an entry."""
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2])
        if end > len(bundle):
            raise MissingTile("An entry bundle ends before its last entry does.")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


@dataclass(frozen=True)
class LogFolder:
    """Reads proofs from the tiles of a log, and replaces its files so that nobody ever meets half a one."""

    path: Path

    def checkpoint(self) -> str | None:
        """The newest checkpoint with everybody's signatures, or None before the first."""
        return self.read(CHECKPOINT)

    def read(self, name: str) -> str | None:
        """One of the small files beside the tiles, or None where it is not there."""
        return read_file(self.path / name)

    def signed_size(self) -> int:
        """How many entries the newest checkpoint speaks for; 0 where there is none that can be read."""
        try:
            return Checkpoint.read(note_text(self.checkpoint() or "")).size
        except BadNote:
            return 0

    def moved(self) -> int:
        """Another number whenever the checkpoint, or what stands below it, is another; 0 before the first."""
        try:
            return (self.path / CHECKPOINT).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def hashes(self, level: int, n: int, width: int = WIDTH) -> bytes:
        """So many hashes of a tile, 32 bytes each; cut from the full tile once there is one. Raises MissingTile."""
        found = self._tile(level, n, width)[: width * HASH_BYTES]
        if len(found) != width * HASH_BYTES:
            raise MissingTile(f"{tile_path(level, n, width)} is cut short.")
        return found

    def entries(self, n: int, width: int = WIDTH) -> list[bytes]:
        """The first so many entries of a bundle. Raises MissingTile."""
        found = unpacked(self._tile(ENTRIES, n, width))[:width]
        if len(found) != width:
            raise MissingTile(f"{tile_path(ENTRIES, n, width)} is cut short.")
        return found

    def _tile(self, level: Level, n: int, width: int) -> bytes:
        for candidate in dict.fromkeys((width, WIDTH)):
            try:
                return (self.path / tile_path(level, n, candidate)).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                continue
        raise MissingTile(f"{tile_path(level, n, width)} is not in the log.")

    def node(self, size: int) -> merkle.Node:
        """The roots of complete subtrees in the tree of ``size``, read from its tiles, each of them once."""
        tiles: dict[tuple[int, int], bytes] = {}

        def node(height: int, index: int) -> bytes:
            level, within = divmod(height, HEIGHT)
            first = index << within
            n, at = divmod(first, WIDTH)
            if (level, n) not in tiles:
                tiles[level, n] = self.hashes(level, n, min(WIDTH, (size >> HEIGHT * level) - n * WIDTH))
            cut = tiles[level, n][at * HASH_BYTES : (at + (1 << within)) * HASH_BYTES]
            return merkle.root(cut[i : i + HASH_BYTES] for i in range(0, len(cut), HASH_BYTES))

        return node

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that an entry has its place in the tree of ``size``. Raises MissingTile, ValueError."""
        node = self.node(size)
        return [merkle.span_root(span, node) for span in merkle.inclusion_spans(index, size)]

    def consistency(self, old: int, size: int) -> list[bytes]:
        """The proof that the tree of ``size`` begins with that of ``old``. Raises MissingTile, ValueError."""
        node = self.node(size)
        return [merkle.span_root(span, node) for span in merkle.consistency_spans(old, size)]

    def root(self, size: int, within: int | None = None) -> bytes:
        """The hash of the tree of ``size``, read from the tiles of a larger one where that is what is there."""
        return merkle.span_root((0, size), self.node(size if within is None else within))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held by whoever reads the checkpoint in order to replace it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def replace(self, name: str, content: bytes) -> None:
        """Put a file in place at once and for good: it survives a crash right after."""
        replace_file(self.path / name, content)

    def drop_partial(self, level: Level, n: int) -> None:
        """Once a tile is full, what there was of it before is cut from it."""
        shutil.rmtree(self.path / f"{tile_path(level, n)}.p", ignore_errors=True)


@dataclass
class Edge:
    """The right edge of a growing tree: at each level the hashes of the tile that is not full yet."""

    levels: list[list[bytes]] = field(default_factory=lambda: [[]])
    entries: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, entry: bytes, leaf_hash: bytes) -> list[tuple[Level, int, bytes]]:
        """Take in one entry; returns the tiles it filled, as (level, n, content)."""
        self.size += 1
        self.entries.append(entry)
        self.levels[0].append(leaf_hash)
        if len(self.entries) < WIDTH:
            return []
        full: list[tuple[Level, int, bytes]] = [(ENTRIES, self.size // WIDTH - 1, packed(self.entries))]
        self.entries = []
        level, count = 0, self.size // WIDTH
        while len(self.levels[level]) == WIDTH:
            full.append((level, count - 1, b"".join(self.levels[level])))
            if level + 1 == len(self.levels):
                self.levels.append([])
            self.levels[level + 1].append(merkle.root(self.levels[level]))
            self.levels[level] = []
            level, count = level + 1, count // WIDTH
        return full

    def partial(self) -> list[tuple[Level, int, int, bytes]]:
        """The tiles that are not full, as (level, n, width, content)."""
        tiles: list[tuple[Level, int, int, bytes]] = []
        if self.entries:
            tiles.append((ENTRIES, self.size // WIDTH, len(self.entries), packed(self.entries)))
        for level, hashes in enumerate(self.levels):
            if hashes:
                tiles.append((level, self.size >> HEIGHT * (level + 1), len(hashes), b"".join(hashes)))
        return tiles


def read_file(path: Path) -> str | None:
    """A small file, or None where it is not there. What is no text is read as text that nobody has signed."""
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return None


def replace_file(path: Path, content: bytes) -> None:
    """Temporary file, fsync, rename, and fsync of the folder that now names it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def log_folder() -> LogFolder:
    """That of this site."""
    return LogFolder(Path(current_app.config["DATA_DIR"]) / "log")
