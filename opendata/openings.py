"""The texts that lines of the record stand for: which of them may be read by all, and why others may not.

The rule is told once, in why_absent(). It is asked of a single line by what the database holds just now, and of all
lines below a size by what those lines say.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from typing import Any

from sqlalchemy import select

from analysis.models import PointWording
from analysis.services import point_text
from audit.agreement import Recorded, recorded, streamed
from audit.entries import text_digest
from audit.models import Entry, Opening
from audit.queries import read, said_in
from core.db import db
from decisions.answers import answer_text
from decisions.milestones import milestone_text
from decisions.models import Answer, Decision, MilestoneAct
from decisions.services import decision_text
from opendata.submission_openings import FIELD, SentIn, Shut, why_shut_now
from regulations.census import census_text
from regulations.listed import texts_of
from regulations.models import Census, CensusItem, Regulation, Theme
from regulations.rules import Split
from regulations.services import theme_text
from voting.models import Comment, FrozenTally, ModerationAct


class Because(StrEnum):
    """Why a text cannot be read."""

    KEPT = "kept"
    ERASED = "erased"
    WITHDRAWN = "withdrawn"
    HELD = "held"
    HIDDEN = "hidden"
    MASKED = "masked"
    REPLACED = "replaced"
    WITHHELD = "withheld"
    """A submission that is counted and not shown, by a public rule."""
    MISSING = "missing"
    """It ought to be there. Nothing on the record says why it is not."""


@dataclass(frozen=True)
class Opened:
    """A text that anybody may hold against its line. ``kind`` and ``salt`` are empty where a plain digest stands."""

    entry: str
    field: str
    text: str
    kind: str = ""
    salt: str = ""

    def said(self) -> dict[str, str]:
        sealed = {"kind": self.kind, "salt": self.salt} if self.salt else {}
        return {"entry": self.entry, "field": self.field, **sealed, "text": self.text}


@dataclass(frozen=True)
class Absent:
    """A text that cannot be read. ``by`` is the line of the act that took it away."""

    field: str
    because: Because
    by: str | None


@dataclass(frozen=True)
class OpeningsOfLine:
    entry: str
    opened: Sequence[Opened] = ()
    absent: Sequence[Absent] = ()


class NotYet(RuntimeError):
    """Something was hidden or erased that no checkpoint says yet: what it took away cannot be left out so far."""


@dataclass
class Reason:
    """One person's reason on one regulation, over all its lines: as its last one has it."""

    latest: str
    withdrawn: bool = False
    action: str = ""
    act: str | None = None
    """The last act of a moderator on any of its lines, and that act's own line."""


SHUT_BY = {"hide": Because.HIDDEN, "hold": Because.HELD, "mask": Because.MASKED}
ALWAYS_OPEN = {
    ("moderation", "reason_commit"),
    ("window", "reason_commit"),
    ("due", "reason_commit"),
    ("incident", "reason_commit"),
    ("invalidation", "targets_commit"),
    ("reinstatement", "targets_commit"),
}
OF_REASONS = {("comment", "body_commit"), ("comment", "commit"), ("moderation", "body_commit")}


def is_ever_open(type: str, field: str) -> bool:
    return (type, field) in ALWAYS_OPEN | OF_REASONS | {FIELD, ("vote", "commit")}


def why_absent(
    line: str, field: str, type: str, *, kept: bool, reason: Reason | None, erased_by: str | None
) -> Absent | None:
    """Why the text behind a line's field is not to be read, or None where it is.

    ``kept`` says that the theme keeps its split and the count is not final; ``reason`` is the one that a comment's or
    a mask's line belongs to.
    """
    if (type, field) in ALWAYS_OPEN:
        return None
    if kept:
        return Absent(field, Because.KEPT, None)
    if reason is None:
        return None
    if erased_by is not None:
        return Absent(field, Because.ERASED, erased_by)
    if reason.withdrawn:
        return Absent(field, Because.WITHDRAWN, reason.latest)
    if type == "moderation":
        return None if reason.act == line else Absent(field, Because.REPLACED, reason.act)
    if reason.action in SHUT_BY:
        return Absent(field, SHUT_BY[reason.action], reason.act)
    if reason.latest != line:
        return Absent(field, Because.REPLACED, reason.latest)
    return None


def openings_of_line(entry_id: str) -> OpeningsOfLine | None:
    """Of one line as things stand now; None when there is no such line."""
    rows = db.session.execute(_LINE_WITH_OPENINGS.where(Entry.id == entry_id)).all()
    if not rows:
        return None
    found, said = rows[0], said_in(rows[0].body)
    if found.type in PLAIN and (digest := said.get(PLAIN[found.type].field)):
        texts = PLAIN[found.type].texts({entry_id: found.about_id})
        return OpeningsOfLine(entry_id, [o for o in texts if text_digest(o.text) == digest])
    if found.type == FIELD[0] and FIELD[1] in said:
        shut = _absent(why_shut_now(said.get("reference", ""), entry_id))
        if shut is None and found.field is None:
            shut = Absent(FIELD[1], Because.MISSING, None)
        return OpeningsOfLine(entry_id, (), [shut]) if shut else OpeningsOfLine(entry_id, [_opened(found)])
    fields = [name for name in said if is_ever_open(found.type, name)]
    if not fields:
        return OpeningsOfLine(entry_id)
    kept = found.split == Split.KEPT and found.frozen_id is None
    reason = _reason_now(found)
    there = {row.field: row for row in rows if row.field is not None}
    opened, absent = [], []
    for name in fields:
        erased_by = None
        if name not in there and found.item:
            erased_by = _erasure_of({entry_id, reason.latest if reason else ""}, found.item)
        why = why_absent(entry_id, name, found.type, kept=kept, reason=reason, erased_by=erased_by)
        if why is None and name not in there:
            why = Absent(name, Because.MISSING, None)
        if why is None:
            opened.append(_opened(there[name]))
        else:
            absent.append(why)
    return OpeningsOfLine(entry_id, opened, absent)


_LINE_WITH_OPENINGS: Any = (
    select(
        Entry.id.label("entry_id"), Entry.type, Entry.item, Entry.body, Entry.about_kind, Entry.about_id,
        Opening.field, Opening.kind, Opening.salt, Opening.text, Theme.split, FrozenTally.id.label("frozen_id"),
    )
    .outerjoin(Opening, Opening.entry_id == Entry.id)
    .outerjoin(Regulation, Regulation.slug == Entry.item)
    .outerjoin(Theme, Theme.id == Regulation.theme_id)
    .outerjoin(FrozenTally, FrozenTally.regulation_id == Regulation.id)
)  # fmt: skip


def _opened(row: Any) -> Opened:
    return Opened(row.entry_id, row.field, row.text, row.kind, row.salt.hex())


def _absent(shut: Shut | None) -> Absent | None:
    return Absent(FIELD[1], Because(shut.because), shut.by) if shut else None


def _reason_now(line: Any) -> Reason | None:
    if line.about_kind == Comment.__name__:
        about = Comment.id == line.about_id
    elif line.about_kind == ModerationAct.__name__:
        about = (
            Comment.id == select(ModerationAct.comment_id).where(ModerationAct.id == line.about_id).scalar_subquery()
        )
    else:
        return None
    acts = (
        select(Entry.id.label("latest"), Entry.body, ModerationAct.action, ModerationAct.entry_id.label("act"))
        .join(Comment, Comment.entry_id == Entry.id)
        .outerjoin(ModerationAct, ModerationAct.comment_id == Comment.id)
        .where(about)
    )
    row = db.session.execute(acts.order_by(ModerationAct.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return Reason(row.latest, bool(read(row.body).get("withdrawn")), row.action or "", row.act)


def _erasure_of(lines: set[str], item: str) -> str | None:
    erasures = select(Entry.body).where(Entry.item == item, Entry.type == "erasure").order_by(Entry.seq)
    found = [said["id"] for said in map(read, db.session.scalars(erasures)) if said["target"] in lines]
    return found[0] if found else None


@dataclass
class Standing:
    """How every reason stands after the lines taken in so far, which come in their order in the record."""

    reasons: dict[str, Reason] = field(default_factory=dict)
    """By the id of each of its lines, and of each act on it."""
    erased: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    themes: dict[str, str] = field(default_factory=dict)
    final: set[str] = field(default_factory=set)
    sent_in: SentIn = field(default_factory=SentIn)

    TYPES = ("theme", "item.version", "tally", "comment", "moderation", "erasure", "submission")

    def take(self, line: Recorded) -> None:
        said = line.said
        match said["type"]:
            case "theme":
                self.splits[said["theme"]] = said["split"]
            case "item.version":
                self.themes[said["item"]] = said["theme"]
            case "tally":
                self.final.add(said["item"])
                self.sent_in.final.add(self.themes.get(said["item"], ""))
            case "submission":
                self.sent_in.take(line.id, said)
            case "comment":
                reason = self.reasons.get(said.get("prev", "")) or Reason(line.id)
                reason.latest, reason.withdrawn = line.id, bool(said.get("withdrawn"))
                self.reasons[line.id] = reason
            case "moderation":
                if (meant := self.reasons.get(said["target"])) is not None:
                    meant.action, meant.act = said["action"], line.id
                    self.reasons[line.id] = meant
            case "erasure":
                self.erased[said["target"]] = line.id

    def is_kept(self, item: str) -> bool:
        return self.splits.get(self.themes.get(item, "")) == Split.KEPT and item not in self.final

    def why_absent(self, line: str, field: str, type: str, item: str) -> Absent | None:
        if (type, field) == FIELD:
            return _absent(self.sent_in.why_shut(line, self.splits, self.erased.get(line)))
        reason = self.reasons.get(line)
        erased_by = self.erased.get(line)
        if type == "moderation" and reason is not None:  # the words a mask leaves go with the reason they are of
            erased_by = erased_by or self.erased.get(reason.latest)
        return why_absent(line, field, type, kept=self.is_kept(item), reason=reason, erased_by=erased_by)


def openings_below(size: int) -> Iterator[Opened]:
    """All that may be read of the first ``size`` lines by what those say, sorted by line and field.

    Call it within a snapshot() begun after the checkpoint of that size was read. Raises NotYet.
    """
    standing = Standing()
    for line in recorded(*Standing.TYPES, below=size):
        standing.take(line)
    for line in recorded("moderation", "erasure", since=size):
        reason = standing.reasons.get(line.said["target"])
        if reason is not None and (line.said["type"] == "erasure" or line.said["action"] in SHUT_BY):
            raise NotYet("A reason was hidden or erased since the last checkpoint was signed.")
    if any(standing.sent_in.takes_away(line.said) for line in recorded(FIELD[0], since=size)):
        raise NotYet("A submission was withheld since the last checkpoint was signed.")
    return merge(_sealed_below(size, standing), sorted(_plain_below(size), key=_place), key=_place)


def _place(opened: Opened) -> tuple[str, str]:
    return opened.entry, opened.field


def _sealed_below(size: int, standing: Standing) -> Iterator[Opened]:
    columns = (Opening.entry_id, Opening.field, Opening.kind, Opening.salt, Opening.text, Entry.type, Entry.item)
    wanted = select(*columns).join(Entry, Entry.id == Opening.entry_id).where(Entry.idx < size)
    for row in streamed(wanted.order_by(Opening.entry_id, Opening.field)):
        if is_ever_open(row.type, row.field) and not standing.why_absent(
            row.entry_id, row.field, row.type, row.item or ""
        ):
            yield _opened(row)


@dataclass(frozen=True)
class Plain:
    """A digest of words that are public anyway, and where those words are kept."""

    field: str
    texts: Callable[[dict[str, int]], Iterable[Opened]]
    """From the ids of lines, each with the row it is about."""


def _decision_texts(lines: dict[str, int]) -> Iterator[Opened]:
    for decision in db.session.scalars(select(Decision).where(Decision.entry_id.in_(lines))):
        yield Opened(decision.entry_id or "", "statement_sha256", decision_text(decision))


def _theme_texts(lines: dict[str, int]) -> Iterator[Opened]:
    themes = {theme.id: theme for theme in db.session.scalars(select(Theme).where(Theme.id.in_(lines.values())))}
    yield from (Opened(id, "text_sha256", theme_text(themes[about])) for id, about in lines.items() if about in themes)


def _census_texts(lines: dict[str, int]) -> Iterator[Opened]:
    wanted = (
        select(Census.entry_id, Regulation.slug)
        .join(CensusItem, CensusItem.census_id == Census.id, isouter=True)
        .join(Regulation, Regulation.id == CensusItem.regulation_id, isouter=True)
        .where(Census.entry_id.in_(lines))
    )
    counted: dict[str, list[str]] = {}
    for entry_id, slug in db.session.execute(wanted):
        counted.setdefault(entry_id or "", []).extend([slug] if slug else [])
    yield from (Opened(id, "items_sha256", census_text(slugs)) for id, slugs in counted.items())


def _listing_texts(lines: dict[str, int]) -> Iterator[Opened]:
    found = texts_of(lines.values())
    yield from (Opened(id, "text_sha256", found[about]) for id, about in lines.items() if about in found)


def _point_texts(lines: dict[str, int]) -> Iterator[Opened]:
    """Each line's own words: those that were replaced stay readable."""
    columns = (PointWording.entry_id, PointWording.title, PointWording.summary)
    for row in db.session.execute(select(*columns).where(PointWording.entry_id.in_(lines))):
        yield Opened(row.entry_id, "text_sha256", point_text(row.title, row.summary))


def _milestone_texts(lines: dict[str, int]) -> Iterator[Opened]:
    """Likewise: what was said of a step earlier stays readable when it moves on."""
    columns = (MilestoneAct.entry_id, MilestoneAct.words, MilestoneAct.instrument, MilestoneAct.reason)
    for row in db.session.execute(select(*columns).where(MilestoneAct.entry_id.in_(lines))):
        yield Opened(row.entry_id, "text_sha256", milestone_text(row.words, row.instrument, row.reason))


def _answer_texts(lines: dict[str, int]) -> Iterator[Opened]:
    for answer in db.session.scalars(select(Answer).where(Answer.entry_id.in_(lines))):
        yield Opened(answer.entry_id or "", "text_sha256", answer_text(answer))


PLAIN = {
    "decision": Plain("statement_sha256", _decision_texts),
    "theme": Plain("text_sha256", _theme_texts),
    "item.version": Plain("text_sha256", _listing_texts),
    "point": Plain("text_sha256", _point_texts),
    "answer": Plain("text_sha256", _answer_texts),
    "milestone": Plain("text_sha256", _milestone_texts),
    "census": Plain("items_sha256", _census_texts),
}


def _plain_below(size: int) -> Iterator[Opened]:
    """Words that no longer give the digest in their line are given all the same: whoever checks is to find that out."""
    for type, plain in PLAIN.items():
        about = select(Entry.id, Entry.about_id).where(Entry.type == type, Entry.idx < size).order_by(Entry.idx)
        for some in db.session.execute(about).partitions(500):
            yield from plain.texts({row.id: row.about_id for row in some})
