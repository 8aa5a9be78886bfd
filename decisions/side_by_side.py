"""Two decisions on one regulation: all that readers see of either, pair by pair, with what differs marked."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from accounts.rules import Capacity
from core.clock import in_uk
from core.errors import NotFound
from decisions import comparing
from decisions.answers import AnswerRow, answers_given_in
from decisions.changes import Changed, compared
from decisions.milestones import MilestoneRow, milestones_of
from decisions.queries import DecisionRow, decision_with
from decisions.rules import EVERYONE, Outcome
from voting.queries import reasons_named
from voting.rules import Direction
from voting.shown import Reason

QUOTED = 300
"""Characters of a reason that is cited or answered: all of it stands on the decision's own page."""


def two_decisions(one: str, other: str) -> tuple[DecisionRow, DecisionRow]:
    """The earlier and the later. Raises NotFound unless they are two on the same regulation."""
    found = sorted(
        (decision_with(one), decision_with(other)), key=lambda decision: (decision.published_at, decision.reference)
    )
    if found[0].regulation_id != found[1].regulation_id or found[0].reference == found[1].reference:
        raise NotFound("These are not two decisions on the same regulation.")
    return found[0], found[1]


@dataclass(frozen=True)
class Section:
    """What two decisions say on one matter."""

    id: str
    title: str
    parts: list[Changed]

    @property
    def changed(self) -> list[Changed]:
        return [part for part in self.parts if part.is_changed]

    @property
    def same(self) -> list[Changed]:
        return [part for part in self.parts if not part.is_changed]


def side_by_side(earlier: DecisionRow, later: DecisionRow) -> list[Section]:
    cited = [piece["comment"] for decision in (earlier, later) for piece in _pieces(decision, "comment")]
    reasons = {reason.public_id: reason for reason in reasons_named(later.regulation_id, set(cited))}
    before, after = (_Whole(each, reasons) for each in (earlier, later))
    sections = [Section(id, title, _paired(said(before), said(after))) for id, title, said in _MATTERS]
    return [section for section in sections if section.parts]


class _Whole:
    """A decision with what is read beside it."""

    def __init__(self, decision: DecisionRow, reasons: Mapping[str, Reason]):
        self.decision = decision
        self.reasons = reasons
        self.answers: list[AnswerRow] = answers_given_in(decision.reference)
        self.steps: list[MilestoneRow] = milestones_of(decision.reference)


@dataclass(frozen=True)
class _Said:
    label: str
    text: str
    about: str = ""
    """The words that it is about, which stand above it where they differ too."""


_Parts = Mapping[str, _Said]
"""By what each is about, in the order of the page."""


def _paired(before: _Parts, after: _Parts) -> list[Changed]:
    """In the order of the later one, then what the earlier one alone says; what neither says is left out."""
    found = []
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        texts = [each.text if each else "" for each in (old, new)]
        if old and new and old.about != new.about:
            texts = [f"“{old.about}”\n{old.text}", f"“{new.about}”\n{new.text}"]
        if any(texts):
            found.append(Changed((new or old or _Said("", "")).label, compared(*texts)))
    return found


def _named(labels_and_texts: Iterable[tuple[str, str]]) -> _Parts:
    return {label: _Said(label, text) for label, text in labels_and_texts}


def _decided(whole: _Whole) -> _Parts:
    decision = whole.decision
    return _named(
        [
            ("Outcome", Outcome(decision.outcome).label),
            ("Way to improve", Direction(decision.direction).label if decision.direction else ""),
            ("In one sentence", decision.statement),
        ]
    )


def _reasons(whole: _Whole) -> _Parts:
    decision, shared = whole.decision, "Why it departs from the vote"
    said = {"reasons": _Said("Reasons", decision.reasons), shared: _Said(shared, decision.departure_reason)}
    for departure in comparing.departures(decision.comparisons, decision.departure_reason):
        to = ", ".join(departure.who)
        if departure.reason == decision.departure_reason:
            said[shared] = _Said(shared, f"{departure.reason}\nSaid to: {to}")
        else:
            said[f"{shared}: {to}"] = _Said(f"Why it departs from what {to.lower()} asked for", departure.reason)
    return said


def _vote(whole: _Whole) -> _Parts:
    decision = whole.decision
    said = {EVERYONE: _Said("Everyone who answered", decision.comparison_sentence)}
    for who, how in decision.comparisons.items():
        if who != EVERYONE and how["participants"]:
            said[who] = _Said(Capacity(who).plural, how["sentence"])
    return said | {"count": _Said("The count it was taken on", "\n".join(_count(decision)))}


def _count(decision: DecisionRow) -> Iterator[str]:
    yield f"Everyone: {_counts(decision.tally)}"
    for piece in _pieces(decision, "tally"):
        for who, counts in piece["by_capacity"].items():
            yield f"{Capacity(who).plural}: {_counts(counts)}"


def _counts(counts: Mapping[str, int]) -> str:
    ways = ", ".join(f"{way.label.lower()} {counts[f'improve_{way}']:,}" for way in Direction)
    chosen = f"scrap {counts['scrap']:,}, improve {counts['improve']:,} ({ways}), keep {counts['keep']:,}"
    return f"{counts['participants']:,} answered; {chosen}."


def _answers(whole: _Whole) -> _Parts:
    return {f"{row.point_id} {row.comment_id}": _answer(row) for row in whole.answers}


def _answer(row: AnswerRow) -> _Said:
    behind = "1 person behind it" if row.behind == 1 else f"{row.behind:,} people behind it"
    text = f"{row.told}\n{row.reasons}\n{behind}"
    if row.point:
        return _Said(f"Answer to the point “{row.point_title}”", text, row.point_title)
    said = f": “{_quoted(row.said)}”" if row.said and row.said.is_readable else ", which cannot be read any more"
    return _Said(f"Answer to one reason{said}", text)


def _quoted(reason: Reason) -> str:
    words = " ".join(reason.text.split())
    return words if len(words) <= QUOTED else f"{words[:QUOTED].rsplit(' ', 1)[0]}…"


def _evidence(whole: _Whole) -> _Parts:
    listed: dict[str, Callable[[dict[str, Any]], str]] = {
        "Reasons that people gave": lambda piece: _cited_reason(piece, whole.reasons.get(piece["comment"])),
        "Points that people made": lambda p: f"“{p['title']}” {p['summary']} ({_line(p)})",
        "Submissions": _submission,
        "Documents": lambda p: ", ".join(filter(None, [p["title"], p["address"], _digest(p.get("sha256", ""))])),
        "Other evidence": lambda p: p["text"],
        "The regulation as it was worded": lambda p: f"{_line(p).capitalize()}, {_digest(p['text_sha256'])}",
    }
    kinds = ("comment", "point", "submission", "document", "other", "version")
    return _named(
        (label, "\n".join(map(words, _pieces(whole.decision, kind))))
        for kind, (label, words) in zip(kinds, listed.items(), strict=True)
    )


def _pieces(decision: DecisionRow, kind: str) -> Sequence[dict[str, Any]]:
    return [piece for piece in decision.evidence if piece["kind"] == kind]


def _cited_reason(piece: dict[str, Any], reason: Reason | None) -> str:
    words = f" “{_quoted(reason)}”" if reason and reason.is_readable else ""
    return f"To {piece['side']}:{words} ({_line(piece)})"


def _submission(piece: dict[str, Any]) -> str:
    signatures = f"{piece['signatures']:,} signatures, not votes" if piece.get("signatures") else ""
    how = f"by {piece['how'].replace('_', ' ')}"
    withheld = "withheld, counted" if piece["withheld"] else ""
    paper = _digest(piece.get("file_sha256", ""))
    return ", ".join(filter(None, [piece["reference"], how, signatures, withheld, paper])) + f" ({_line(piece)})"


def _line(piece: dict[str, Any]) -> str:
    return f"line {piece['entry'][:8]}…"


def _digest(sha256: str) -> str:
    return f"SHA-256 {sha256}" if sha256 else ""


def _what_happens_next(whole: _Whole) -> _Parts:
    decision = whole.decision
    follows = {True: "Follows", False: "None follows", None: ""}[decision.consultation]
    return _named(
        [
            ("Legal route", decision.legal_route),
            ("Formal consultation", follows),
            ("Responsible", decision.responsible),
            ("To be done by", _day(decision.due_on)),
            ("To be reviewed on", _day(decision.review_on)),
            ("Steps", "\n".join(map(_step, whole.steps))),
        ]
    )


def _step(row: MilestoneRow) -> str:
    done = f" What did it: {row.instrument}." if row.instrument else ""
    why = f" {row.reason}" if row.reason else ""
    return f"{row.label}: {row.state.label.lower()}, by {_day(row.due_on)}.{done}{why}"


def _who(whole: _Whole) -> _Parts:
    decision = whole.decision
    frozen = f"What else it cites: over the first {decision.evidence_at_size:,}." if decision.evidence_at_size else ""
    return _named(
        [
            ("Decided by", decision.decided_by),
            ("Approved by", decision.approved_by),
            ("Published", _day(in_uk(decision.published_at))),
            ("Lines of the record it rests on", f"The count: over the first {decision.at_size:,}.\n{frozen}"),
            ("Its own line in the record", decision.entry_id),
        ]
    )


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else ""


_MATTERS: tuple[tuple[str, str, Callable[[_Whole], _Parts]], ...] = (
    ("decided", "What was decided", _decided),
    ("reasons", "Reasons", _reasons),
    ("vote", "How it stands to the vote", _vote),
    ("answers", "What people said, and the answers", _answers),
    ("evidence", "Evidence it rests on", _evidence),
    ("next", "What happens next", _what_happens_next),
    ("who", "Who decided, and when", _who),
)
