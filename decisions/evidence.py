"""What a decision rests on, as it stood when the count it was taken on became final."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Date, case, cast, func, literal, null, or_, select, union_all

from accounts.rules import Capacity
from analysis.models import Point, Submission
from analysis.queries import PointRow
from audit.models import Entry
from audit.queries import log_size, read
from core.db import db
from core.errors import RuleBroken
from decisions import rules
from decisions.documents import documents_in
from decisions.rules import Proposal
from regulations.models import Regulation
from voting.models import FrozenTally
from voting.queries import reasons_named
from voting.rules import Tally
from voting.shown import Reason

Piece = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """What whoever asks has read already, so that it is not read once more."""

    tally: Tally
    frozen: FrozenTally | None
    points: Sequence[PointRow]
    """All that stand."""
    reasons: Sequence[Reason]
    """Those cited."""


def evidence_of(
    proposal: Proposal, regulation: Regulation, tally: Tally, frozen: FrozenTally | None, known: Known | None = None
) -> list[Piece]:
    """Everything a decision keeps of what it rests on; the count only once it is final.

    Raises RuleBroken when something cited can no longer be read.
    """
    cited = known.reasons if known else reasons_named(regulation.id, proposal.cited_comments)
    points = known.points if known else _standing(proposal.cited_points, regulation.id)
    pieces = _comments(proposal.cited_comments, cited)
    pieces += _points(proposal.cited_points, points)
    pieces += _submissions(proposal.cited_submissions, regulation)
    pieces += [{"kind": "document", **document} for document in documents_in(proposal.documents)[0]]
    if proposal.other_evidence:
        pieces.append({"kind": "other", "text": proposal.other_evidence})
    if frozen is not None:
        pieces += _as_it_stood(regulation.slug, tally, frozen)
    return pieces


def _comments(cited: Collection[str], reasons: Sequence[Reason]) -> list[Piece]:
    found = {reason.public_id: reason for reason in reasons}
    readable = [name for name in cited if name in found and found[name].is_readable]
    rules.check_cited(cited, readable)
    return [
        {"kind": "comment", "comment": name, "entry": found[name].entry_id, "side": found[name].choice}
        for name in readable
    ]


def _standing(cited: Collection[str], regulation_id: int) -> Sequence[Any]:
    if not cited:
        return []
    wanted = select(Point.public_id, Point.entry_id, Point.title, Point.summary).where(
        Point.regulation_id == regulation_id, Point.public_id.in_(cited), Point.withdrawn_at.is_(None)
    )
    return db.session.execute(wanted).all()


def _points(cited: Collection[str], standing: Sequence[Any]) -> list[Piece]:
    found = {row.public_id: row for row in standing}
    if set(cited) - set(found):
        raise RuleBroken("A point this decision cites has been taken back since.", field="cited_points")
    return [
        {
            "kind": "point",
            "point": name,
            "entry": found[name].entry_id,
            "title": found[name].title,
            "summary": found[name].summary,
        }
        for name in cited
    ]


def _submissions(cited: Collection[str], regulation: Regulation) -> list[Piece]:
    if not cited:
        return []
    columns = (Submission.reference, Submission.entry_id, Submission.how, Submission.withheld, Entry.body)
    wanted = select(*columns).join(Entry, Entry.id == Submission.entry_id)
    wanted = wanted.where(_may_be_cited(regulation), Submission.reference.in_(cited))
    found = {row.reference: row for row in db.session.execute(wanted)}
    if set(cited) - set(found):
        raise RuleBroken("A submission this decision cites is not on this regulation.", field="cited_submissions")
    return [_submission(found[name]) for name in cited]


def _submission(row: Any) -> Piece:
    """By what its line says of it, which is all that may be said of one withheld: a bare digest could be guessed at."""
    line = read(row.body)
    piece = {"kind": "submission", "reference": row.reference, "entry": row.entry_id, "how": row.how}
    piece |= {"withheld": row.withheld, "text_commit": line.get("text_commit", "")}
    return piece | {name: line[name] for name in ("file_sha256", "signatures") if name in line}


def _as_it_stood(item: str, tally: Tally, frozen: FrozenTally) -> list[Piece]:
    parts = {str(who): part.counts for who in Capacity for label, part in tally.by_capacity if label == who.plural}
    placed = Entry.idx.is_not(None)
    listed = select(Entry.id, Entry.body).where(Entry.type == "item.version", Entry.item == item, placed)
    version = db.session.execute(listed.order_by(Entry.idx.desc()).limit(1)).one_or_none()
    pieces: list[Piece] = []
    if version is not None:
        text = read(version.body)["text_sha256"]
        pieces.append({"kind": "version", "entry": version.id, "text_sha256": text})
    count = {"kind": "tally", "entry": frozen.entry_id, "at_size": frozen.at_size, "counts": tally.counts}
    return [*pieces, count | {"by_capacity": parts}]


def frozen_at(evidence: Collection[Piece]) -> int:
    """The size of the record at which evidence is frozen: every line it names stands among the first so many.

    Raises RuleBroken while one of them waits for its place, which takes a second or two.
    """
    named = [piece["entry"] for piece in evidence if "entry" in piece]
    placed = select(func.count()).where(Entry.id.in_(named), Entry.idx.is_not(None))
    if db.session.scalar(placed) != len(set(named)):
        raise RuleBroken(
            "Something this decision cites was changed a moment ago, and that has no place in the record yet. "
            "Nothing is lost: approve the decision again in a few seconds."
        )
    return log_size()  # asked after them, so that none can have come in between


@dataclass(frozen=True)
class ToCite:
    """A point or a submission, as the form lists it."""

    name: str
    words: str


def to_cite(regulation: Regulation) -> tuple[list[ToCite], list[ToCite]]:
    """The points of a regulation, and the submissions on it or on its whole theme, read at once."""
    points = select(
        literal("point"), Point.public_id, Point.title, literal(""), cast(null(), Date), literal(False), Point.id,
    ).where(Point.regulation_id == regulation.id, Point.withdrawn_at.is_(None))  # fmt: skip
    whose = case((Submission.organisation_name != "", Submission.organisation_name), else_=Submission.capacity)
    submissions = select(
        Submission.how, Submission.reference, Submission.reference, whose, Submission.received_on,
        Submission.withheld, Submission.id,
    ).where(_may_be_cited(regulation))  # fmt: skip
    found: tuple[list[ToCite], list[ToCite]] = ([], [])
    for how, name, title, by, on, withheld, _ in sorted(db.session.execute(union_all(points, submissions)), key=_order):
        if how == "point":
            found[0].append(ToCite(name, title))
        else:
            who = Capacity(by).label if by in set(Capacity) else by
            words = f"{title}: {how.replace('_', ' ')}, {who}, {on:%-d %B %Y}"
            found[1].append(ToCite(name, f"{words}, withheld" if withheld else words))
    return found


def _order(row: Any) -> int:
    return int(row[6])


def _may_be_cited(regulation: Regulation) -> Any:
    on_theme = (Submission.theme_id == regulation.theme_id) & Submission.regulation_id.is_(None)
    return or_(Submission.regulation_id == regulation.id, on_theme)


@dataclass(frozen=True)
class Cited:
    """One piece of evidence as a page shows it. ``reason`` is None for all but comments, and for what was erased."""

    kind: str
    text: str = ""
    side: str = ""
    entry: str = ""
    reason: Reason | None = None
    title: str = ""
    point: str = ""
    address: str = ""
    sha256: str = ""
    withheld: bool = False
    signatures: int = 0
    """Of a petition: not votes."""


def cited_in(decision: Any, known: Known | None = None) -> list[Cited]:
    """What the page shows under evidence. The count and the version of the regulation stand elsewhere on it."""
    names = [piece["comment"] for piece in decision.evidence if piece["kind"] == "comment"]
    reasons = known.reasons if known else reasons_named(decision.regulation_id, names)
    found = {reason.public_id: reason for reason in reasons}
    shown = {
        "comment": lambda p: Cited("comment", side=p["side"], entry=p["entry"], reason=found.get(p["comment"])),
        "point": lambda p: Cited("point", p["summary"], entry=p["entry"], title=p["title"], point=p["point"]),
        "submission": lambda p: Cited(
            "submission",
            p["how"],
            entry=p["entry"],
            title=p["reference"],
            withheld=p["withheld"],
            sha256=p.get("file_sha256", ""),
            signatures=p.get("signatures", 0),
        ),
        "document": lambda p: Cited("document", title=p["title"], address=p["address"], sha256=p.get("sha256", "")),
        "other": lambda p: Cited("other", p["text"]),
    }
    return [shown[piece["kind"]](piece) for piece in decision.evidence if piece["kind"] in shown]


def version_in(decision: Any) -> str:
    """The line of the regulation's wording that was decided on, or nothing for the first decisions."""
    return next((piece["entry"] for piece in decision.evidence if piece["kind"] == "version"), "")
