"""Whether votes, reasons, moderation and counts are what the record says, one regulation at a time."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from accounts.rules import Capacity
from audit import entries
from audit.agreement import Recorded, recorded_on, unmatched
from audit.models import Entry, Opening
from audit.queries import folded_position
from core.db import db
from regulations.models import Regulation, Theme
from voting import rules
from voting.models import (
    Comment,
    FrozenTally,
    ModerationAct,
    Pseudonym,
    Receipt,
    Support,
    TallyCell,
    TallyTotal,
    Vote,
)
from voting.queries import CellKey
from voting.rules import Cell, CommentStatus

PUBLISHED = CommentStatus.PUBLISHED
LEAVES = {"hide": CommentStatus.HIDDEN, "hold": CommentStatus.HIDDEN, "mask": CommentStatus.MASKED}
"""As what the last act of a moderator leaves a reason."""


def disagreements() -> Iterator[str]:
    position, _ = folded_position("tally")
    wanted = select(Regulation.id, Regulation.slug, Regulation.settled, Theme.frozen_at)
    for row in db.session.execute(wanted.join(Theme).order_by(Regulation.id)).all():
        yield from _Item(row, position).disagreements()
        db.session.expunge_all()  # what has been compared need not be kept


class _Item:
    """Everything about one regulation: what the record says of it, and what the database holds."""

    def __init__(self, regulation: Any, position: int) -> None:
        self.regulation, self.position = regulation, position
        self.slug = regulation.slug
        read = recorded_on(self.slug, "vote", "comment", "support", "moderation", "erasure", "tally")
        self.of_type: dict[str, list[Recorded]] = {}
        for line in read:
            self.of_type.setdefault(line.said["type"], []).append(line)
        self.lines = {line.id: line for line in read}
        self.erasures = {line.id: line for line in self.of_type.get("erasure", [])}
        self.erased = {line.said["target"] for line in self.erasures.values()}
        self.about: dict[tuple[str | None, int | None], list[Recorded]] = defaultdict(list)
        for type in ("vote", "comment"):
            for line in self.of_type.get(type, []):
                self.about[line.about_kind, line.about_id].append(line)
        opened = select(Opening.entry_id, Opening.field, Opening.text).join(Entry, Entry.id == Opening.entry_id)
        rows = db.session.execute(opened.where(Entry.item == self.slug))
        self.opened = {(row.entry_id, row.field): row.text for row in rows}
        self.pseudonyms = {p.value: p for p in self._rows(Pseudonym)}

    def disagreements(self) -> Iterator[str]:
        yield from self._pseudonyms()
        yield from self._votes()
        yield from self._comments()
        yield from self._supports()
        yield from self._moderation()
        yield from self._final_count()
        yield from self._cells()

    def _rows(self, model: Any) -> list[Any]:
        return list(db.session.scalars(select(model).filter_by(regulation_id=self.regulation.id).order_by(model.id)))

    def _last(self, type: str, who: str) -> dict[str, Recorded]:
        """The last line under each pseudonym."""
        return {line.said[who]: line for line in self.of_type.get(type, [])}

    def _pseudonyms(self) -> Iterator[str]:
        for value, row in self.pseudonyms.items():
            if row.salt is None or row.identity is None:
                continue  # erased: nobody can say any more whose it was
            if _pseudonym(row) != value:
                yield f"pseudonym: row {row.id} does not give the pseudonym that stands in the record of {self.slug}."

    def _votes(self) -> Iterator[str]:
        last, rows = self._last("vote", "voter"), self._rows(Vote)
        held = {row.entry_id for row in rows}
        for row in rows:
            line = self.lines.get(row.entry_id)
            where = f"vote: row {row.id} on {self.slug}"
            if line is None or line.said["type"] != "vote":
                yield f"{where} names no line in the record."
                continue
            whose = self.pseudonyms.get(line.said["voter"])
            if not _is_whose(whose, row):
                yield f"{where} is not that of the voter of {line.named}."
            of_organisation = whose is not None and whose.organisation_id is not None
            if last[line.said["voter"]] is not line and not (row.choice is None and of_organisation):
                yield f"{where} names {line.named}, which is not the last one of that vote."
            if (row.choice is None) != line.said.get("withdrawn", False) or (
                row.choice is not None and self._another_side(line, "choice", row)
            ):
                yield f"{where} says something else than {line.named}."
            if (row.capacity, row.level) != (line.said["capacity"], line.said["level"]):
                yield f"{where} has another capacity or level than {line.named}."
            if not self._was_written_at(row, row.cast_at):
                yield f"{where} was cast at another time than the lines about it were written."
        accounts = {row.account_id for row in rows}
        for voter, line in last.items():
            whose = self.pseudonyms.get(voter)
            row_is_due = not line.said.get("withdrawn") or (whose is not None and whose.account_id is not None)
            if line.id not in held and row_is_due and (whose is None or whose.account_id not in accounts):
                yield f"vote: the row of {line.named} is missing."
        for entry_id in db.session.scalars(_RECEIPTS.where(Vote.regulation_id == self.regulation.id)):
            if entry_id not in self.lines:
                yield f"receipt: one for {self.slug} names {entry_id}, which the record does not have."

    def _another_side(self, line: Recorded, field: str, row: Any) -> bool:
        if "commit" in line.said:
            return self.opened.get((line.id, "commit")) != f"{row.choice}:{row.direction or ''}"
        return (line.said.get(field), line.said.get("direction")) != (row.choice, row.direction)

    def _comments(self) -> Iterator[str]:
        last, rows = self._last("comment", "author"), self._rows(Comment)
        acts = self._last_acts()
        gone = {line.said["author"] for line in self.of_type.get("comment", []) if line.id in self.erased}
        versions, levels = self._versions(), self._levels()
        yield from unmatched("comment", [row.entry_id for row in rows], last.values())
        for row in rows:
            line = self.lines.get(row.entry_id)
            if line is None or line.said["type"] != "comment":
                continue
            where, author = f"comment: {row.public_id} on {self.slug}", line.said["author"]
            if not _is_whose(self.pseudonyms.get(author), row):
                yield f"{where} is not that of the author of {line.named}."
            withdrawn, erased = bool(line.said.get("withdrawn")), author in gone
            if withdrawn != (row.status == CommentStatus.WITHDRAWN):
                yield f"{where} is {row.status}, which {line.named} does not say."
            elif not withdrawn and erased != (row.status == CommentStatus.ERASED):
                yield f"{where} is {row.status}, which no line about an erasure says."
            elif not withdrawn and not erased and row.status != LEAVES.get(acts.get(author, ""), PUBLISHED):
                yield f"{where} is {row.status}, which no act of a moderator on the record says."
            if erased and row.text:
                yield f"{where} still has the words that were erased."
            yield from self._erased(where, row)
            if versions.get(line.id, row.version) != row.version or row.level not in levels[row.account_id]:
                yield f"{where} was changed more or less often, or at another level, than the record says."
            if not self._was_written_at(row, row.written_at):
                yield f"{where} was written at another time than the lines about it."
            if not withdrawn:
                yield from self._words(where, row, line, erased)

    def _words(self, where: str, row: Comment, line: Recorded, erased: bool) -> Iterator[str]:
        if not erased and self.opened.get((line.id, "body_commit")) != row.text:
            yield f"{where} has other words than {line.named} commits to."
        if not (erased and "commit" in line.said) and self._another_side(line, "vote", row):
            yield f"{where} argues another side than {line.named}."
        if row.capacity != line.said["capacity"]:
            yield f"{where} has another capacity than {line.named}."

    def _erased(self, where: str, row: Comment) -> Iterator[str]:
        line = self.erasures.get(row.erasure_entry_id or "")
        if line is None and (row.erased_at, row.erasure_basis, row.erasure_entry_id) != (None, None, None):
            yield f"{where} is said to be erased, and no line says so."
        elif line is None:
            if any((e.about_kind, e.about_id) == ("Comment", row.id) for e in self.erasures.values()):
                yield f"{where} was erased, and does not say so."
        elif (line.about_id, line.said["basis"]) != (row.id, row.erasure_basis) or not line.is_of(row.erased_at):
            yield f"{where} was erased otherwise than {line.named} says."

    def _was_written_at(self, row: Any, moment: datetime) -> bool:
        """By one of its lines: what staff find out later is said in another, and leaves the moment as it is."""
        return any(line.is_of(moment) for line in self.about.get((type(row).__name__, row.id), []))

    def _levels(self) -> dict[int, set[int]]:
        """Which levels the lines of each person's vote say, by account."""
        votes = {row.id: row.account_id for row in self._rows(Vote)}
        found: dict[int, set[int]] = defaultdict(set)
        for line in self.of_type.get("vote", []):
            found[votes.get(line.about_id or 0, 0)].add(line.said["level"])
        return found

    def _versions(self) -> dict[str, int]:
        """Which of its author's wordings each line of a reason is of. Nobody can tell once any of them is erased."""
        found: dict[str, int] = {}
        before: dict[str, tuple[Any, ...]] = {}
        number: Counter[str] = Counter()
        gone = {line.said["author"] for line in self.of_type.get("comment", []) if line.id in self.erased}
        for line in self.of_type.get("comment", []):
            author, side = line.said["author"], self.opened.get((line.id, "commit"))
            words = (self.opened.get((line.id, "body_commit")), line.said.get("vote"), line.said.get("direction"), side)
            if author in gone:
                continue
            if "withdrawn" in line.said:
                before[author] = ()
            elif words != before.get(author):
                number[author] += 1
                before[author] = words
            found[line.id] = number[author]
        return found

    def _last_acts(self) -> dict[str, str]:
        """What moderators last did to each author's reason."""
        acts = {}
        for line in self.of_type.get("moderation", []):
            target = self.lines.get(line.said["target"])
            if target is not None:
                acts[target.said.get("author", "")] = line.said["action"]
        return acts

    def _supports(self) -> Iterator[str]:
        last, rows = self._last("support", "author"), self._rows(Support)
        author_of = {row.id: self._author(row.entry_id) for row in self._rows(Comment)}
        versions = self._versions()
        yield from unmatched("support", [row.entry_id for row in rows], last.values())
        for row in rows:
            line = self.lines.get(row.entry_id)
            if line is None or line.said["type"] != "support":
                continue
            where = f"support: row {row.id} on {self.slug}"
            if not _is_whose(self.pseudonyms.get(line.said["author"]), row):
                yield f"{where} is not that of the author of {line.named}."
            if row.stands == bool(line.said.get("withdrawn")):
                yield f"{where} stands where {line.named} says it does not, or the reverse."
            if author_of.get(row.comment_id) != self._author(line.said["comment"]):
                yield f"{where} is behind another reason than {line.named}."
            if row.stands and versions.get(line.said["comment"], row.version) != row.version:
                yield f"{where} is behind other words than those of {line.named}."

    def _author(self, entry_id: str | None) -> str:
        line = self.lines.get(entry_id or "")
        return line.said.get("author", "") if line is not None else ""

    def _moderation(self) -> Iterator[str]:
        wanted = select(ModerationAct).join(Comment, Comment.id == ModerationAct.comment_id)
        rows = db.session.scalars(wanted.where(Comment.regulation_id == self.regulation.id)).all()
        yield from unmatched("moderation_act", [row.entry_id for row in rows], self.of_type.get("moderation", []))
        author_of = {row.id: self._author(row.entry_id) for row in self._rows(Comment)}
        for row in rows:
            line = self.lines.get(row.entry_id or "")
            if line is None:
                continue
            said = (line.said["action"], line.said["rule"], line.said["actor"], line.said["target"])
            kept = (row.action, row.rule, row.office, row.target or line.said["target"])
            if kept != said or self.opened.get((line.id, "reason_commit")) != row.reason:
                yield f"moderation_act: row {row.id} on {self.slug} says something else than {line.named}."
            if not line.is_of(row.done_at):
                yield f"moderation_act: row {row.id} on {self.slug} was done at another time than {line.named}."
            if author_of.get(row.comment_id) != self._author(line.said["target"]):
                yield f"moderation_act: row {row.id} on {self.slug} is about another reason than {line.named}."

    def _final_count(self) -> Iterator[str]:
        tallies, rows = self.of_type.get("tally", []), self._rows(FrozenTally)
        yield from unmatched("frozen_tally", [row.entry_id for row in rows], tallies)
        for row in rows:
            line = self.lines.get(row.entry_id)
            if line is not None and row.at_size != line.said.get("at_size"):
                yield f"frozen_tally: {self.slug} is counted over another size than {line.named} says."
            if line is not None and not line.is_of(row.frozen_at):
                yield f"frozen_tally: {self.slug} became final at another time than {line.named}."
        frozen = self.regulation.frozen_at is not None
        if tallies and frozen and not tallies[-1].is_of(self.regulation.frozen_at):
            yield f"theme: that of {self.slug} became final at another time than {tallies[-1].named}."
        if tallies and not frozen:
            yield f"theme: that of {self.slug} is not final in the database, though {tallies[0].named} says so."
        if frozen and not tallies and self.regulation.settled is None:
            yield f"theme: that of {self.slug} is final in the database, and no line counts this regulation."

    def _cells(self) -> Iterator[str]:
        """What the follower has folded, against a count of our own over the same entries."""
        wanted = select(TallyCell).filter_by(regulation_id=self.regulation.id)
        cells = list(db.session.scalars(wanted))
        folded = {(c.capacity, c.level, c.choice, c.direction): c.votes for c in cells if c.votes}
        counted = self._counted()
        if folded != dict(counted):
            yield f"tally_cell: the counts of {self.slug} are not those of the record’s first {self.position:,} lines."
        total = db.session.get(TallyTotal, self.regulation.id)
        counts = rules.add_up(Cell(Capacity(key[0]), *key[1:], votes) for key, votes in counted.items()).counts
        if any(getattr(total, name, 0) != count for name, count in counts.items()):
            yield f"tally_total: the totals of {self.slug} are not what its votes add up to."

    def _counted(self) -> Counter[CellKey]:
        def is_folded(line: Recorded) -> bool:
            return line.idx is not None and line.idx < self.position

        last: dict[str, Recorded] = {}
        for line in filter(is_folded, self.of_type.get("vote", [])):
            last[line.said["voter"]] = line
        final = any(map(is_folded, self.of_type.get("tally", [])))
        counted: Counter[CellKey] = Counter()
        for line in last.values():
            said = line.said
            if said.get("withdrawn"):
                continue
            choice, direction = said.get("choice", ""), said.get("direction", "")
            if "commit" in said and final:
                choice, _, direction = self.opened.get((line.id, "commit"), "").partition(":")
            counted[said["capacity"], said["level"], choice, direction] += 1
        return counted


_RECEIPTS = select(Receipt.entry_id).join(Vote, Vote.id == Receipt.vote_id)


def _pseudonym(row: Pseudonym) -> str:
    try:
        return entries.pseudonym(row.kind, row.salt or b"", json.loads(row.identity or ""))
    except ValueError:
        return ""


def _is_whose(whose: Pseudonym | None, row: Any) -> bool:
    """Whether a pseudonym is that of the person, or the organisation, whose row it is."""
    if whose is None or whose.regulation_id != row.regulation_id:
        return False
    if whose.organisation_id is None:
        return whose.account_id == row.account_id and getattr(row, "organisation_id", None) is None
    return isinstance(row, Vote) and whose.organisation_id == row.organisation_id
