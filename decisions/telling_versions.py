"""How two versions of a draft differ, in words that an official reads: names for ids, days for dates."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from accounts.models import Post
from accounts.rules import Capacity
from analysis.models import Point
from core.clock import in_uk
from core.db import db
from decisions.changes import Changed, changes
from decisions.models import AnswerDraft, AnswerVersion, Decision, DraftVersion
from decisions.rules import Outcome, Verdict
from decisions.versions import LABELS, answers_in
from voting.models import Comment
from voting.queries import reasons_named
from voting.rules import Direction
from voting.shown import Reason

Words = Mapping[str, Any]
MOST_OF_A_REASON = 160
MOST_AT_ONCE = 10


def differences(regulation_id: int, pairs: Sequence[tuple[Words, Words]]) -> list[list[Changed]]:
    """For each pair of an earlier and a later version, the parts that say something else."""
    named = _named(regulation_id, [words for pair in pairs for words in pair])
    answers = _answers(regulation_id, pairs)
    return [
        [part for part in changes(_parts(one, named, answers), _parts(other, named, answers)) if part.is_changed]
        for one, other in pairs
    ]


def changed_since(earlier: DraftVersion, words: Words) -> list[Changed]:
    """The parts of a draft, its answers among them, that say something else than when it was sent back."""
    return differences(earlier.regulation_id, [(earlier.words, words)])[0]


@dataclass(frozen=True)
class VersionTold:
    """One version as the page of versions shows it."""

    version: int
    office: str
    written_at: datetime
    note: str
    noted_by: str
    noted_at: datetime | None
    decision: str
    """The reference of what it became; nothing while it is being written."""
    is_first: bool
    changed: list[Changed]
    """From the one before."""


def count_versions(regulation_id: int) -> int:
    return db.session.scalar(select(func.count()).where(DraftVersion.regulation_id == regulation_id)) or 0


def versions_told(regulation_id: int, *, offset: int = 0) -> list[VersionTold]:
    """The newest first, with those that became decisions already."""
    wanted = (
        select(
            DraftVersion.version, DraftVersion.words, DraftVersion.written_at, DraftVersion.note, DraftVersion.noted_by,
            DraftVersion.noted_at, DraftVersion.decision_id, func.coalesce(Post.office, "").label("office"),
            func.coalesce(Decision.reference, "").label("decision"),
        )
        .outerjoin(Post, Post.account_id == DraftVersion.written_by_id)
        .outerjoin(Decision, Decision.id == DraftVersion.decision_id)
        .where(DraftVersion.regulation_id == regulation_id)
        .order_by(DraftVersion.id.desc())
        .offset(offset)
        .limit(MOST_AT_ONCE + 1)
    )  # fmt: skip
    rows = list(db.session.execute(wanted))
    pairs = [
        (earlier.words if earlier is not None and earlier.decision_id == row.decision_id else {}, row.words)
        for row, earlier in zip(rows, [*rows[1:], None], strict=True)
    ][:MOST_AT_ONCE]
    found = zip(rows, pairs, differences(regulation_id, pairs), strict=False)
    return [
        VersionTold(
            row.version, row.office, row.written_at, row.note, row.noted_by, row.noted_at, row.decision,
            is_first=not before, changed=changed,
        )
        for row, (before, _), changed in found
    ]  # fmt: skip


Named = Mapping[str, str]
Answers = Mapping[tuple[int, int], tuple[str, str]]


def _named(regulation_id: int, several: Iterable[Words]) -> Named:
    """What to call the reasons and points that versions cite, where not all cite the same."""
    said = list(several)
    found: dict[str, str] = {}
    reasons, points = (_not_in_all(said, name) for name in ("cited_comments", "cited_points"))
    for reason in reasons_named(regulation_id, reasons):
        found[reason.public_id] = _called(reason)
    if points:
        wanted = select(Point.public_id, Point.title).where(Point.public_id.in_(points))
        found |= {row.public_id: row.title for row in db.session.execute(wanted)}
    return found


def _not_in_all(several: Sequence[Words], name: str) -> set[str]:
    cited = [set(words.get(name) or ()) for words in several]
    return set().union(*cited) - set.intersection(*cited) if cited else set()


def _called(reason: Reason) -> str:
    if not reason.is_readable:
        return "A reason that cannot be read any more"
    text = " ".join(reason.text.split())
    return f"“{text if len(text) <= MOST_OF_A_REASON else text[:MOST_OF_A_REASON] + '…'}” ({reason.who})"


def _answers(regulation_id: int, pairs: Sequence[tuple[Words, Words]]) -> Answers:
    """What those answers said, and to whom, that are not the same in both versions of a pair."""
    numbers = {answer for one, other in pairs for answer in answers_in(one) ^ answers_in(other)}
    if not numbers:
        return {}
    wanted = (
        select(
            AnswerVersion.answer_draft_id, AnswerVersion.version, AnswerVersion.verdict, AnswerVersion.reasons,
            Point.title, Comment.public_id,
        )
        .join(AnswerDraft, AnswerDraft.id == AnswerVersion.answer_draft_id)
        .outerjoin(Point, Point.id == AnswerDraft.point_id)
        .outerjoin(Comment, Comment.id == AnswerDraft.comment_id)
        .where(AnswerVersion.answer_draft_id.in_({id for id, _ in numbers}))
        .order_by(AnswerVersion.answer_draft_id)
    )  # fmt: skip
    rows = [row for row in db.session.execute(wanted) if (row.answer_draft_id, row.version) in numbers and row.verdict]
    alone = {row.public_id for row in rows if row.public_id}
    said = {reason.public_id: _called(reason) for reason in reasons_named(regulation_id, alone)}
    labels: dict[str, int] = {}
    told = {}
    for row in rows:
        about = said.get(row.public_id, "one comment") if row.public_id else f"“{row.title}”"
        first = labels.setdefault(about, row.answer_draft_id)
        label = f"Answer to {about}" + ("" if first == row.answer_draft_id else f" ({row.answer_draft_id})")
        told[row.answer_draft_id, row.version] = label, f"{Verdict(row.verdict).told}\n{row.reasons}"
    return told


def _parts(words: Words, named: Named, answers: Answers) -> dict[str, str]:
    parts = {label: _in_words(name, words.get(name), named) for name, label in LABELS.items()}
    for answer in sorted(answers_in(words)):
        if answer in answers:
            label, text = answers[answer]
            parts[label] = text
    return parts


def _in_words(name: str, value: Any, named: Named) -> str:
    if value is None or value == "":
        return ""
    if name in _TOLD:
        return str(_TOLD[name](value))
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Mapping):
        return "\n".join(f"{Capacity(who).plural}: {said}" for who, said in value.items())
    if isinstance(value, Collection) and not isinstance(value, str):
        return "\n".join(named.get(each, each) for each in value)
    return str(value)


def _day(value: str) -> str:
    return f"{date.fromisoformat(value):%-d %B %Y}"


def _time(value: str) -> str:
    return f"{in_uk(datetime.fromisoformat(value)):%-d %B %Y, %H:%M}"


_TOLD: dict[str, Any] = {
    "outcome": lambda value: Outcome(value).label,
    "direction": lambda value: Direction(value).label,
    "covers": lambda value: "\n".join(Capacity(who).plural for who in value),
    "due_on": _day,
    "review_on": _day,
    "publish_at": _time,
}
