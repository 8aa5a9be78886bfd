"""Papers that come beside a table of submissions: in its folder, or packed with it in one zip file."""

import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from analysis.paper_checks import MOST_BYTES, check_paper
from analysis.papers import keep_paper
from analysis.tables import KINDS
from core.errors import RuleBroken

MOST_PAPERS = 200
MOST_TOGETHER = 200 * 1024 * 1024
_MOST_PARTS = 1_000
_UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError)


@dataclass(frozen=True)
class BesidePaper:
    digest: str
    name: str


@dataclass
class Papers:
    """Those that rows of one table name. Each is looked through once, and kept at once unless it is a dry run."""

    read: Callable[[PurePosixPath], bytes]
    dry_run: bool = False
    _seen: dict[PurePosixPath, BesidePaper | RuleBroken] = field(default_factory=dict)
    _bytes: int = 0

    def named(self, written: str) -> BesidePaper:
        """Raises RuleBroken with what is wrong with the path, or with the paper."""
        path = path_beside(written)
        if path not in self._seen:
            try:
                self._seen[path] = self._look(path)
            except RuleBroken as refused:
                self._seen[path] = refused
        found = self._seen[path]
        if isinstance(found, RuleBroken):
            raise found
        return found

    def _look(self, path: PurePosixPath) -> BesidePaper:
        if len(self._seen) >= MOST_PAPERS:
            raise RuleBroken(f"More than {MOST_PAPERS} papers come with this table. Send it in parts.")
        content = self.read(path)
        self._bytes += len(content)
        if self._bytes > MOST_TOGETHER:
            raise RuleBroken("The papers are larger than 200 MB together. Send the table in parts.")
        if self.dry_run:
            check_paper(content)
            return BesidePaper(hashlib.sha256(content).hexdigest(), path.name)
        return BesidePaper(keep_paper(content), path.name)


def no_papers(path: PurePosixPath) -> bytes:
    raise RuleBroken("no paper came with this table. Leave this empty, and attach it by hand or ask your operator.")


def path_beside(written: str) -> PurePosixPath:
    """A path from the table's folder downwards. Raises RuleBroken for one that leads anywhere else."""
    path = PurePosixPath(written.strip())
    is_odd = "\\" in written or "\x00" in written or ":" in written or len(written) > 300
    if is_odd or path.is_absolute() or not path.parts or ".." in path.parts:
        raise RuleBroken("is no path from the table’s own folder. Write one such as papers/letter-17.pdf.")
    if path.suffix.lower() != ".pdf":
        raise RuleBroken("is no PDF by its name. Save the paper as PDF and write that file’s name.")
    return path


def in_folder(folder: Path) -> Callable[[PurePosixPath], bytes]:
    """Links that lead out of the folder are not followed, nor is anything read that is not a file."""
    root = folder.resolve()

    def read(path: PurePosixPath) -> bytes:
        place = (root / path).resolve()
        if not place.is_relative_to(root) or not place.is_file():
            raise RuleBroken("is not there. Put the file beside the table, and write its name as it is.")
        with place.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise RuleBroken("is no file.")
            return file.read(MOST_BYTES + 1)

    return read


def unpacked(content: bytes) -> tuple[str, bytes, Callable[[PurePosixPath], bytes]]:
    """The one table at the top of a zip file, by its name, and how to read what is packed with it.

    Nothing is unpacked to disk. Raises RuleBroken.
    """
    try:
        packed = zipfile.ZipFile(io.BytesIO(content))
        parts = {part.filename: part for part in packed.infolist()}
    except _UNREADABLE:
        raise RuleBroken("This is not a zip file that can be read.", field="file") from None
    if len(parts) > _MOST_PARTS or len(parts) != len(packed.infolist()):
        raise RuleBroken("This zip file holds too many files, or two of the same name.", field="file")
    tables = [name for name in parts if "/" not in name and name.rpartition(".")[2].lower() in KINDS]
    if len(tables) != 1:
        raise RuleBroken("Put one table, a .csv, .xlsx or .json file, at the top of the zip, and no other.", "file")

    def read_part(name: str, most: int) -> bytes:
        try:
            with packed.open(parts[name]) as file:
                return file.read(most + 1)
        except _UNREADABLE:
            raise RuleBroken("cannot be unpacked, or has a password.", field="file") from None

    def read(path: PurePosixPath) -> bytes:
        if str(path) not in parts:
            raise RuleBroken("is not in the zip file. Write its name as it stands there, with its folder.")
        return read_part(str(path), MOST_BYTES)

    from_table = read_part(tables[0], MOST_BYTES)
    return tables[0], from_table, read
