"""Regulations and decisions in Whoosh: a folder that holds generations of an index and the name of the one in use."""

import logging
import os
import secrets
import shutil
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # Whoosh 2.7.4 has "\w" in plain strings, of which newer Pythons warn while compiling it.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from whoosh import analysis, fields, query, scoring
    from whoosh.filedb.filestore import FileStorage
    from whoosh.filedb.structfile import BufferFile
    from whoosh.index import TOC, FileIndex
    from whoosh.lang.porter import stem
    from whoosh.searching import Searcher

from search import rules
from search.rules import Document, Kind
from search.writing import one_writer, private_folder

log = logging.getLogger(__name__)

IN_USE = "in-use"
WORDED = ("title", "text")
TITLE_BOOST = 3.0
WHOLE_TITLE_BOOST = 30.0
TRY_AGAIN_AFTER_SECONDS = 5.0


class Unsearchable(RuntimeError):
    """There is no index, or not one that can be read."""


def _schema() -> Any:
    words = analysis.RegexTokenizer(r"\S+") | analysis.StemFilter()
    exact = {"lowercase": False, "commas": False, "scorable": False}
    return fields.Schema(
        key=fields.ID(unique=True, stored=True),
        kind=fields.ID,
        citation=fields.KEYWORD(**exact),
        mentions=fields.KEYWORD(**exact),
        whole_title=fields.KEYWORD(**exact),
        title=fields.TEXT(analyzer=words, phrase=False, field_boost=TITLE_BOOST),
        text=fields.TEXT(analyzer=words, phrase=False),
    )


def _row(document: Document) -> dict[str, str]:
    title, text = rules.words_of(document.title), rules.words_of(f"{document.citation} {document.text}")
    return {
        "key": document.key,
        "kind": document.kind,
        "citation": " ".join([*rules.citations_of(document), *_whole(document.key), *_whole(document.citation)]),
        "mentions": " ".join(rules.with_bare(rules.citations_in(f"{document.title} {document.text}"))),
        "whole_title": " ".join(map(_title_term, rules.exact_forms(document.title))),
        "title": " ".join(title),
        "text": " ".join(text),
    }


def _whole(text: str) -> list[str]:
    """A reference typed as it stands, whatever its form, as one term."""
    return ["_".join(words)] if (words := rules.words_of(text)) else []


def _title_term(form: str) -> str:
    return form.replace(" ", "_")


class _InMemory(FileStorage):
    """Reads a segment whole. A mapped file that someone cuts short would kill the process with SIGBUS."""

    def open_file(self, name: str, **options: Any) -> Any:
        if not name.endswith(".seg"):
            return super().open_file(name, **options)
        return BufferFile((Path(self.folder) / name).read_bytes(), name=name)


class DocumentIndex:
    """One per process. Reading and writing are safe from any thread, writing from any process."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        self._searcher: Searcher | None = None
        self._seen: tuple[str, int] | None = None
        self._of_kind: dict[str, set[int]] = {}
        self._failed: tuple[str, int] | None = None
        self._try_again_at = 0.0

    # Writing

    def put(self, documents: Iterable[Document]) -> bool:
        """Add or replace. False: there is no sound index to add to, and nothing short of a rebuild helps."""
        return self._change(documents, ())

    def remove(self, keys: Iterable[str]) -> bool:
        return self._change((), keys)

    def rebuild(self, documents: Iterable[Document]) -> None:
        """Replace everything at one stroke. The documents are asked for only once no other writer can come between."""
        private_folder(self.folder)
        with one_writer(self.folder / "lock"):
            name = f"generation-{secrets.token_hex(8)}"
            try:
                storage = FileStorage(str(private_folder(self.folder / name)))
                with FileIndex.create(storage, _schema()).writer(limitmb=64) as writer:
                    for row in {document.key: _row(document) for document in documents}.values():
                        writer.add_document(**row)
                _settle(self.folder / name)
                self._use(name)
            finally:
                self._sweep()

    def _change(self, documents: Iterable[Document], keys: Iterable[str]) -> bool:
        rows = {document.key: _row(document) for document in documents}
        gone = [key for key in keys if key not in rows]
        if not self.folder.is_dir():
            return False
        with one_writer(self.folder / "lock"):
            try:
                index = FileIndex(FileStorage(str(self.folder / self._in_use())))
                if not rows and not gone:
                    return True
                with index.writer() as writer:
                    writer.delete_by_query(query.Or([query.Term("key", key) for key in chain(rows, gone)]))
                    for row in rows.values():
                        writer.add_document(**row)
                _settle(Path(index.storage.folder))
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    raise
                log.exception("The search index is incomplete and must be rebuilt.")
                return False
            except Exception:
                log.exception("The search index cannot be read and must be rebuilt.")
                return False
        return True

    def _use(self, name: str) -> None:
        new = self.folder / f"{IN_USE}.new"
        new.write_text(name, "ascii")
        new.replace(self.folder / IN_USE)
        _settle(self.folder)

    def _sweep(self) -> None:
        """Drop what a rebuild has replaced, or left unfinished."""
        used = self._in_use() if (self.folder / IN_USE).exists() else None
        for path in self.folder.glob("generation-*"):
            if path.name != used:
                shutil.rmtree(path, ignore_errors=True)

    def _in_use(self) -> str:
        name = (self.folder / IN_USE).read_text("ascii")
        if not (name.startswith("generation-") and name.isascii() and name.replace("-", "").isalnum()):
            raise Unsearchable("The name of the index in use makes no sense.")
        return name

    # Reading

    def matching(self, text: str, kind: Kind | None, limit: int) -> list[str]:
        """Keys, best first. Raises Unsearchable."""
        with self._lock, self._failing_as_unsearchable():
            searcher = self._fresh_searcher()
            text = text[: rules.LONGEST_QUERY]
            named = [*rules.citations_in(text), *_whole(text)]
            found = self._keys(searcher, query.Or([query.Term("citation", name) for name in named]), kind, limit)
            if found:
                mentions = query.Or([query.Term("mentions", name) for name in named])
                return list(dict.fromkeys([*found, *self._keys(searcher, mentions, kind, limit)]))[:limit]
            for question in _questions(rules.without_citations(text), searcher.reader()):
                if found := self._keys(searcher, question, kind, limit):
                    return found
            return []

    def is_healthy(self) -> bool:
        """Whether the index on disk, not the copy this process may hold, can be opened and searched."""
        if not (self.folder / IN_USE).exists():
            return False
        try:
            with self._opened() as searcher:
                searcher.search(query.Every(), limit=1)
                return all(searcher.reader().stored_fields(number) for number in _ends(searcher.doc_count_all()))
        except Exception:
            log.warning("The search index cannot be read.", exc_info=True)
            return False

    def _fresh_searcher(self) -> Searcher:
        """The searcher kept open, brought up to date if anyone has written since."""
        seen = self._latest()
        if self._searcher is None or seen != self._seen:
            if self._failed == seen and time.monotonic() < self._try_again_at:
                raise Unsearchable("The index could not be opened a moment ago, and nobody has written since.")
            # Segments a rebuild has replaced are of no more use; the rest needn't be read again.
            same_folder = self._seen is not None and self._seen[0] == seen[0]
            reuse = self._searcher.reader() if self._searcher is not None and same_folder else None
            self._searcher = None
            self._of_kind = {}
            # Whoosh tries for half a second to open what isn't there; not every visitor need wait for that.
            self._failed, self._try_again_at = seen, time.monotonic() + TRY_AGAIN_AFTER_SECONDS
            self._searcher = self._opened(reuse)
            self._failed = None
            self._seen = seen
        return self._searcher

    def _latest(self) -> tuple[str, int]:
        name = self._in_use()
        return name, TOC._latest_generation(os.listdir(self.folder / name), "MAIN")

    def _opened(self, reuse: Any = None) -> Searcher:
        for attempt in range(3):
            name = self._in_use()
            try:
                index = FileIndex(_InMemory(str(self.folder / name)))
                return Searcher(index.reader(reuse=reuse), weighting=scoring.BM25F(), fromindex=index)
            except Exception:
                if attempt == 2 or name == self._in_use():
                    raise
        raise AssertionError

    @contextmanager
    def _failing_as_unsearchable(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._searcher = None
            raise Unsearchable(f"The search index cannot be read: {error!r}") from error

    def _numbers_of(self, searcher: Searcher, kind: Kind) -> set[int]:
        """Finding them costs more than most searches, so once per searcher is enough."""
        if kind not in self._of_kind:
            self._of_kind[kind] = set(searcher.docs_for_query(query.Term("kind", kind)))
        return self._of_kind[kind]

    def _keys(self, searcher: Searcher, question: Any, kind: Kind | None, limit: int) -> list[str]:
        # Not query.Require, which in Whoosh 2.7.4 does the opposite; and not its shortcut past low scores
        # (optimize), which saves little at this size and divides by zero on some boosts.
        only = self._numbers_of(searcher, kind) if kind else None
        found = searcher.search(question, limit=limit, filter=only, optimize=False)
        return [searcher.reader().stored_fields(number)["key"] for _, number in found.top_n]


def _questions(text: str, reader: Any) -> Iterator[Any]:
    """From strict to lenient: every word; every word, the last perhaps half typed; any of the words."""
    words = rules.telling_words(rules.plain_words(text))
    if not words:
        return
    whole = query.Term("whole_title", _title_term(" ".join(rules.titled_words(text))), boost=WHOLE_TITLE_BOOST)
    each = [_word(word) for word in words]
    yield query.AndMaybe(query.And(each), whole)
    if len(words[-1]) >= rules.SHORTEST_PREFIX:
        yield query.And([*each[:-1], _half_typed(words[-1], reader)])
    if len(each) > 1:
        yield query.Or(each, scale=0.9)


def _half_typed(word: str, reader: Any) -> Any:
    """Words are kept as stems, so "regulatio" is past the end of what "regulation" is kept as: "regul"."""
    for length in range(len(word), rules.SHORTEST_PREFIX, -1):
        start = word[:length]
        if length == len(word) and any(_starts(reader, field, start) for field in WORDED):
            return query.Or([query.Prefix(field, start) for field in WORDED])
        if any((field, start) in reader for field in WORDED):
            return query.Or([query.Term(field, start) for field in WORDED])
    return query.NullQuery


def _starts(reader: Any, field: str, start: str) -> bool:
    return next(iter(reader.expand_prefix(field, start)), None) is not None


def _word(word: str) -> Any:
    stemmed = stem(word)
    return query.Or([query.Term(field, stemmed) for field in WORDED])


def _settle(folder: Path) -> None:
    """What has been said to be indexed must survive a power cut, as whoever said it will not say it again."""
    for path in [*folder.iterdir(), folder]:
        if path.is_dir() and path != folder:
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _ends(count: int) -> list[int]:
    return [0, count - 1] if count else []
